/** The fleet that placement is measured on: made from a fixed seed, the same at every run. */
import { Registry } from '../../controlplane/fleet/registry.js';
import { noDetails } from '../../controlplane/model/host-details.js';
import type { HostCell } from '../../controlplane/model/host-numa.js';
import { checkGuest } from '../../controlplane/model/numa/checked-guest.js';
import { type CheckedRequest, requestFor } from '../../controlplane/model/request.js';

/** Numbers in 0..1 from a seed (mulberry32): the same fleet at every run. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A fleet of three zones and four kinds of host, used to between nothing and all, one in fifty down, one in fifty disabled; some build, a few have failed to. */
export function benchFleet(hosts: number, random = seeded(1)): Registry {
  const registry = new Registry();
  for (let index = 0; index < hosts; index++) addHost(registry, index, random);
  return registry;
}

function addHost(registry: Registry, index: number, random: () => number): void {
  const id = `h${String(index).padStart(6, '0')}`;
  const cores = [32, 64, 96, 128][Math.floor(random() * 4)] as number;
  registry.upsert({
    id,
    name: `kvm-${String(index).padStart(6, '0')}`,
    availabilityZone: `az${Math.floor(random() * 3)}`,
    labels: {},
    disabled: random() < 0.02,
    disabledReason: 'maintenance',
    overcommit: null,
    capacity: { vcpus: cores, memoryBytes: cores * 4 * 2 ** 30, diskBytes: cores * 50 * 2 ** 30 },
    machineId: '',
    certificateSerial: '',
    enrolledUnixMs: 0,
    forcedDown: false,
    maintenance: null,
    lock: null,
    simulated: true,
  });
  const used = random();
  registry.setUnmanaged(id, {
    vcpus: Math.floor(cores * 4 * Math.min(1, used * (0.8 + random() * 0.4))),
    memoryMb: Math.floor(cores * 4096 * used),
    diskMb: Math.floor(cores * 51_200 * random()),
    count: 1,
  });
  registry.setCounts(id, { ioOps: Math.floor(random() ** 2 * 8), failedBuilds: random() < 0.01 ? 1 : 0 });
  registry.setLiveness(id, random() >= 0.02, 1_700_000_000_000);
}

/** A request for these vCPUs, 4 GiB and 20 GiB of disk each. */
export function request(vcpus: number, availabilityZone: string): CheckedRequest {
  return requestFor({ vcpus, memoryMb: vcpus * 4096, rootGb: vcpus * 20 }, { availabilityZone });
}

/** A request for dedicated CPUs. */
export function pinned(vcpus: number, availabilityZone: string): CheckedRequest {
  const plain = request(vcpus, availabilityZone);
  const flavor = { ...plain.flavor, extraSpecs: { 'hw:cpu_policy': 'dedicated' } };
  const { numa } = checkGuest(flavor, { id: '', name: '', properties: {} }, 'request');
  return { ...plain, flavor, extraSpecs: flavor.extraSpecs, numa };
}

/** The fleet with two NUMA cells a host: 8 CPUs of each for shared vCPUs, 24 for dedicated ones, some of them taken. */
export function withCells(registry: Registry, random = seeded(2)): Registry {
  for (const row of registry.rowsByName()) {
    const { id, name } = registry.recordAt(row);
    const cells = [0, 1].map((cell) => cellOf(cell, Math.floor(random() * 13) * 2));
    registry.setDetails(id, { ...noDetails, nodeName: name, numa: { cells } });
  }
  return registry;
}

function cellOf(id: number, taken: number): HostCell {
  const cpus = (first: number, count: number) =>
    Array.from({ length: count }, (_, index) => id * 32 + first + index);
  return {
    id,
    sharedCpus: cpus(0, 8),
    dedicatedCpus: cpus(8, 24),
    memoryMb: 262_144,
    memoryUsedMb: taken * 4096,
    vcpusUsed: 0,
    pinnedCpus: cpus(8, taken),
    siblings: Array.from({ length: 16 }, (_, core) => cpus(core * 2, 2)),
    socket: id,
    pages: [{ sizeKb: 4, total: 2 ** 26, used: 0, reserved: 0 }],
    network: { physnets: [], tunneled: false },
  };
}
