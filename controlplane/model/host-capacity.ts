/** What a host offers to placement, from its facts and the profile in force. Pure. */
import type { HostCapacity } from '../../proto/gen/drover/v1/HostCapacity.js';
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import { intersectCpus, parseCpuSet, subtractCpus } from '../../proto/wire/cpu-set.js';

/**
 * vCPU slots are the online pCPUs, or only those of the profile's shared set, as Nova counts `vcpu_pin_set`; a host with
 * dedicated CPUs alone offers those. Memory is the host's total: reservations are taken off by placement. A set that this
 * host cannot have counts as none: the agent refuses it, and its own words say why.
 */
export function capacityOf(facts: HostFacts, tuners: Record<string, string>): HostCapacity {
  const online = parseCpuSet(facts.cpu?.online ?? '');
  const vcpus = sharedCpus(online, tuners['vcpu-pinning']).length;
  return { vcpus, memoryBytes: facts.memory?.totalBytes ?? 0, diskBytes: facts.diskTotalBytes };
}

function sharedCpus(online: readonly number[], pinning: string | undefined): readonly number[] {
  if (pinning === undefined) return online;
  const sets = JSON.parse(pinning) as { shared?: string; dedicated?: string; reserved?: string };
  const { shared = sets.dedicated, reserved } = sets;
  const last = online.at(-1) ?? 0;
  try {
    if (shared !== undefined)
      return nonEmpty(intersectCpus(online, parseCpuSet(shared, 'shared', last)), online);
    return nonEmpty(subtractCpus(online, parseCpuSet(reserved ?? '', 'reserved', last)), online);
  } catch {
    return online; // `4-$` on a host with fewer CPUs: not in force there
  }
}

function nonEmpty(cpus: readonly number[], otherwise: readonly number[]): readonly number[] {
  return cpus.length > 0 ? cpus : otherwise;
}

/** True when two capacities are the same. */
export function sameCapacity(a: HostCapacity | null, b: HostCapacity): boolean {
  return a !== null && a.vcpus === b.vcpus && a.memoryBytes === b.memoryBytes && a.diskBytes === b.diskBytes;
}
