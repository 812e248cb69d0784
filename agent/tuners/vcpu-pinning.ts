/**
 * Keeps vCPUs and emulators of domains on the shared CPUs of the host and off the reserved ones, as Nova's
 * vcpu_pin_set did for every thread of an instance. Read from /proc/PID/task/TID/status, which shows the effect of
 * affinity and cpuset together.
 */
import type { CpuFacts } from '../../proto/gen/drover/v1/CpuFacts.js';
import { formatCpuSet, intersectCpus, parseCpuSet, subtractCpus } from '../../proto/wire/cpu-set.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import type { VcpuPinningSettings } from '../../proto/wire/tuner-settings.js';
import { allowedCpus, vcpuThreads } from '../kernel/procfs.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import { domainObstacle, hypervisorOf, knobDomain, valueOr } from './common/domain-knob.js';
import type { Knob, KnobDomain, Reading, Tuner, TunerPorts } from './tuner.js';

const name = 'vcpu-pinning';
const emulator = 'emulator affinity';
const field = (key: string): string => `tuners.${name}.${key}`;

export const vcpuPinning: Tuner<typeof name> = {
  name,
  description: {
    summary: 'vCPU and emulator threads run on the shared CPUs only',
    writes: ['virDomainPinVcpuFlags', 'virDomainPinEmulator'],
    source: 'sched_setaffinity(2), cpuset(7); libvirt 0.9.3 (vCPU) and 0.10.0 (emulator)',
  },
  ofDomains: true,

  async observe(ports, host) {
    return host.domains.flatMap((domain) => observeDomain(ports, domain));
  },

  want(settings, readings, host) {
    const value = formatCpuSet(sharedCpus(settings, host.facts.cpu));
    const override = settings.override_explicit ?? false;
    return readings.map(({ knob }) => ({ knob, value, effect: 'now', affects: [], override }));
  },

  async write(ports, knob, value) {
    const cpus = parseCpuSet(value, knob.setting);
    const { uuid } = knob.domain as KnobDomain;
    if (knob.setting === emulator) return hypervisorOf(ports).pinEmulator(uuid, cpus);
    return hypervisorOf(ports).pinVcpu(uuid, Number(knob.setting.split(' ')[1]), cpus);
  },
};

function observeDomain(ports: TunerPorts, view: DomainView): Reading[] {
  const domain = knobDomain(ports.kernel, view);
  const obstacle = domainObstacle(ports, domain, view);
  const knob = (setting: string, source: string): Knob => ({ tuner: name, setting, domain, source });
  if (obstacle !== undefined) return [{ knob: knob(emulator, '/proc'), unsupported: obstacle }];
  const pid = view.pid as number;
  const read = (setting: string, tid: number, explicit: boolean): Reading => {
    const cpus = allowedCpus(ports.kernel, pid, tid);
    const source = `/proc/${pid}/task/${tid}/status`;
    return {
      knob: knob(setting, source),
      ...valueOr(cpus && formatCpuSet(cpus), `${source} cannot be read`),
      explicit,
    };
  };
  const vcpus = [...vcpuThreads(ports.kernel, pid)].toSorted(([a], [b]) => a - b);
  const threads = vcpus.map(([vcpu, tid]) =>
    read(`vcpu ${vcpu} affinity`, tid, view.explicit.vcpuPins.includes(vcpu)),
  );
  const shared: Reading[] = [
    { knob: knob('vcpu affinity', '/proc'), unsupported: 'no thread of its own for each vCPU' },
  ];
  return [...(threads.length > 0 ? threads : shared), read(emulator, pid, view.explicit.emulatorPin)];
}

/**
 * Online CPUs for domains, ascending, at least one. Errors: `invalid-argument` naming `reserved` or `shared` for CPUs
 * that the host does not have, for an overlap, and where no online CPU is left; `failed-precondition` without facts.
 */
export function sharedCpus(settings: VcpuPinningSettings, cpu: CpuFacts | null): number[] {
  if (!cpu) throw new DroverError('failed-precondition', 'the CPUs of this host are not known yet');
  const online = parseCpuSet(cpu.online, 'cpu.online');
  const present = [...online, ...parseCpuSet(cpu.offline, 'cpu.offline')];
  const reserved = readCpus('reserved', settings.reserved, present) ?? [];
  const shared = readCpus('shared', settings.shared, present);
  const overlap = intersectCpus(shared ?? [], reserved);
  if (overlap.length > 0)
    throw invalid(
      field('shared'),
      settings.shared,
      `CPUs that are not reserved (${formatCpuSet(overlap)} is both)`,
    );
  const open = shared === undefined ? subtractCpus(online, reserved) : intersectCpus(shared, online);
  if (open.length > 0) return open;
  const key = shared === undefined ? 'reserved' : 'shared';
  const cure =
    shared === undefined ? 'a set that leaves an online CPU for domains' : 'at least one online CPU';
  throw invalid(field(key), settings[key], `${cure} (online: ${cpu.online})`);
}

function readCpus(
  key: 'reserved' | 'shared',
  text: string | undefined,
  present: readonly number[],
): number[] | undefined {
  if (text === undefined) return undefined;
  const last = Math.max(...present);
  const cpus = parseCpuSet(text, field(key), last);
  const strange = subtractCpus(cpus, present);
  if (strange.length > 0)
    throw invalid(field(key), text, `CPUs of this host: ${formatCpuSet(present)}, the last is ${last}`);
  return cpus;
}
