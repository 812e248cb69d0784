/** Changes of a simulation, made on a fork of the registry. */
import type { Allocation } from '../../../proto/gen/drover/v1/Allocation.js';
import type { SimulatedChange } from '../../../proto/gen/drover/v1/SimulatedChange.js';
import type { SimulatedHosts } from '../../../proto/gen/drover/v1/SimulatedHosts.js';
import type { SimulatedOvercommit } from '../../../proto/gen/drover/v1/SimulatedOvercommit.js';
import { writeBit } from '../../fleet/registry-columns.js';
import type { Registry } from '../../fleet/registry.js';
import { nothingTaken } from '../../model/allocation.js';
import { chosenHosts, unknown } from './host-choice.js';
import { freshDetails } from './fresh-host.js';

/** What a host holds: its allocations, in any order. */
export type AllocationsOf = (hostId: string) => readonly Allocation[];

/**
 * Makes a change, and answers the allocations that lost their host by it, the largest first. A change of settings changes
 * no host. Errors: `not-found` and `resource-exhausted`, naming what of the change they are about.
 */
export function applyChange(
  fork: Registry,
  change: SimulatedChange,
  field: string,
  allocationsOf: AllocationsOf,
): readonly Allocation[] {
  if (change.overcommit) overcommit(fork, change.overcommit, `${field}.overcommit`);
  if (change.addHosts) addHosts(fork, change.addHosts, `${field}.add_hosts`);
  return change.drain
    ? chosenHosts(fork, change.drain, `${field}.drain`)
        .flatMap((id) => drain(fork, id, allocationsOf))
        .toSorted(largestFirst)
    : [];
}

function overcommit(fork: Registry, { hosts, ...given }: SimulatedOvercommit, field: string): void {
  const ratios: Partial<Record<keyof typeof given, number>> = {};
  for (const key of ['cpuAllocationRatio', 'ramAllocationRatio', 'diskAllocationRatio'] as const)
    if (given[key] > 0) ratios[key] = given[key];
  for (const id of chosenHosts(fork, hosts, `${field}.hosts`)) {
    const record = fork.recordAt(fork.rowOf(id) as number);
    fork.upsert({ ...record, overcommit: { ...record.overcommit, ...ratios } });
  }
}

/** Takes a host out of service and off it what its allocations hold. Domains without an allocation stay. */
function drain(fork: Registry, id: string, allocationsOf: AllocationsOf): readonly Allocation[] {
  const row = fork.rowOf(id) as number;
  const { columns } = fork;
  writeBit(columns.enabled, row, false);
  columns.deriveService(row);
  fork.setAllocated(id, nothingTaken);
  fork.setCounts(id, { ecusUsed: 0 });
  const allocations = columns.records[row] ? allocationsOf(id) : [];
  for (const { instanceUuid } of allocations) columns.instances.remove(instanceUuid, row);
  return allocations;
}

/** Those that are hardest to place come first. */
function largestFirst(a: Allocation, b: Allocation): number {
  return b.memoryMb - a.memoryMb || b.vcpus - a.vcpus || (a.id < b.id ? -1 : 1);
}

function addHosts(
  fork: Registry,
  { count, likeHost, availabilityZone }: SimulatedHosts,
  field: string,
): void {
  const row = fork.rowOf(likeHost) ?? fork.rowOfName(likeHost);
  if (row === undefined) throw unknown(`${field}.like_host`, 'host', likeHost);
  const like = fork.recordAt(row);
  const aggregates = fork.columns.aggregatesOf(row);
  const details = fork.columns.detailsOf(row);
  const zone = availabilityZone || like.availabilityZone;
  for (let number = 1, added = 0; added < count; number++) {
    const name = `${like.name}+${number}`;
    if (fork.rowOf(name) !== undefined || fork.rowOfName(name) !== undefined) continue;
    fork.upsert(
      {
        ...like,
        id: name,
        name,
        availabilityZone: zone,
        disabled: false,
        forcedDown: false,
        maintenance: null,
        lock: null,
        simulated: true,
      },
      aggregates,
    );
    fork.setDetails(name, freshDetails(details, name));
    fork.setLiveness(name, true, 0);
    added++;
  }
}
