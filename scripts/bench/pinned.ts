/** How long a search takes that asks for dedicated CPUs: 10,000 hosts with two cells, half of their CPUs and memory in use. */
import { pathToFileURL } from 'node:url';
import { Registry } from '../../controlplane/fleet/registry.js';
import { noDetails } from '../../controlplane/model/host-details.js';
import type { HostCell, HostNuma } from '../../controlplane/model/host-numa.js';
import { guestNumaOf } from '../../controlplane/model/numa/guest-numa-of.js';
import { type CheckedRequest, requestFor } from '../../controlplane/model/request.js';
import { novaSettings } from '../../controlplane/model/scheduler-settings.js';
import { rulesOf, select } from '../../controlplane/placement/select.js';

const cores = 16;
const memoryMb = 131_072;

interface Measurement {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** One generator for every run: the same fleet each time (a mulberry). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A cell of 16 cores with two threads each, of which about a share `used` is pinned, core by core. */
function cellOf(id: number, random: () => number, used: number): HostCell {
  const siblings = Array.from({ length: cores }, (_, core) => [
    id * cores + core,
    id * cores + core + 2 * cores,
  ]);
  const pinnedCpus = siblings.filter(() => random() < used).flat();
  const memoryUsedMb = Math.round(memoryMb * used);
  return {
    id,
    sharedCpus: [],
    dedicatedCpus: siblings.flat(),
    memoryMb,
    memoryUsedMb,
    vcpusUsed: 0,
    pinnedCpus: pinnedCpus.toSorted((a, b) => a - b),
    siblings,
    socket: id,
    pages: [{ sizeKb: 4, total: memoryMb * 256, used: memoryUsedMb * 256, reserved: 0 }],
    network: { physnets: [], tunneled: false },
  };
}

function addHost(registry: Registry, index: number, random: () => number, used: number): void {
  const id = `h${String(index).padStart(6, '0')}`;
  const numa: HostNuma = { cells: [cellOf(0, random, used), cellOf(1, random, used)] };
  const pinned = numa.cells.reduce((sum, cell) => sum + cell.pinnedCpus.length, 0);
  registry.upsert({
    id,
    name: `kvm-${id}`,
    availabilityZone: 'az0',
    labels: {},
    disabled: false,
    disabledReason: '',
    overcommit: null,
    capacity: { vcpus: 4 * cores, memoryBytes: 2 * memoryMb * 2 ** 20, diskBytes: 2 ** 42 },
    machineId: '',
    certificateSerial: '',
    enrolledUnixMs: 0,
    forcedDown: false,
    maintenance: null,
    lock: null,
    simulated: true,
  });
  registry.setUnmanaged(id, {
    vcpus: pinned,
    memoryMb: Math.round(2 * memoryMb * used),
    diskMb: (1024 * index) % 2 ** 20,
    count: 1,
  });
  registry.setDetails(id, { ...noDetails, numa });
  registry.setLiveness(id, true, 1_700_000_000_000);
}

/** A fleet whose cells are in use by the share `used`. */
export function pinnedFleet(hosts: number, used: number): Registry {
  const random = seeded(1);
  const registry = new Registry();
  for (let index = 0; index < hosts; index++) addHost(registry, index, random, used);
  return registry;
}

/** A request for dedicated vCPUs in one cell. */
export function pinnedRequest(vcpus: number): CheckedRequest {
  const extraSpecs = { 'hw:cpu_policy': 'dedicated' };
  const request = requestFor(
    { name: 'pinned', vcpus, memoryMb: vcpus * 1024, rootGb: 20, extraSpecs },
    { image: { id: 'image', name: 'image', properties: {} } },
  );
  return { ...request, numa: guestNumaOf(request.flavor, request.image) };
}

/** Microseconds of single searches, sorted. */
function timesOf(registry: Registry, request: CheckedRequest, calls: number): Float64Array {
  const rules = rulesOf({
    ...novaSettings,
    enabledFilters: [...novaSettings.enabledFilters, 'NUMATopologyFilter'],
  });
  for (let index = 0; index < calls / 10; index++) select(registry, rules, request, 5);
  const times = new Float64Array(calls);
  for (let index = 0; index < calls; index++) {
    const start = performance.now();
    select(registry, rules, request, 5);
    times[index] = (performance.now() - start) * 1000;
  }
  return times.sort();
}

/**
 * The top 5 for 8 dedicated vCPUs: on a fleet half in use, where most hosts have room, and on one so full that few have, where
 * the search has to ask nearly every host.
 */
export function benchPinned(hosts = 10_000, calls = 1_000): Measurement[] {
  const measure = (name: string, used: number): Measurement[] => {
    const times = timesOf(pinnedFleet(hosts, used), pinnedRequest(8), calls);
    const at = (share: number) => times[Math.floor(times.length * share)] as number;
    return [
      { name: `placement.${name}.${hosts}.p50`, value: at(0.5), unit: 'us' },
      { name: `placement.${name}.${hosts}.p99`, value: at(0.99), unit: 'us' },
    ];
  };
  return [...measure('select-pinned', 0.5), ...measure('select-pinned-full', 0.9)];
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const measurement of benchPinned()) console.log(JSON.stringify(measurement));
}
