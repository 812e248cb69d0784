/**
 * What one domain may use of the CPUs: its flavor's extra specs first, then its ECUs, then the profile. Pure. All of it
 * speaks Nova's and libvirt's words: microseconds, and shares as cgroup v1 has them.
 */
import type { CpuQosSettings } from '../../../../proto/wire/tuner-settings.js';
import type { DomainView } from '../../../libvirt/hypervisor.js';
import { specNumber } from '../specs.js';

/** `fault`: the extra spec that decides here cannot be used; `text` is what it says. */
export type Part =
  { readonly value: number; readonly remark?: string } | { readonly fault: string; readonly text: string };

/** What is absent is not asked for. */
export interface CpuAllowance {
  readonly periodUs?: Part | undefined;
  readonly quotaUs?: Part | undefined;
  readonly shares?: Part | undefined;
}

type Specs = Pick<DomainView, 'specs' | 'vcpus'>;

const periodSpec = 'quota:cpu_period';
const quotaSpec = 'quota:cpu_quota';
const sharesSpec = 'quota:cpu_shares';
const defaultEcuSpec = 'drover:ecu';
const limits = { periodUs: [1_000, 1_000_000], shares: [2, 262_144] } as const;
const lowestQuotaUs = 1_000;
const highestQuotaUs = 17_592_186_044_415;

/** The kernel's own period (sched-bwc.rst), and so the one that a quota of Nova without a period means. */
const defaultPeriodUs = 100_000;
/** Shares of a group that nobody set, on v1: the worth of one pCPU. */
const sharesOfOnePcpu = 1024;

/**
 * A domain's period, quota for each vCPU and shares. A quota brings the period with it that it was meant for: that of
 * the specs or 100000 µs, for ECUs the profile's before that. The profile's quota keeps its share of a period that a spec
 * gives. An extra spec that is no usable number gives `fault`.
 */
export function cpuAllowance(settings: CpuQosSettings, domain: Specs | undefined): CpuAllowance {
  const asked = domain ?? { specs: {}, vcpus: 1 };
  const ownPeriod = part(asked, periodSpec, ...limits.periodUs);
  const ownQuota = quotaOf(asked);
  const worth = pcpusOf(settings, asked);
  const profilePeriod = given(settings.vcpu_period_us);
  const shares = part(asked, sharesSpec, ...limits.shares) ?? sharesOf(worth) ?? given(settings.cpu_shares);
  if (ownQuota) return { periodUs: ownPeriod ?? { value: defaultPeriodUs }, quotaUs: ownQuota, shares };
  if (!worth)
    return { periodUs: ownPeriod ?? profilePeriod, quotaUs: profileQuota(settings, ownPeriod), shares };
  const periodUs = ownPeriod ?? profilePeriod ?? { value: defaultPeriodUs };
  return { periodUs, quotaUs: quotaOfWorth(worth, periodUs, asked.vcpus), shares };
}

/** The profile's quota, in the period that the domain's spec gives: the same share of a CPU. */
function profileQuota(
  { vcpu_quota_us: quotaUs, vcpu_period_us: periodUs = defaultPeriodUs }: CpuQosSettings,
  own: Part | undefined,
): Part | undefined {
  if (quotaUs === undefined || quotaUs < 0 || !own || 'fault' in own || own.value === periodUs)
    return given(quotaUs);
  const exact = Math.round((quotaUs * own.value) / periodUs);
  const value = Math.min(highestQuotaUs, Math.max(lowestQuotaUs, exact));
  const clamped = value === exact ? '' : `, clamped to ${value}`;
  const share = `${quotaUs} of ${periodUs} µs are ${exact} of ${own.value} (${periodSpec})`;
  return { value, remark: `${share}${clamped}` };
}

interface Worth {
  readonly ecus: number;
  readonly pcpus: number;
}
type Fault = Extract<Part, { fault: string }>;

function given(value: number | undefined): Part | undefined {
  return value === undefined ? undefined : { value };
}

function part(domain: Specs, spec: string, lowest: number, highest: number): Part | undefined {
  const read = specNumber(domain, spec, lowest, highest);
  return read && 'fault' in read ? { ...read, text: domain.specs[spec] as string } : read;
}

/** Any negative number is no limit, as for libvirt. */
function quotaOf(domain: Specs): Part | undefined {
  const read = part(domain, quotaSpec, Number.MIN_SAFE_INTEGER, highestQuotaUs);
  if (!read || 'fault' in read) return read;
  if (read.value < 0) return { value: -1 };
  if (read.value >= lowestQuotaUs) return read;
  const text = domain.specs[quotaSpec] as string;
  return {
    fault: `extra spec ${quotaSpec} is ${text}; want -1 (no limit) or ${lowestQuotaUs}..${highestQuotaUs}`,
    text,
  };
}

/** The domain's ECUs in pCPUs of this host; undefined: the profile has no measure for them, or the flavor none of them. */
function pcpusOf(settings: CpuQosSettings, { specs }: Specs): Worth | Fault | undefined {
  const spec = settings.ecu_spec ?? defaultEcuSpec;
  const text = specs[spec];
  if (settings.ecu_per_pcpu === undefined || text === undefined) return undefined;
  const ecus = /^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : 0;
  if (ecus > 0) return { ecus, pcpus: ecus / settings.ecu_per_pcpu };
  return { fault: `extra spec ${spec} is ${text}; want a number above 0, such as 4 or 6.5`, text };
}

function sharesOf(worth: Worth | Fault | undefined): Part | undefined {
  if (!worth || 'fault' in worth) return worth;
  const [lowest, highest] = limits.shares;
  const exact = Math.round(sharesOfOnePcpu * worth.pcpus);
  const value = Math.min(highest, Math.max(lowest, exact));
  return value === exact
    ? { value }
    : { value, remark: `${worth.ecus} ECUs are ${exact} shares, clamped to ${value}` };
}

function quotaOfWorth(worth: Worth | Fault, period: Part, vcpus: number): Part {
  if ('fault' in worth) return worth;
  if ('fault' in period) return period;
  const exact = Math.round((period.value * worth.pcpus) / vcpus);
  const ask = `${worth.ecus} ECUs on ${vcpus} vCPUs are ${exact} µs of each period`;
  if (exact > period.value)
    return { value: period.value, remark: `${ask}, clamped to ${period.value}: one pCPU for each vCPU` };
  if (exact < lowestQuotaUs)
    return { value: lowestQuotaUs, remark: `${ask}, raised to ${lowestQuotaUs}, the kernel's least` };
  return { value: exact };
}

/**
 * Whether to write the quota before the period. Between the two writes one is old and one new; the order with the
 * larger share of CPU is taken, so that no vCPU is held tighter on the way than at either end. The numbers of now are as
 * read; what is no number there (vCPUs that differ) decides nothing.
 */
export function quotaFirst(
  target: { readonly periodUs: number | undefined; readonly quotaUs: number | undefined },
  periodNow: string | undefined,
  quotaNow: string | undefined,
): boolean {
  const [oldPeriod, oldQuota] = [Number(periodNow), Number(quotaNow)];
  const share = (quotaUs: number, periodUs: number): number => (quotaUs < 0 ? Infinity : quotaUs / periodUs);
  return share(target.quotaUs ?? oldQuota, oldPeriod) > share(oldQuota, target.periodUs ?? oldPeriod);
}
