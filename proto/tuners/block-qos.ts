/**
 * Block-I/O limits of every domain disk. Kernel: cgroup-v1/blkio-controller.rst, cgroup-v2.rst io.max; QEMU:
 * docs/throttle.txt; libvirt: virDomainSetBlkioParameters, virDomainSetBlockIoTune.
 */
import { z } from 'zod';
import { common, override, rate } from './common.js';

/** What can be limited: bytes or operations a second, by direction or both directions together. */
export const blockLimitNames = [
  ...(['read_bytes_sec', 'write_bytes_sec', 'total_bytes_sec'] as const),
  ...(['read_iops_sec', 'write_iops_sec', 'total_iops_sec'] as const),
] as const;

export type BlockLimitName = (typeof blockLimitNames)[number];
export type BlockBurstName = `${BlockLimitName}_max`;
export type BlockBurstLengthName = `${BlockBurstName}_length_seconds`;
export type BlockKey = BlockLimitName | BlockBurstName | BlockBurstLengthName | 'iops_size';

/** Limits by key; absent and 0 are no limit. */
export type BlockLimits = { readonly [Key in BlockKey]?: number | undefined };

/** QEMU keeps burst rate times burst length within this (THROTTLE_VALUE_MAX). */
const largestBurst = 1e15;

const burstLength = z.int().min(1).max(1_000_000);

export const blockQos = z
  .strictObject({
    read_bytes_sec: rate.optional(),
    write_bytes_sec: rate.optional(),
    total_bytes_sec: rate.optional(),
    read_iops_sec: rate.optional(),
    write_iops_sec: rate.optional(),
    total_iops_sec: rate.optional(),
    read_bytes_sec_max: rate.optional(),
    write_bytes_sec_max: rate.optional(),
    total_bytes_sec_max: rate.optional(),
    read_iops_sec_max: rate.optional(),
    write_iops_sec_max: rate.optional(),
    total_iops_sec_max: rate.optional(),
    read_bytes_sec_max_length_seconds: burstLength.optional(),
    write_bytes_sec_max_length_seconds: burstLength.optional(),
    total_bytes_sec_max_length_seconds: burstLength.optional(),
    read_iops_sec_max_length_seconds: burstLength.optional(),
    write_iops_sec_max_length_seconds: burstLength.optional(),
    total_iops_sec_max_length_seconds: burstLength.optional(),
    iops_size: rate.optional().describe('bytes that count as one operation; 0: a request of any size is one'),
    via: z
      .enum(['auto', 'cgroup', 'qemu'])
      .optional()
      .describe('who keeps the limits; auto: the control group where it sees all of the I/O, or else QEMU'),
    device: z
      .string()
      .regex(/^\/dev\/[A-Za-z0-9/_-]{1,64}$/)
      .optional()
      .describe('host block device; absent: the whole disks under the domain images'),
    override_explicit: override,
    ...common('block-qos'),
  })
  .check(({ value, issues }) => {
    const message = blockLimitFault(value) ?? (value.via === 'cgroup' ? cgroupFault(value) : undefined);
    if (message !== undefined) issues.push({ code: 'custom', message, input: value });
  });

export type BlockQosSettings = z.infer<typeof blockQos>;

/**
 * What QEMU would refuse in limits (throttle_is_valid in util/throttle.c), in words that say what would be right; undefined:
 * nothing. Used for a profile and, in the agent, for a profile with a domain's extra specs laid over it.
 */
export function blockLimitFault(limits: BlockLimits): string | undefined {
  const has = (key: BlockKey): boolean => (limits[key] ?? 0) > 0;
  for (const kind of ['bytes_sec', 'iops_sec'] as const)
    if (has(`total_${kind}`) && (has(`read_${kind}`) || has(`write_${kind}`)))
      return `total_${kind}, or read_${kind} and write_${kind}, not both: QEMU refuses them together`;
  for (const limit of blockLimitNames) {
    const fault = burstFault(limits, limit);
    if (fault !== undefined) return fault;
  }
  if (has('iops_size') && !blockLimitNames.some((limit) => limit.endsWith('iops_sec') && has(limit)))
    return 'iops_size only with a limit in operations a second';
  return undefined;
}

function burstFault(limits: BlockLimits, limit: BlockLimitName): string | undefined {
  const rateLimit = limits[limit] ?? 0;
  const burst = limits[`${limit}_max`] ?? 0;
  const seconds = limits[`${limit}_max_length_seconds`] ?? 0;
  if (burst > 0 && rateLimit === 0) return `${limit}_max only with ${limit}`;
  if (burst > 0 && burst < rateLimit) return `${limit}_max at least ${limit} (${rateLimit})`;
  if (seconds > 0 && burst === 0) return `${limit}_max_length_seconds only with ${limit}_max`;
  if (burst * seconds > largestBurst) return `${limit}_max times its length at most ${largestBurst}`;
  return undefined;
}

/** A key that only QEMU can keep, with a value that is no 0; undefined: control groups can keep all of the limits. */
export function qemuOnlyKey(limits: BlockLimits): string | undefined {
  const keys = Object.keys(limits) as BlockKey[];
  return keys.find((key) => isQemuOnly(key) && (limits[key] ?? 0) > 0);
}

function isQemuOnly(key: string): boolean {
  return key === 'iops_size' || key.startsWith('total_') || key.includes('_sec_max');
}

function cgroupFault(settings: BlockLimits): string | undefined {
  const key = qemuOnlyKey(settings);
  return key === undefined ? undefined : `${key} is kept by QEMU alone: want via: qemu, or no via`;
}
