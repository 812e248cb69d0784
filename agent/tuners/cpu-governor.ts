/**
 * Frequency governor and energy preference of CPUs (Documentation/admin-guide/pm/cpufreq.rst, intel_pstate.rst). One knob
 * for each policy, because the CPUs of a policy share it.
 */
import { formatCpuSet, intersectCpus, parseCpuSet, subtractCpus } from '../../proto/wire/cpu-set.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import type { SettingsOf } from '../../proto/wire/tuner-settings.js';
import { cpufreqDirectory, readCpufreqPolicies, steppedKhz, type CpufreqPolicy } from '../kernel/cpufreq.js';
import type { HostView, Knob, Reading, Tuner, Want } from './tuner.js';

const name = 'cpu-governor';
const governor = 'scaling_governor';
const energy = 'energy_performance_preference';
type Settings = SettingsOf<typeof name>;

/** A reading with the policy that it is of; absent: this host has none. */
interface PolicyReading extends Reading {
  readonly policy?: CpufreqPolicy;
}

/** Drivers that keep the energy preference themselves as long as the governor is performance. */
const bindingDrivers = ['intel_pstate', 'amd-pstate-epp', 'amd_pstate_epp'];

export const cpuGovernor: Tuner<typeof name> = {
  name,

  async observe({ kernel }) {
    const policies = readCpufreqPolicies(kernel);
    return policies.length > 0 ? policies.flatMap(observePolicy) : [governor, energy].map(withoutPolicies);
  },

  want(settings, readings, host) {
    const cpus = wantedCpus(settings, host);
    return [...readings].flatMap((reading: PolicyReading) => {
      const { policy } = reading;
      const concerned = !policy || intersectCpus(policy.cpus, cpus).length > 0;
      return concerned && reading.knob.setting.startsWith(governor)
        ? inOrder(settings, readings, reading, cpus)
        : [];
    });
  },

  async write({ kernel }, knob, value) {
    const [word = '', khz] = value.split(' ');
    await kernel.write(knob.source, word);
    if (khz !== undefined) await kernel.write(knob.source.replace(/[^/]+$/, 'scaling_setspeed'), khz);
  },
};

function withoutPolicies(setting: string): PolicyReading {
  const knob = { tuner: name, setting, source: cpufreqDirectory } as const;
  return { knob, unsupported: 'this host has no frequency scaling: no policy in cpufreq' };
}

function observePolicy(policy: CpufreqPolicy): PolicyReading[] {
  const { directory, energyPreference } = policy;
  const knob = (setting: string): Knob => ({
    tuner: name,
    setting: `${setting} ${policy.name}`,
    source: `${directory}/${setting}`,
  });
  const evidence = evidenceOf(policy);
  const offline = 'no CPU of the policy is online';
  const none = `${policy.driver || 'the driver'} has no energy preference`;
  return [
    policy.governor === undefined
      ? { knob: knob(governor), unsupported: offline, policy }
      : { knob: knob(governor), value: policy.governor, evidence, policy },
    energyPreference === undefined
      ? { knob: knob(energy), unsupported: policy.governor === undefined ? offline : none, policy }
      : { knob: knob(energy), value: energyPreference, evidence, policy },
  ];
}

function evidenceOf({ cpus, driver, minimumKhz, maximumKhz }: CpufreqPolicy): string {
  const range =
    minimumKhz === undefined || maximumKhz === undefined ? '' : `, ${minimumKhz}..${maximumKhz} kHz`;
  return `${driver} on CPUs ${formatCpuSet(cpus)}${range}`;
}

/** Errors: `invalid-argument` for CPUs that this host does not have; `failed-precondition` without facts. */
function wantedCpus({ cpus }: Settings, { facts: { cpu } }: HostView): number[] {
  if (!cpu) throw new DroverError('failed-precondition', 'the CPUs of this host are not known yet');
  const online = parseCpuSet(cpu.online, 'cpu.online');
  if (cpus === undefined) return online;
  const present = [...online, ...parseCpuSet(cpu.offline, 'cpu.offline')];
  const field = `tuners.${name}.cpus`;
  const asked = parseCpuSet(cpus, field, Math.max(...present));
  if (asked.length === 0 || subtractCpus(asked, present).length > 0)
    throw invalid(field, cpus, `CPUs of this host: ${formatCpuSet(present)}`);
  return asked;
}

/**
 * A policy's wants so that each write, and each undo in the opposite order, comes while the driver takes it: a driver that
 * binds the energy preference to governor performance takes none while that governor is in force.
 */
function inOrder(
  settings: Settings,
  readings: readonly PolicyReading[],
  own: PolicyReading,
  cpus: readonly number[],
): Want[] {
  const { policy } = own;
  const hint = readings.find(
    (each) => each.policy?.name === policy?.name && each.knob.setting.startsWith(energy),
  );
  const wants = [
    ...(settings.governor === undefined ? [] : [wantGovernor(settings, own, cpus)]),
    ...(settings.energy_performance_preference === undefined || !hint ? [] : [wantHint(settings, hint)]),
  ];
  return settings.governor === 'performance' ? wants.toReversed() : wants;
}

function wantGovernor(
  { governor: word, userspace_khz }: Settings,
  { knob, policy }: PolicyReading,
  cpus: readonly number[],
): Want {
  // The kernel shows the frequency that it took: only that one can be read back.
  const khz = policy && userspace_khz !== undefined ? steppedKhz(policy, userspace_khz) : userspace_khz;
  const value = khz === undefined ? String(word) : `${word} ${khz}`;
  const others = policy ? subtractCpus(policy.cpus, cpus) : [];
  const remarks = [
    ...(khz === userspace_khz ? [] : [`${policy?.name} makes ${khz} kHz of ${userspace_khz}`]),
    ...(others.length > 0 ? [`CPUs ${formatCpuSet(others)} share ${policy?.name}`] : []),
  ];
  return {
    ...{ knob, value, effect: 'now', affects: [] },
    ...(remarks.length > 0 && { remark: remarks.join('; ') }),
    ...notOffered(policy, policy?.governors ?? [], String(word)),
  };
}

function wantHint(
  { governor: word, energy_performance_preference }: Settings,
  { knob, policy, value: now }: PolicyReading,
): Want {
  const value = String(energy_performance_preference);
  const next = word ?? policy?.governor;
  const isBound = bindingDrivers.includes(policy?.driver ?? '') && next === 'performance';
  const held = `${policy?.driver} keeps ${now} as long as the governor is performance`;
  return {
    ...{ knob, value, effect: 'now', affects: [] },
    ...notOffered(policy, policy?.energyPreferences ?? [], value),
    ...(isBound && value !== 'performance' && { held }),
  };
}

/** A governor whose module is not loaded is not offered either. */
function notOffered(
  policy: CpufreqPolicy | undefined,
  offered: readonly string[],
  word: string,
): { unsupported?: string } {
  if (!policy || offered.length === 0 || offered.includes(word)) return {};
  return { unsupported: `${policy.name} (${policy.driver}) offers ${offered.join(', ')}` };
}
