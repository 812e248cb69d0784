/** Allocation ratios and reservations of a host, as Nova means them, and what a host offers in placement's units. Pure. */
import type { HostCapacity } from '../../proto/gen/drover/v1/HostCapacity.js';
import type { Overcommit, OvercommitInput } from '../../proto/gen/drover/v1/Overcommit.js';
import { invalid } from '../../proto/wire/errors.js';

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

/** The overcommit in force: the host's own values, and the fleet's default wherever the host says 0. */
export function overcommitInForce(own: Overcommit | null, defaults: Overcommit): Overcommit {
  if (own === null) return defaults;
  return {
    cpuAllocationRatio: own.cpuAllocationRatio || defaults.cpuAllocationRatio,
    ramAllocationRatio: own.ramAllocationRatio || defaults.ramAllocationRatio,
    diskAllocationRatio: own.diskAllocationRatio || defaults.diskAllocationRatio,
    reservedHostCpus: own.reservedHostCpus || defaults.reservedHostCpus,
    reservedHostMemoryMb: own.reservedHostMemoryMb || defaults.reservedHostMemoryMb,
    reservedHostDiskMb: own.reservedHostDiskMb || defaults.reservedHostDiskMb,
  };
}

/**
 * `given` as it came, once checked: ratios up to 1000, reservations whole and not negative. 0 stands for the
 * fleet's default and an absent field is not looked at. Errors: `invalid-argument` naming `field.ratio`.
 */
export function checkOvercommit(given: OvercommitInput, field = 'overcommit'): OvercommitInput {
  for (const [key, name] of ratios) checkRatio(given[key], `${field}.${name}`);
  for (const [key, name] of reservations) checkReservation(given[key], `${field}.${name}`);
  return given;
}

function checkRatio(value: OvercommitInput['cpuAllocationRatio'], field: string): void {
  if (value === undefined || (Number(value) >= 0 && Number(value) <= maximumRatio)) return;
  const cure = `a number above 0 and up to ${maximumRatio}, such as 4.0, or 0 for the default of the fleet`;
  throw invalid(field, value, cure);
}

function checkReservation(value: OvercommitInput['reservedHostMemoryMb'], field: string): void {
  if (value === undefined || (Number.isSafeInteger(Number(value)) && Number(value) >= 0)) return;
  throw invalid(field, value, 'a whole number from 0, or 0 for the default of the fleet');
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
