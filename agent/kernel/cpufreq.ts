/** Frequency scaling of CPUs (Documentation/admin-guide/pm/cpufreq.rst, intel_pstate.rst): one policy for CPUs that share a clock. */
import type { KernelRoot } from './root.js';

export const cpufreqDirectory = '/sys/devices/system/cpu/cpufreq';

export interface CpufreqPolicy {
  /** policy0. */
  readonly name: string;
  readonly directory: string;
  /** CPUs that it serves, offline ones too, ascending. */
  readonly cpus: readonly number[];
  /** intel_pstate, acpi-cpufreq, … */
  readonly driver: string;
  /** `userspace` stands with its speed behind it: `userspace 1800000` (kHz). Undefined: no CPU of it is online. */
  readonly governor: string | undefined;
  readonly governors: readonly string[];
  /** Hint to the processor; undefined: driver or processor has none. */
  readonly energyPreference: string | undefined;
  readonly energyPreferences: readonly string[];
  /** Frequencies of a processor that has fixed steps, in kHz, ascending; empty: not told. */
  readonly frequenciesKhz: readonly number[];
  /** Limits that are in force, in kHz; undefined: not told. */
  readonly minimumKhz: number | undefined;
  readonly maximumKhz: number | undefined;
}

/** The policies of this host by number; empty without frequency scaling, and before Linux 4.3, which had them below each CPU. */
export function readCpufreqPolicies(kernel: KernelRoot): CpufreqPolicy[] {
  return kernel
    .list(cpufreqDirectory)
    .flatMap((entry) => /^policy(\d+)$/.exec(entry)?.[1] ?? [])
    .map(Number)
    .toSorted((a, b) => a - b)
    .map((number) => readPolicy(kernel, `policy${number}`));
}

// scaling_cur_freq is left out on purpose: before Linux 5.18 each read of it may take 10 ms and wakes the CPU.
function readPolicy(kernel: KernelRoot, name: string): CpufreqPolicy {
  const directory = `${cpufreqDirectory}/${name}`;
  const read = (file: string): string | undefined => kernel.read(`${directory}/${file}`)?.trim() || undefined;
  const words = (file: string): string[] => (read(file) ?? '').split(/\s+/).filter((word) => word !== '');
  const khz = (file: string): number | undefined =>
    read(file) === undefined ? undefined : Number(read(file));
  const governor = read('scaling_governor');
  return {
    name,
    directory,
    cpus: words('related_cpus')
      .map(Number)
      .toSorted((a, b) => a - b),
    driver: read('scaling_driver') ?? '',
    governor: governor === 'userspace' ? `userspace ${read('scaling_setspeed') ?? ''}`.trim() : governor,
    governors: words('scaling_available_governors'),
    energyPreference: read('energy_performance_preference'),
    energyPreferences: words('energy_performance_available_preferences'),
    frequenciesKhz: words('scaling_available_frequencies')
      .map(Number)
      .toSorted((a, b) => a - b),
    minimumKhz: khz('scaling_min_freq'),
    maximumKhz: khz('scaling_max_freq'),
  };
}

/**
 * The frequency that governor userspace takes for an asked one, and that scaling_setspeed then shows: within the limits,
 * the lowest step that is not below it, else the highest (CPUFREQ_RELATION_L). Without known steps, as asked within the
 * limits.
 */
export function steppedKhz(
  {
    frequenciesKhz,
    minimumKhz = 0,
    maximumKhz = Infinity,
  }: Pick<CpufreqPolicy, 'frequenciesKhz' | 'minimumKhz' | 'maximumKhz'>,
  askedKhz: number,
): number {
  const withinKhz = Math.min(maximumKhz, Math.max(minimumKhz, askedKhz));
  const steps = frequenciesKhz.filter((khz) => khz >= minimumKhz && khz <= maximumKhz);
  return steps.find((khz) => khz >= withinKhz) ?? steps.at(-1) ?? withinKhz;
}
