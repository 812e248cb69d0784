/**
 * CFS bandwidth of every vCPU and CPU shares of every domain (Documentation/scheduler/sched-bwc.rst,
 * admin-guide/cgroup-v2.rst). Read from the control groups that libvirt made; all vCPUs of a domain are set alike.
 */
import type { CgroupFacts } from '../../proto/gen/drover/v1/CgroupFacts.js';
import type { CpuQosSettings } from '../../proto/wire/tuner-settings.js';
import { cpuShares, readCpuBandwidth, readCpuShares, type CpuBandwidth } from '../kernel/cgroup-cpu.js';
import {
  controllerVersion,
  domainGroup,
  readCgroupLayout,
  vcpuGroup,
  type CgroupVersion,
} from '../kernel/cgroup.js';
import { vcpuThreads } from '../kernel/procfs.js';
import type { KernelRoot } from '../kernel/root.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import { domainObstacle, hypervisorOf, knobDomain, valueOr } from './common/domain-knob.js';
import type { Knob, KnobDomain, Reading, Tuner, TunerPorts, Want } from './tuner.js';

const name = 'cpu-qos';
const period = 'vcpu_period_us';
const quota = 'vcpu_quota_us';
const shares = 'cpu_shares';
/** Before the values of vCPUs that differ, in the order of their numbers: `mixed 30000,-1`. */
const mixed = 'mixed ';

/** A reading that knows which weights this host's cgroup version takes. */
interface CpuReading extends Reading {
  readonly sharesRange?: { readonly minimum: number; readonly maximum: number };
}

export const cpuQos: Tuner<typeof name> = {
  name,
  description: {
    summary: 'CPU time of each vCPU in a period, and the weight of a domain',
    writes: [
      'virDomainSetSchedulerParametersFlags',
      'cpu.cfs_quota_us, cpu.cfs_period_us or cpu.max when vCPUs differed before',
    ],
    source:
      'Documentation/scheduler/sched-bwc.rst (Linux 3.2); admin-guide/cgroup-v2.rst (4.15); libvirt 0.9.10',
  },
  ofDomains: true,

  async observe(ports, host) {
    const layout = host.facts.cgroup ?? readCgroupLayout(ports.kernel);
    return host.domains.flatMap((domain) => observeDomain(ports, layout, domain));
  },

  want(settings, readings) {
    const domains = new Map<string | undefined, Reading[]>();
    for (const reading of readings) {
      const own = domains.get(reading.knob.domain?.uuid);
      if (own) own.push(reading);
      else domains.set(reading.knob.domain?.uuid, [reading]);
    }
    return [...domains.values()].flatMap((own) => wantDomain(settings, own));
  },

  async write(ports, knob, value) {
    const { uuid } = knob.domain as KnobDomain;
    if (value.startsWith(mixed)) return writeEach(ports.kernel, knob, value.slice(mixed.length).split(','));
    const key =
      knob.setting === period ? 'vcpuPeriodUs' : knob.setting === quota ? 'vcpuQuotaUs' : 'cpuShares';
    return hypervisorOf(ports).setScheduler(uuid, { [key]: Number(value) });
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
    ...valueOr(together(limits.map((limit) => limit?.[key])), 'no control group for each vCPU'),
    explicit: vcpuBandwidth,
  });
  return [
    bandwidth(period, 'periodUs', 'cpu.cfs_period_us'),
    bandwidth(quota, 'quotaUs', 'cpu.cfs_quota_us'),
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
    sharesRange: cpuShares[version],
  };
}

/** Directories of the vCPUs' groups, by vCPU number. A TCG guest with one thread has groups, though no vCPU threads. */
function vcpuGroups(kernel: KernelRoot, layout: CgroupFacts, view: DomainView): string[] {
  const pid = view.pid as number;
  const named = [...vcpuThreads(kernel, pid).keys()].toSorted((a, b) => a - b);
  const vcpus = named.length > 0 ? named : Array.from({ length: view.vcpus }, (_, vcpu) => vcpu);
  return vcpus.flatMap((vcpu) => vcpuGroup(kernel, layout, pid, vcpu) ?? []);
}

function together(values: readonly (number | undefined)[]): string | undefined {
  if (values.length === 0 || values.includes(undefined)) return undefined;
  return new Set(values).size === 1 ? String(values[0]) : `${mixed}${values.join(',')}`;
}

function wantDomain(settings: CpuQosSettings, readings: readonly CpuReading[]): Want[] {
  const of = (setting: string): CpuReading | undefined =>
    readings.find(({ knob }) => knob.setting === setting);
  const override = settings.override_explicit ?? false;
  const want = (setting: string, value: number | undefined): Want[] => {
    const knob = of(setting)?.knob;
    return value === undefined || !knob
      ? []
      : [
          {
            knob,
            value: String(value),
            effect: 'now',
            affects: [],
            override,
            ...outOfRange(setting, value, of(setting)),
          },
        ];
  };
  const limits = [want(period, settings.vcpu_period_us), want(quota, settings.vcpu_quota_us)];
  if (quotaFirst(settings, of(period)?.value, of(quota)?.value)) limits.reverse();
  return [...limits.flat(), ...want(shares, settings.cpu_shares)];
}

function outOfRange(
  setting: string,
  value: number,
  reading: CpuReading | undefined,
): { unsupported?: string } {
  const range = setting === shares ? reading?.sharesRange : undefined;
  if (!range || (value >= range.minimum && value <= range.maximum)) return {};
  return { unsupported: `this host's cgroups take ${range.minimum}..${range.maximum}` };
}

/**
 * Whether to write the quota before the period. Between the two writes one is old and one new; the order with the
 * larger share of CPU is taken, so that no vCPU is held tighter on the way than at either end.
 */
function quotaFirst(
  settings: CpuQosSettings,
  periodNow: string | undefined,
  quotaNow: string | undefined,
): boolean {
  const [oldPeriod, oldQuota] = [Number(periodNow), Number(quotaNow)];
  const share = (quotaUs: number, periodUs: number): number => (quotaUs < 0 ? Infinity : quotaUs / periodUs);
  return (
    share(settings.vcpu_quota_us ?? oldQuota, oldPeriod) >
    share(oldQuota, settings.vcpu_period_us ?? oldPeriod)
  );
}

/** Puts values back that differed between vCPUs, which libvirt's call cannot say: one file for each vCPU. */
async function writeEach(kernel: KernelRoot, knob: Knob, values: readonly string[]): Promise<void> {
  const [, group = '', file = ''] = /^(.*\/vcpu)\d+\/([^/]+)$/.exec(knob.source) ?? [];
  const vcpus = kernel
    .list(group.slice(0, group.lastIndexOf('/')))
    .flatMap((entry) => /^vcpu(\d+)$/.exec(entry)?.[1] ?? []);
  const ordered = vcpus.map(Number).toSorted((a, b) => a - b);
  for (const [index, vcpu] of ordered.entries()) {
    const value = values[index];
    if (value !== undefined)
      await kernel.write(
        `${group}${vcpu}/${file}`,
        file === 'cpu.max' ? withOther(kernel, `${group}${vcpu}/${file}`, knob, value) : value,
      );
  }
}

/** cpu.max holds both numbers; the one that is not meant stays. */
function withOther(kernel: KernelRoot, file: string, knob: Knob, value: string): string {
  const [quotaNow = 'max', periodNow = '100000'] = kernel.read(file)?.split(' ') ?? [];
  return knob.setting === period ? `${quotaNow} ${value}` : `${value === '-1' ? 'max' : value} ${periodNow}`;
}
