/** The CPU sets of vcpu-pinning on this very host: reserved, shared and dedicated, disjoint and online. */
import type { CpuFacts } from '../../../../proto/gen/drover/v1/CpuFacts.js';
import { formatCpuSet, intersectCpus, parseCpuSet, subtractCpus } from '../../../../proto/wire/cpu-set.js';
import { DroverError, invalid } from '../../../../proto/wire/errors.js';
import type { VcpuPinningSettings } from '../../../../proto/wire/tuner-settings.js';

/** Online CPUs, ascending. */
export interface CpuSets {
  readonly reserved: readonly number[];
  /** Undefined: dedicated CPUs are set and no shared ones, so unpinned domains have none. Else at least one. */
  readonly shared: readonly number[] | undefined;
  readonly dedicated: readonly number[];
}

type Key = 'reserved' | 'shared' | 'dedicated';

const field = (key: Key): string => `tuners.vcpu-pinning.${key}`;

/**
 * The sets of a profile on this host. Without `shared` and `dedicated`, what is not reserved is shared. Errors:
 * `invalid-argument` naming the key for CPUs that the host does not have, for an overlap, and for a set without an online
 * CPU; `failed-precondition` without facts.
 */
export function cpuSets(settings: VcpuPinningSettings, cpu: CpuFacts | null): CpuSets {
  if (!cpu) throw new DroverError('failed-precondition', 'the CPUs of this host are not known yet');
  const online = parseCpuSet(cpu.online, 'cpu.online');
  const present = [...online, ...parseCpuSet(cpu.offline, 'cpu.offline')];
  const reserved = readCpus('reserved', settings.reserved, present) ?? [];
  const shared = readCpus('shared', settings.shared, present);
  const dedicated = readCpus('dedicated', settings.dedicated, present);
  refuseOverlap('shared', settings, shared, 'reserved', reserved);
  refuseOverlap('dedicated', settings, dedicated, 'reserved', reserved);
  refuseOverlap('dedicated', settings, dedicated, 'shared', shared ?? []);
  const refuseEmpty = (key: Key, cpus: readonly number[], cure: string): readonly number[] => {
    if (cpus.length > 0) return cpus;
    throw invalid(field(key), settings[key], `${cure} (online: ${cpu.online})`);
  };
  const openDedicated =
    dedicated && refuseEmpty('dedicated', intersectCpus(dedicated, online), 'at least one online CPU');
  if (shared) refuseEmpty('shared', intersectCpus(shared, online), 'at least one online CPU');
  else if (!dedicated)
    refuseEmpty('reserved', subtractCpus(online, reserved), 'a set that leaves an online CPU for domains');
  return {
    reserved: intersectCpus(reserved, online),
    shared: shared ? intersectCpus(shared, online) : dedicated ? undefined : subtractCpus(online, reserved),
    dedicated: openDedicated ?? [],
  };
}

function refuseOverlap(
  key: Key,
  settings: VcpuPinningSettings,
  cpus: readonly number[] | undefined,
  otherKey: Key,
  other: readonly number[],
): void {
  const both = intersectCpus(cpus ?? [], other);
  if (both.length > 0)
    throw invalid(field(key), settings[key], `CPUs that are not ${otherKey} (${formatCpuSet(both)} is both)`);
}

function readCpus(key: Key, text: string | undefined, present: readonly number[]): number[] | undefined {
  if (text === undefined) return undefined;
  const last = Math.max(...present);
  const cpus = parseCpuSet(text, field(key), last);
  const strange = subtractCpus(cpus, present);
  if (strange.length > 0)
    throw invalid(field(key), text, `CPUs of this host: ${formatCpuSet(present)}, the last is ${last}`);
  return cpus;
}
