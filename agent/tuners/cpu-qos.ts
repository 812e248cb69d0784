/**
 * CFS bandwidth of every vCPU and CPU shares of every domain (Documentation/scheduler/sched-bwc.rst,
 * admin-guide/cgroup-v2.rst). Read from the control groups that libvirt made; all vCPUs of a domain are set alike.
 */
import type { CgroupFacts } from '../../proto/gen/drover/v1/CgroupFacts.js';
import type { CpuQosSettings } from '../../proto/wire/tuner-settings.js';
import { readCpuBandwidth, readCpuShares, type CpuBandwidth } from '../kernel/cgroup-cpu.js';
import {
  controllerVersion,
  domainGroup,
  readCgroupLayout,
  vcpuGroup,
  type CgroupVersion,
} from '../kernel/cgroup.js';
import { recalled } from '../kernel/derived.js';
import { vcpuThreads } from '../kernel/procfs.js';
import type { KernelRoot } from '../kernel/root.js';
import { mixed, throttlingOf, vcpuValues, writeEachVcpu } from '../kernel/vcpu-bandwidth.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import { cpuAllowance, quotaFirst, type Part } from './common/cpu/cpu-allowance.js';
import { idleGroup, sharesHere } from './common/cpu/cpu-weight.js';
import { domainObstacle, hypervisorOf, knobDomain, valueOr } from './common/domain-knob.js';
import type { Knob, KnobDomain, Reading, Tuner, TunerPorts, Want } from './tuner.js';

const name = 'cpu-qos';
const period = 'vcpu_period_us';
const quota = 'vcpu_quota_us';
const shares = 'cpu_shares';

/** A reading that knows whether this host's control groups take shares or a weight. */
interface CpuReading extends Reading {
  readonly version?: CgroupVersion;
}

export const cpuQos: Tuner<typeof name> = {
  name,
  ofDomains: true,

  async observe(ports, host) {
    const layout = host.facts.cgroup ?? readCgroupLayout(ports.kernel);
    return host.domains.flatMap((view) =>
      recalled(ports.kernel, `${name} ${view.uuid}`, [view, layout, ports.hypervisor], (kernel) =>
        observeDomain({ ...ports, kernel }, layout, view),
      ),
    );
  },

  want(settings, readings, host) {
    const views = new Map(host.domains.map((view) => [view.uuid, view]));
    const domains = new Map<string | undefined, Reading[]>();
    for (const reading of readings) {
      const own = domains.get(reading.knob.domain?.uuid);
      if (own) own.push(reading);
      else domains.set(reading.knob.domain?.uuid, [reading]);
    }
    return [...domains].flatMap(([uuid, own]) => wantDomain(settings, own, views.get(uuid ?? '')));
  },

  async write(ports, knob, value) {
    const domain = knob.domain as KnobDomain;
    if (value.startsWith(mixed))
      return writeEachVcpu(ports.kernel, knob.source, knob.setting === period, value.slice(mixed.length));
    const key =
      knob.setting === period ? 'vcpuPeriodUs' : knob.setting === quota ? 'vcpuQuotaUs' : 'cpuShares';
    return hypervisorOf(ports).setScheduler(domain, { [key]: Number(value) });
  },
};

function observeDomain(ports: TunerPorts, layout: CgroupFacts, view: DomainView): CpuReading[] {
  const domain = knobDomain(ports.kernel, view);
  const obstacle = domainObstacle(ports, domain, view);
  const version = controllerVersion(layout, 'cpu');
  const reason = obstacle ?? (version === undefined ? 'no cgroup CPU controller is mounted' : undefined);
  const knob = (setting: string, source = '/sys/fs/cgroup'): Knob => ({
    tuner: name,
    setting,
    domain,
    source,
  });
  if (reason !== undefined || version === undefined) {
    return [period, quota, shares].map((setting) => ({ knob: knob(setting), unsupported: reason as string }));
  }
  const { vcpuBandwidth, cpuShares: ownShares } = view.explicit;
  const groups = vcpuGroups(ports.kernel, layout, view);
  const limits = groups.map((group) => readCpuBandwidth(ports.kernel, group, version));
  const source = (file: string): string => (groups.length === 0 ? '/sys/fs/cgroup' : `${groups[0]}/${file}`);
  const bandwidth = (setting: string, key: keyof CpuBandwidth, file: string): CpuReading => ({
    knob: knob(setting, source(version === 1 ? file : 'cpu.max')),
    ...valueOr(
      vcpuValues(
        groups,
        limits.map((limit) => limit?.[key]),
      ),
      'no control group for each vCPU',
    ),
    explicit: vcpuBandwidth,
  });
  return [
    bandwidth(period, 'periodUs', 'cpu.cfs_period_us'),
    {
      ...bandwidth(quota, 'quotaUs', 'cpu.cfs_quota_us'),
      ...throttling(ports.kernel, groups, version, limits),
    },
    { ...observeShares(ports.kernel, layout, view, version, knob), explicit: ownShares },
  ];
}

function observeShares(
  kernel: KernelRoot,
  layout: CgroupFacts,
  view: DomainView,
  version: CgroupVersion,
  knob: (setting: string, source?: string) => Knob,
): CpuReading {
  const group = domainGroup(kernel, layout, view.pid as number, 'cpu');
  const value = group === undefined ? undefined : readCpuShares(kernel, group, version);
  const source = `${group ?? '/sys/fs/cgroup'}/${version === 1 ? 'cpu.shares' : 'cpu.weight'}`;
  return {
    knob: knob(shares, source),
    ...valueOr(value?.toString(), 'the domain has no control group'),
    version,
  };
}

/** Nothing where no vCPU has a quota: the counters stand still then. */
function throttling(
  kernel: KernelRoot,
  groups: readonly string[],
  version: CgroupVersion,
  limits: readonly (CpuBandwidth | undefined)[],
): { evidence?: string } {
  if (!limits.some((limit) => limit !== undefined && limit.quotaUs >= 0)) return {};
  const { throttledCount, periods } = throttlingOf(kernel, groups, version);
  return { evidence: `throttled in ${throttledCount} of ${periods} periods since the domain started` };
}

/** Directories of the vCPUs' groups, by vCPU number. A TCG guest with one thread has groups, though no vCPU threads. */
function vcpuGroups(kernel: KernelRoot, layout: CgroupFacts, view: DomainView): string[] {
  const pid = view.pid as number;
  const named = [...vcpuThreads(kernel, pid).keys()].toSorted((a, b) => a - b);
  const vcpus = named.length > 0 ? named : Array.from({ length: view.vcpus }, (_, vcpu) => vcpu);
  return vcpus.flatMap((vcpu) => vcpuGroup(kernel, layout, pid, vcpu) ?? []);
}

function wantDomain(
  settings: CpuQosSettings,
  readings: readonly CpuReading[],
  view: DomainView | undefined,
): Want[] {
  const of = (setting: string): CpuReading | undefined =>
    readings.find(({ knob }) => knob.setting === setting);
  const allowed = cpuAllowance(settings, view);
  const want = (setting: string, asked: Part | undefined): Want[] =>
    wantPart(settings, of(setting), setting === shares ? sharesHere(asked, of(setting)?.version) : asked);
  const limits = [want(period, allowed.periodUs), want(quota, allowed.quotaUs)];
  const target = { periodUs: valueOf(allowed.periodUs), quotaUs: valueOf(allowed.quotaUs) };
  if (quotaFirst(target, of(period)?.value, of(quota)?.value)) limits.reverse();
  return [...limits.flat(), ...want(shares, allowed.shares)];
}

function wantPart(
  settings: CpuQosSettings,
  reading: CpuReading | undefined,
  asked: Part | undefined,
): Want[] {
  if (!asked || !reading) return [];
  const { knob } = reading;
  const base = { knob, effect: 'now', affects: [], override: settings.override_explicit ?? false } as const;
  if ('fault' in asked) return [{ ...base, value: asked.text, held: asked.fault }];
  const { value, remark } = asked;
  return [
    {
      ...base,
      value: String(value),
      ...(remark !== undefined && { remark }),
      ...idleGroup(reading.version, reading.value),
    },
  ];
}

function valueOf(asked: Part | undefined): number | undefined {
  return asked && 'value' in asked ? asked.value : undefined;
}
