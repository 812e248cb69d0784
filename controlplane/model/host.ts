/** Allocation ratios and reservations of a host, as Nova means them, and what a host offers in placement's units. Pure. */
import type { HostCapacity } from '../../proto/gen/drover/v1/HostCapacity.js';
import type { HostOvercommit, HostOvercommitInput } from '../../proto/gen/drover/v1/HostOvercommit.js';
import type { Overcommit } from '../../proto/gen/drover/v1/Overcommit.js';
import { invalid } from '../../proto/wire/errors.js';
import { type Aggregate, aggregateNumber } from './aggregate.js';

/** Nova's defaults (`initial_*_allocation_ratio`, `reserved_host_*`): what a host that says nothing gets. */
export const novaDefaults: Overcommit = {
  cpuAllocationRatio: 4.0,
  ramAllocationRatio: 1.0,
  diskAllocationRatio: 1.0,
  reservedHostCpus: 0,
  reservedHostMemoryMb: 512,
  reservedHostDiskMb: 0,
};

/** Largest ratio; the configuration and the command have the same limit. Sums of placement stay finite with it. */
const maximumRatio = 1000;

/** Nova's `default_availability_zone`: where a host without a zone stands. */
export const novaDefaultZone = 'nova';

/** vCPUs, MiB of memory and MiB of disk: of a host, of a request, or of what is taken. */
export interface Amounts {
  readonly vcpus: number;
  readonly memoryMb: number;
  readonly diskMb: number;
}

const ratios = [
  ['cpuAllocationRatio', 'cpu_allocation_ratio'],
  ['ramAllocationRatio', 'ram_allocation_ratio'],
  ['diskAllocationRatio', 'disk_allocation_ratio'],
] as const;
const reservations = [
  ['reservedHostCpus', 'reserved_host_cpus'],
  ['reservedHostMemoryMb', 'reserved_host_memory_mb'],
  ['reservedHostDiskMb', 'reserved_host_disk_mb'],
] as const;

/**
 * The overcommit in force: what the host sets itself, else the smallest number that its aggregates' metadata has under
 * Nova's name, else the fleet's. An aggregate's number that could not be set on a host, such as a ratio of 0, does not count.
 */
export function overcommitInForce(
  own: HostOvercommit | null,
  defaults: Overcommit,
  aggregates: readonly Aggregate[] = [],
): Overcommit {
  if (own === null && aggregates.length === 0) return defaults;
  const inForce = { ...defaults };
  for (const [key, name] of ratios)
    inForce[key] = own?.[key] || fromAggregates(aggregates, name, isRatio) || inForce[key];
  for (const [key, name] of reservations)
    inForce[key] = own?.[key] ?? fromAggregates(aggregates, name, isReservation) ?? inForce[key];
  return inForce;
}

function fromAggregates(
  aggregates: readonly Aggregate[],
  name: string,
  isOne: (value: unknown) => boolean,
): number | undefined {
  const value = aggregateNumber(aggregates, name);
  return isOne(value) ? value : undefined;
}

/**
 * `given` as it came, once checked: ratios above 0 and up to 1000, reservations whole and not negative. An absent field is
 * not looked at. Errors: `invalid-argument` naming `field.ratio`.
 */
export function checkOvercommit(given: HostOvercommitInput, field = 'overcommit'): HostOvercommitInput {
  for (const [key, name] of ratios)
    check(given[key], isRatio, `${field}.${name}`, `a number above 0 and up to ${maximumRatio}, such as 4.0`);
  for (const [key, name] of reservations)
    check(given[key], isReservation, `${field}.${name}`, 'a whole number from 0');
  return given;
}

function check(value: unknown, isOne: (value: unknown) => boolean, field: string, cure: string): void {
  if (value === undefined || value === null || isOne(value)) return;
  throw invalid(field, value, `${cure}, or nothing for what aggregates and the fleet say`);
}

function isRatio(value: unknown): boolean {
  return Number(value) > 0 && Number(value) <= maximumRatio;
}

function isReservation(value: unknown): boolean {
  return Number.isSafeInteger(Number(value)) && Number(value) >= 0;
}

/**
 * What a host offers before ratios and reservations. Nova's libvirt driver counts memory in whole MiB and disk in whole
 * GiB (`memory_mb`, `local_gb`), and what is left of the last one is nobody's. A host that has not reported offers 0.
 */
export function offered(capacity: HostCapacity | null): Amounts {
  if (capacity === null) return { vcpus: 0, memoryMb: 0, diskMb: 0 };
  return {
    vcpus: capacity.vcpus,
    memoryMb: Math.floor(capacity.memoryBytes / 2 ** 20),
    diskMb: Math.floor(capacity.diskBytes / 2 ** 30) * 1024,
  };
}
