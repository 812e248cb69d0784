/**
 * Lets a bounded number of calls run, each on a slot of its own, with a deadline that holds whatever the call does. A call
 * that overstays is given up by its caller, but it keeps its slot until it really returned: the thread under it is still
 * stuck, and a second call on the same connection would never be rescued by libvirt's keepalive. So that calls which hang
 * delay no others for long, each late one makes room for one more, until there are no slots left; then calls are refused.
 */
import { DroverError } from '../../proto/wire/errors.js';
import { mayStart, starved } from './slot-rules.js';

export interface CallQueueOptions<Slot> {
  readonly slots: readonly Slot[];
  /** Slots that are used while no call is late; all of them. */
  readonly usual?: number;
  /** A call that has its slot for longer is late; the deadline. */
  readonly lateMs?: number;
  /** Runs on a slot that was used while no call waits, before it is free again; it must not throw. */
  rest?(slot: Slot): Promise<void>;
  /** Calls that may wait for a slot. */
  readonly queueLimit: number;
  readonly deadlineMs: number;
}

/** What a running call is told: whether anyone still waits for it. It tells when it first asks the other side. */
export interface Lease {
  readonly expired: boolean;
  asked?(): void;
}

export interface CallRequest<Slot, Result> {
  /** For people: `pin vcpu 0 of web1`. */
  readonly label: string;
  /** Calls of one key run one at a time; while one of them is stuck, the next are refused at once. */
  readonly key?: string;
  /** This call's own bounds; those of the queue. */
  readonly deadlineMs?: number;
  readonly lateMs?: number;
  run(slot: Slot, lease: Lease): Promise<Result>;
}

interface Call<Slot> {
  readonly request: CallRequest<Slot, unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: DroverError) => void;
  readonly deadline: NodeJS.Timeout;
  expired: boolean;
  late: boolean;
  /** It was put to the other side: from then on silence is that side's. */
  wasAsked: boolean;
}

export class CallQueue<Slot> {
  readonly #options: CallQueueOptions<Slot> & Required<Omit<CallQueueOptions<Slot>, 'rest'>>;
  readonly #idle: Slot[];
  readonly #active = new Set<Call<Slot>>();
  #waiting: Call<Slot>[] = [];
  #whenDrained: (() => void)[] = [];

  constructor(options: CallQueueOptions<Slot>) {
    this.#options = { usual: options.slots.length, lateMs: options.deadlineMs, ...options };
    this.#idle = [...options.slots];
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Calls that hold a slot, stuck ones included. */
  get running(): number {
    return this.#active.size;
  }

  /**
   * Runs a call when a slot is free and answers what it gives. Errors: what the call throws; `deadline-exceeded` when it
   * was asked and not answered `deadlineMs` (its own or the queue's) after this was called, waiting included; `unavailable` when it could not be
   * asked by then, or at once when late calls hold every slot; `resource-exhausted` when the queue is full.
   */
  submit<Result>(request: CallRequest<Slot, Result>): Promise<Result> {
    if (this.#stuckOn(request.key)) return Promise.reject(stuck(request.label));
    if (starved(this.#options, [...this.#active], request.key)) return Promise.reject(noFree(request.label));
    if (this.#waiting.length >= this.#options.queueLimit) return Promise.reject(this.#full(request.label));
    return new Promise<Result>((resolve, reject) => {
      const call: Call<Slot> = {
        request,
        resolve: resolve as (value: unknown) => void,
        reject,
        deadline: setTimeout(() => this.#expire(call), this.#deadlineMs(request)),
        expired: false,
        late: false,
        wasAsked: false,
      };
      this.#waiting.push(call);
      this.#startNext();
    });
  }

  /** Rejects every call that waits. Running ones are left: libvirt fails them when their connection is gone. */
  rejectWaiting(error: (label: string) => DroverError): void {
    this.#rejectWhere(() => true, error);
  }

  /** Done when no call holds a slot any more, however long a stuck one takes. */
  async drained(): Promise<void> {
    if (this.#active.size > 0) await new Promise<void>((resolve) => this.#whenDrained.push(resolve));
  }

  #startNext(): void {
    const active = [...this.#active];
    const next = this.#waiting.find(({ request: { key } }) => mayStart(this.#options, active, key));
    if (!next) return;
    this.#waiting = this.#waiting.filter((call) => call !== next);
    void this.#start(next, this.#idle.shift() as Slot);
    this.#startNext();
  }

  async #start(call: Call<Slot>, slot: Slot): Promise<void> {
    this.#active.add(call);
    const lateness = setTimeout(() => this.#late(call), call.request.lateMs ?? this.#options.lateMs);
    const asked = (): void => void (call.wasAsked = true);
    const lease: Lease = {
      get expired() {
        return call.expired;
      },
      asked,
    };
    try {
      const value = await call.request.run(slot, lease);
      this.#settle(call, () => call.resolve(value));
    } catch (thrown) {
      this.#settle(call, () => call.reject(thrown as DroverError));
    }
    clearTimeout(lateness);
    if (this.#waiting.length === 0) await this.#options.rest?.(slot);
    this.#active.delete(call);
    this.#putBack(slot);
    this.#startNext();
    if (this.#active.size === 0) for (const done of this.#whenDrained.splice(0)) done();
  }

  /** The first slots are used first, so that the spare ones stay unused until they are needed. */
  #putBack(slot: Slot): void {
    const order = (each: Slot): number => this.#options.slots.indexOf(each);
    this.#idle.push(slot);
    this.#idle.sort((a, b) => order(a) - order(b));
  }

  /** A slot more is in use from here on; without one, those that wait would wait in vain. */
  #late(call: Call<Slot>): void {
    call.late = true;
    this.#startNext();
    const active = [...this.#active];
    this.#rejectWhere(({ request }) => starved(this.#options, active, request.key), noFree);
  }

  #expire(call: Call<Slot>): void {
    this.#waiting = this.#waiting.filter((other) => other !== call);
    const { label, key } = call.request;
    const message = `${label}: got no answer from libvirt in ${this.#deadlineMs(call.request)} ms`;
    this.#settle(call, () =>
      call.reject(call.wasAsked ? new DroverError('deadline-exceeded', message) : noFree(label)),
    );
    call.expired = true;
    if (this.#active.has(call) && !call.late) this.#late(call);
    // Its fellows for the same key would only wait for their own deadlines.
    if (this.#stuckOn(key)) this.#rejectWhere(({ request }) => request.key === key, stuck);
  }

  #rejectWhere(which: (call: Call<Slot>) => boolean, error: (label: string) => DroverError): void {
    const rejected = this.#waiting.filter(which);
    this.#waiting = this.#waiting.filter((call) => !rejected.includes(call));
    for (const call of rejected) this.#settle(call, () => call.reject(error(call.request.label)));
  }

  #settle(call: Call<Slot>, answer: () => void): void {
    clearTimeout(call.deadline);
    if (!call.expired) answer();
  }

  #stuckOn(key: string | undefined): boolean {
    return key !== undefined && [...this.#active].some((call) => call.request.key === key && call.expired);
  }

  #deadlineMs({ deadlineMs }: CallRequest<Slot, unknown>): number {
    return deadlineMs ?? this.#options.deadlineMs;
  }

  #full(label: string): DroverError {
    const limit = this.#options.queueLimit;
    return new DroverError('resource-exhausted', `${label}: ${limit} libvirt calls wait already`, {
      field: 'libvirt calls',
      value: String(limit),
    });
  }
}

function stuck(label: string): DroverError {
  return new DroverError(
    'deadline-exceeded',
    `${label}: an earlier call for it has not returned from libvirt yet`,
  );
}

/** Says nothing of the domain that the call was for: it was never asked. */
function noFree(label: string): DroverError {
  return new DroverError('unavailable', `${label}: no free connection to libvirt: calls hang on them`);
}
