/**
 * One client of the soak: reads its `Orders` from standard input, makes random claims, releases and moves, prints how many
 * it has done since it last said so, and at the end what it was promised. When the hosts are full it gives back.
 */
import { text } from 'node:stream/consumers';
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { ClaimRequestInput } from '../../proto/gen/drover/v1/ClaimRequest.js';
import type { ClaimResponse } from '../../proto/gen/drover/v1/ClaimResponse.js';
import type { MoveResponse } from '../../proto/gen/drover/v1/MoveResponse.js';
import type { PlaceManyResponse } from '../../proto/gen/drover/v1/PlaceManyResponse.js';
import type { PlacementClient } from '../../proto/gen/drover/v1/Placement.js';
import type { ReleaseResponse } from '../../proto/gen/drover/v1/ReleaseResponse.js';
import type { Reach } from '../bench/claims-fleet.js';
import { clientOf } from '../bench/claims-generator.js';
import { randomOf } from '../../controlplane/placement/choose.js';
import { answerOf, Refusal } from './calls.js';

export interface Orders {
  readonly name: string;
  readonly reach: Reach;
  readonly seed: number;
  readonly operations: number;
  readonly lanes: number;
  readonly groups: readonly string[];
}

/** What the control plane has promised, and what it did not keep. */
export interface Promised {
  readonly operations: number;
  readonly claimed: number;
  readonly released: number;
  readonly moved: number;
  readonly refused: number;
  readonly repeated: number;
  /** Allocations that are held at the end. */
  readonly held: readonly Held[];
  readonly broken: readonly string[];
}

export type Held = Pick<Allocation, 'id' | 'idempotencyKey' | 'vcpus' | 'memoryMb' | 'hostName'>;

const mostBroken = 100;
const progressEvery = 100;
/** The control plane is back within seconds: nobody waits longer for the next try. */
const reconnect = { 'grpc.initial_reconnect_backoff_ms': 100, 'grpc.max_reconnect_backoff_ms': 500 };

class SoakClient {
  readonly #orders: Orders;
  readonly #client: PlacementClient;
  readonly #random: () => number;
  readonly #held: { claim: ClaimRequestInput; allocation: Held }[] = [];
  readonly #broken: string[] = [];
  readonly #counts = { operations: 0, claimed: 0, released: 0, moved: 0, refused: 0, repeated: 0 };
  #keys = 0;
  /** The last claim found no host. */
  #isFull = false;

  readonly #progress: (done: number) => void;

  /** `progress`: told how many operations are done. */
  constructor(orders: Orders, progress: (done: number) => void) {
    this.#progress = progress;
    this.#orders = orders;
    this.#client = clientOf(orders.reach, reconnect);
    this.#random = randomOf(orders.seed);
  }

  async run(): Promise<Promised> {
    const lane = async (): Promise<void> => {
      while (this.#counts.operations < this.#orders.operations) {
        await this.#step();
        this.#progress(this.#counts.operations);
      }
    };
    await Promise.all(Array.from({ length: this.#orders.lanes }, lane));
    this.#client.close();
    const held = this.#held.map(({ allocation }) => allocation);
    return { ...this.#counts, held, broken: this.#broken };
  }

  async #step(): Promise<void> {
    const dice = this.#random();
    try {
      if (this.#held.length > 0 && (this.#isFull ? dice < 0.7 : dice < 0.25)) await this.#release();
      else if (this.#held.length > 0 && dice < 0.35) await this.#move();
      else if (this.#held.length > 0 && dice < 0.38) await this.#again();
      else if (dice < 0.6) await this.#claim();
      else await this.#placeMany(2 + Math.floor(this.#random() * 19), dice < 0.7);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#counts.refused++;
      this.#counts.operations++;
      this.#isFull = error.code === 'no-valid-host';
      if (!['no-valid-host', 'resource-exhausted'].includes(error.code))
        this.#breaks(`refused: ${error.code}`);
    }
  }

  async #claim(): Promise<void> {
    const claim = this.#newClaim();
    const { answer } = await this.#ask<ClaimResponse>((options, callback) =>
      this.#client.claim(claim, options, callback),
    );
    this.#take(claim, answer.allocation);
    this.#counts.operations++;
  }

  async #placeMany(count: number, allOrNothing: boolean): Promise<void> {
    const claims = Array.from({ length: count }, () => this.#newClaim());
    const { answer } = await this.#ask<PlaceManyResponse>((options, callback) =>
      this.#client.placeMany({ claims, allOrNothing }, options, callback),
    );
    this.#counts.operations += count;
    for (const [index, { allocation, errorCode }] of answer.results.entries()) {
      if (errorCode === '') this.#take(claims[index] as ClaimRequestInput, allocation);
      else this.#counts.refused++;
      this.#isFull = errorCode === 'no-valid-host';
    }
  }

  /** The same key again is the same allocation. */
  async #again(): Promise<void> {
    const { claim, allocation } = this.#one();
    try {
      const { answer } = await this.#ask<ClaimResponse>((options, callback) =>
        this.#client.claim(claim, options, callback),
      );
      if (!answer.existed || answer.allocation?.id !== allocation.id)
        this.#breaks(`key ${claim.idempotencyKey} was ${allocation.id}, is ${answer.allocation?.id}`);
      this.#counts.operations++;
    } finally {
      this.#held.push({ claim, allocation });
    }
  }

  async #release(): Promise<void> {
    const { allocation } = this.#one();
    try {
      await this.#ask<ReleaseResponse>((options, callback) =>
        this.#client.release({ allocationId: allocation.id }, options, callback),
      );
    } catch (error) {
      const isDone = error instanceof Refusal && error.code === 'not-found' && error.repeated;
      if (!isDone) throw error;
    }
    this.#counts.operations++;
    this.#counts.released++;
    this.#isFull = false;
  }

  async #move(): Promise<void> {
    const one = this.#one();
    try {
      const idempotencyKey = this.#newKey();
      const { answer } = await this.#ask<MoveResponse>((options, callback) =>
        this.#client.move({ allocationId: one.allocation.id, idempotencyKey }, options, callback),
      );
      const { allocation, fromHostName } = answer;
      if (!allocation || allocation.id !== one.allocation.id || fromHostName !== one.allocation.hostName)
        this.#breaks(
          `move of ${one.allocation.id} from ${one.allocation.hostName}: ${fromHostName} ${allocation?.id}`,
        );
      if (allocation) one.allocation = { ...one.allocation, hostName: allocation.hostName };
      this.#counts.operations++;
      this.#counts.moved++;
    } finally {
      this.#held.push(one);
    }
  }

  async #ask<Answer>(call: Parameters<typeof answerOf<Answer>>[0]): ReturnType<typeof answerOf<Answer>> {
    const answered = await answerOf(call);
    if (answered.repeated) this.#counts.repeated++;
    return answered;
  }

  #take(claim: ClaimRequestInput, allocation: Allocation | null): void {
    if (!allocation) return this.#breaks(`key ${claim.idempotencyKey}: no allocation in the answer`);
    const { id, idempotencyKey, vcpus, memoryMb, hostName } = allocation;
    if (idempotencyKey !== claim.idempotencyKey || vcpus !== claim.request?.vcpus)
      this.#breaks(`key ${claim.idempotencyKey} was answered with ${idempotencyKey}, ${vcpus} vCPUs`);
    this.#held.push({ claim, allocation: { id, idempotencyKey, vcpus, memoryMb, hostName } });
    this.#counts.claimed++;
    this.#isFull = false;
  }

  /** Takes out one that is held, so that no other lane has it. */
  #one(): { claim: ClaimRequestInput; allocation: Held } {
    const index = Math.floor(this.#random() * this.#held.length);
    const one = this.#held[index] as { claim: ClaimRequestInput; allocation: Held };
    const last = this.#held.pop() as typeof one;
    if (last !== one) this.#held[index] = last;
    return one;
  }

  #newKey(): string {
    return `${this.#orders.name}-${this.#keys++}`;
  }

  #newClaim(): ClaimRequestInput {
    const vcpus = 1 + Math.floor(this.#random() * 6);
    const { groups } = this.#orders;
    const group = this.#random() < 0.1 ? groups[Math.floor(this.#random() * groups.length)] : undefined;
    return {
      idempotencyKey: this.#newKey(),
      request: {
        vcpus,
        memoryMb: 512 * vcpus * (1 + Math.floor(this.#random() * 4)),
        rootGb: 1,
        serverGroup: group ?? '',
      },
    };
  }

  #breaks(what: string): void {
    if (this.#broken.length < mostBroken) this.#broken.push(`${this.#orders.name}: ${what}`);
  }
}

process.noDeprecation = true;
if (process.argv[1]?.endsWith('soak/client.js')) {
  const orders = JSON.parse(await text(process.stdin)) as Orders;
  let told = 0;
  const progress = (done: number): void => {
    if (done - told < progressEvery) return;
    process.stdout.write(`${done - told}\n`);
    told = done;
  };
  process.stdout.write(`${JSON.stringify(await new SoakClient(orders, progress).run())}\n`);
}
