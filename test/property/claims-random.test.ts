/** Random concurrent claims, releases and moves, commits that fail, and restarts: hosts are never oversold, and what was answered is there. */
import fc from 'fast-check';
import t from 'tap';
import { Claims } from '../../controlplane/allocations/claims.js';
import { Registry } from '../../controlplane/fleet/registry.js';
import { noDetails } from '../../controlplane/model/host-details.js';
import { devicesOf } from '../../controlplane/model/host-devices.js';
import { requestFor } from '../../controlplane/model/request.js';
import { novaSettings } from '../../controlplane/model/scheduler-settings.js';
import { randomOf } from '../../controlplane/placement/choose.js';
import { rulesOf } from '../../controlplane/placement/select.js';
import { Writer } from '../../controlplane/store/group-commit.js';
import { MemoryStore } from '../../controlplane/store/memory.js';
import type { Store } from '../../controlplane/store/store.js';
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { DroverError } from '../../proto/wire/errors.js';

const hosts = 6;
const vcpus = 8;
const memoryMb = 16_384;
/** Of each host: fewer than its vCPUs could use. */
const devices = [0, 1, 2].map((number) => ({
  ...{
    address: `0000:3b:00.${number}`,
    vendorId: '8086',
    productId: '154c',
    deviceType: 'type-VF',
    tags: {},
  },
}));
const rules = rulesOf({
  ...novaSettings,
  enabledFilters: [...novaSettings.enabledFilters, 'PciPassthroughFilter'],
});
const groups = new Map(
  ['g0', 'g1'].map((id) => [id, { id, name: id, policy: 'anti-affinity', maxServerPerHost: undefined }]),
);

function fleet(): Registry {
  const defaults = {
    ...{ cpuAllocationRatio: 1, ramAllocationRatio: 1, diskAllocationRatio: 1 },
    ...{ reservedHostCpus: 0, reservedHostMemoryMb: 0, reservedHostDiskMb: 0 },
  };
  const registry = new Registry({ defaults });
  for (let index = 0; index < hosts; index++) {
    registry.upsert({
      ...{ id: `h${index}`, name: `kvm-${index}`, availabilityZone: '', labels: {}, overcommit: null },
      ...{ disabled: false, disabledReason: '', machineId: '', certificateSerial: '', enrolledUnixMs: 0 },
      ...{ forcedDown: false, maintenance: null, lock: null, simulated: true },
      capacity: { vcpus, memoryBytes: memoryMb * 2 ** 20, diskBytes: 2 ** 40 },
    });
    registry.setLiveness(`h${index}`, true, 1);
  }
  return registry;
}

/** A run of random operations over one store, with what was answered. */
class Run {
  readonly #random: () => number;
  readonly #store = new MemoryStore();
  readonly held = new Map<string, { key: string; vcpus: number }>();
  /** Allocations that an operation is on its way for. */
  readonly #busy = new Set<string>();
  readonly counts = { claimed: 0, refused: 0, released: 0, moved: 0, failed: 0, restarts: 0 };
  #claims: Claims | undefined;
  #registry = fleet();
  #id = 0;

  constructor(seed: number) {
    this.#random = randomOf(seed);
  }

  async restart(): Promise<void> {
    const snapshot = await this.#store.load();
    const { revision } = snapshot;
    this.#registry = fleet();
    const failing: Store['commit'] = async (writes, expected) => {
      await new Promise(setImmediate);
      if (this.#random() < 0.1) throw new DroverError('storage-failed', 'told to fail');
      return this.#store.commit(writes, expected);
    };
    const store: Store = {
      load: () => this.#store.load(),
      commit: failing,
      tail: (from) => this.#store.tail(from),
      close: () => Promise.resolve(),
    };
    this.#claims = new Claims({
      ...{ registry: this.#registry, commits: new Writer(store, revision), now: () => 0 },
      newId: () => `a${this.#id++}`,
      groupOf: (id) => groups.get(id),
      rules,
    });
    this.#claims.load(snapshot);
    const told = { ...noDetails, ...devicesOf(devices) };
    for (let index = 0; index < hosts; index++)
      this.#registry.setDetails(`h${index}`, this.#claims.detailsWith(`h${index}`, told));
    this.counts.restarts++;
  }

  get claims(): Claims {
    if (!this.#claims) throw new Error('not started');
    return this.#claims;
  }

  /** One operation, to its end. What is refused or fails changes nothing. */
  async step(): Promise<void> {
    const dice = this.#random();
    try {
      if (dice < 0.45) await this.#claim(`k${this.#id}-${this.#random()}`);
      else if (dice < 0.55) await this.#placeMany();
      else if (dice < 0.6) await this.#again();
      else if (dice < 0.85) await this.#release();
      else await this.#move();
    } catch (error) {
      if (!(error instanceof DroverError)) throw error;
      if (error.code === 'no-valid-host') this.counts.refused++;
      else if (error.code === 'storage-failed') this.counts.failed++;
      else throw error;
    }
  }

  #wanted() {
    const size = 1 + Math.floor(this.#random() * 4);
    const id = this.#random() < 0.2 ? `g${Math.floor(this.#random() * 2)}` : undefined;
    const group =
      id === undefined ? null : { id, policy: '', members: [], hosts: [], maxServerPerHost: undefined };
    const pciRequests =
      this.#random() < 0.3
        ? [{ count: 1 + (size % 2), specs: [{ vendor_id: '8086' }], numaPolicy: undefined }]
        : [];
    return requestFor({ vcpus: size, memoryMb: 1024 * size }, { group, pciRequests });
  }

  async #claim(key: string): Promise<void> {
    this.#take((await this.claims.claim(this.#wanted(), key)).allocation);
  }

  async #placeMany(): Promise<void> {
    const many = Array.from({ length: 5 }, (_, index) => ({
      request: this.#wanted(),
      key: `m${this.#id}-${index}-${this.#random()}`,
      by: '',
    }));
    for (const outcome of await this.claims.placeMany(many, this.#random() < 0.5))
      if ('allocation' in outcome) this.#take(outcome.allocation);
  }

  #take({ id, idempotencyKey, vcpus: size }: Allocation): void {
    this.held.set(id, { key: idempotencyKey, vcpus: size });
    this.counts.claimed++;
  }

  /** The same key at the same time: one allocation. */
  async #again(): Promise<void> {
    const [key, request] = [`twice-${this.#id}-${this.#random()}`, this.#wanted()];
    const both = await Promise.allSettled([this.claims.claim(request, key), this.claims.claim(request, key)]);
    const ids = both.flatMap((one) => (one.status === 'fulfilled' ? [one.value.allocation] : []));
    if (ids.length === 2 && ids[0]?.id !== ids[1]?.id) throw new Error(`key ${key} is two allocations`);
    if (ids[0]) this.#take(ids[0]);
  }

  #one(): string | undefined {
    const free = [...this.held.keys()].filter((id) => !this.#busy.has(id));
    return free[Math.floor(this.#random() * free.length)];
  }

  async #release(): Promise<void> {
    const id = this.#one();
    if (id !== undefined) await this.#busily(id, () => this.claims.release(id));
    if (id !== undefined && this.held.delete(id)) this.counts.released++;
  }

  async #move(): Promise<void> {
    const id = this.#one();
    if (id === undefined) return;
    await this.#busily(id, () =>
      this.claims.move({ allocationId: id, hostId: '', key: '', by: '', reason: '' }),
    );
    this.counts.moved++;
  }

  async #busily(id: string, work: () => Promise<unknown>): Promise<void> {
    this.#busy.add(id);
    try {
      await work();
    } finally {
      this.#busy.delete(id);
    }
  }

  /** What is wrong, in words. */
  wrongs(): string[] {
    const listed = this.claims.list();
    const ids = new Set(listed.map(({ id }) => id));
    const pairs = listed
      .filter((one) => one.serverGroupId !== '')
      .map((one) => `${one.serverGroupId} ${one.hostId}`);
    const sums = Array.from({ length: hosts }, (_, index) => {
      const on = listed.filter(({ hostId }) => hostId === `h${index}`);
      const used = on.reduce((sum, one) => sum + one.vcpus, 0);
      const counted = this.#registry.columns.vcpus.used(index);
      const given = on.flatMap((one) => one.devices.map(({ address }) => address));
      const free = this.#registry.columns.detailsOf(index).devices?.free.length ?? 0;
      if (new Set(given).size !== given.length) return `h${index} gave a device twice: ${given.join()}`;
      if (free !== devices.length - given.length)
        return `h${index} has ${free} devices, gave ${given.join()}`;
      for (const { id, requestRest, devices: own } of on)
        if (own.length !== (requestRest?.pciRequests[0]?.count ?? 0))
          return `${id} has ${own.length} devices`;
      if (used > vcpus) return `h${index} has ${used} vCPUs`;
      return used === counted ? '' : `h${index} counts ${counted} of ${used} vCPUs`;
    });
    return [
      ...sums.filter((text) => text !== ''),
      ...[...this.held.keys()].filter((id) => !ids.has(id)).map((id) => `${id} is lost`),
      ...listed.filter(({ id }) => !this.held.has(id)).map(({ id }) => `${id} is nobody’s`),
      ...(ids.size === listed.length ? [] : ['an id is there twice']),
      ...(new Set(pairs).size === pairs.length ? [] : ['a group is together']),
    ];
  }
}

t.test('nothing is oversold, lost or doubled', async (t) => {
  const total = { claimed: 0, refused: 0, released: 0, moved: 0, failed: 0, restarts: 0 };
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 2 ** 31 }), async (seed) => {
      const run = new Run(seed);
      for (let life = 0; life < 4; life++) {
        await run.restart();
        for (let round = 0; round < 12; round++)
          await Promise.all(Array.from({ length: 8 }, () => run.step()));
        const wrongs = run.wrongs();
        if (wrongs.length > 0) throw new Error(wrongs.join('; '));
      }
      await run.restart();
      const wrongs = run.wrongs();
      if (wrongs.length > 0) throw new Error(`after a restart: ${wrongs.join('; ')}`);
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += run.counts[key];
    }),
    { numRuns: 8, endOnFailure: true },
  );
  for (const [what, count] of Object.entries(total)) t.ok(count > 10, `${what}: ${count}`);
});
