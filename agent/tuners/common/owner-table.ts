/** Which programs write which settings too, and how each is seen: as a systemd unit or as a process. Pure. */
import type { TunerName } from '../../../proto/wire/tuner-settings.js';

/** A tuner's name, or what no tuner sets: who shuts the guests down with the host. */
export type Owned = TunerName | 'guest-shutdown';

interface OwnerProgram {
  readonly unit: string;
  /** The kernel's name of its process, at most 15 characters; empty: it has none of its own. */
  readonly process: string;
  readonly owns: readonly Owned[];
}

const programs: readonly OwnerProgram[] = [
  // Starts and stops KSM and sets pages_to_scan by free memory.
  { unit: 'ksmtuned.service', process: 'ksmtuned', owns: ['ksm'] },
  // Its plugins vm, sysctl, cpu and disk; what its scheduler plugin does besides is `tunedOfSchedulers`.
  {
    unit: 'tuned.service',
    process: 'tuned',
    owns: ['transparent-hugepages', 'virtual-memory', 'sysctl', 'cpu-governor', 'block-queue'],
  },
  // Spreads interrupts over CPUs every ten seconds.
  { unit: 'irqbalance.service', process: 'irqbalance', owns: ['irq-affinity'] },
  // Moves processes, QEMU's among them, to the CPUs and the memory of one NUMA cell.
  { unit: 'numad.service', process: 'numad', owns: ['vcpu-pinning', 'numa-memory'] },
  // oVirt's memory overcommitment manager: KSM, and the quotas of domains by its policies.
  { unit: 'momd.service', process: 'momd', owns: ['ksm', 'cpu-qos', 'block-qos'] },
  { unit: 'mom-vdsm.service', process: 'momd', owns: ['ksm', 'cpu-qos', 'block-qos'] },
  // Sets governor and energy preference by power profile.
  { unit: 'power-profiles-daemon.service', process: 'power-profiles-', owns: ['cpu-governor'] },
  // Suspends or shuts guests down when the host goes down.
  { unit: 'libvirt-guests.service', process: '', owns: ['guest-shutdown'] },
];

/** tuned profiles with its scheduler plugin: they move interrupts and processes, vCPU threads among them. */
const schedulerProfiles = /\b(cpu-partitioning|realtime)\b/;
const tunedOfSchedulers: readonly Owned[] = ['irq-affinity', 'vcpu-pinning'];

/** File with the names of tuned's profiles in force (tuned(8)). */
export const tunedProfileFile = '/etc/tuned/active_profile';

/** Units of the table, for those who ask systemd. */
export const ownerTableUnits: readonly string[] = programs.map(({ unit }) => unit);

/** Names of processes of the table, for those who scan /proc. */
export const ownerTableProcesses: readonly string[] = [
  ...new Set(programs.flatMap(({ process }) => (process === '' ? [] : [process]))),
];

/** What a unit's program writes; empty for a unit that the table does not know. `tunedProfile`: the content of `tunedProfileFile`. */
export function ownedTuners(unit: string, tunedProfile = ''): readonly Owned[] {
  const owns = programs.find((program) => program.unit === unit)?.owns ?? [];
  const more = unit === 'tuned.service' && schedulerProfiles.test(tunedProfile);
  return more ? [...owns, ...tunedOfSchedulers] : owns;
}

/** Name of the process of a unit's program; undefined: it has none, or the table does not know it. */
export function ownerProcess(unit: string): string | undefined {
  return programs.find((program) => program.unit === unit)?.process || undefined;
}

/** A process that may be an owner: its name in the table, and its pid. */
export interface OwnerProcess {
  readonly name: string;
  readonly pid: number;
}

export interface OwnerFound {
  /** systemd unit, or the program where there is no active unit of it. */
  readonly owner: string;
  readonly evidence: string;
}

const activeStates = new Set(['active', 'activating', 'reloading', 'deactivating']);

/**
 * Who owns each tuner's settings now, by unit (name to ActiveState) or else by process. A unit counts before a process,
 * and the first program of the table before later ones.
 */
export function ownersFound(
  units: Readonly<Record<string, string>>,
  processes: readonly OwnerProcess[],
  tunedProfile = '',
): Partial<Record<Owned, OwnerFound>> {
  const found: Partial<Record<Owned, OwnerFound>> = {};
  const enter = (unit: string, owner: OwnerFound): void => {
    for (const tuner of ownedTuners(unit, tunedProfile)) found[tuner] ??= owner;
  };
  for (const { unit } of programs) {
    const state = units[unit] ?? '';
    if (activeStates.has(state)) enter(unit, { owner: unit, evidence: `the unit is ${state}` });
  }
  for (const { unit, process } of programs) {
    const running = processes.find((each) => process !== '' && each.name === process);
    if (running) enter(unit, { owner: process, evidence: `process ${running.pid} runs` });
  }
  return found;
}
