/**
 * The settings of every tuner, as a profile may give them: the part of the contract that both sides check with the same
 * code. Names are the kernel's and libvirt's own, units last. A tuner that is absent is not touched.
 */
import { z } from 'zod';

const cpuList = z.string().max(1024);
const uint32 = z.int().min(0).max(4_294_967_295);
/** Bytes or operations a second; 0 lifts the limit, as in the kernel's throttle files. */
const rate = z
  .int()
  .min(0)
  .max(2 ** 50);
const override = z
  .boolean()
  .optional()
  .describe('true: also where the domain carries its own setting in its XML');

/** Which pCPUs belong to the host and which to domains. Kernel: sched_setaffinity(2), cpuset; libvirt: virDomainPinVcpuFlags. */
export const vcpuPinning = z
  .strictObject({
    reserved: cpuList.optional().describe('CPUs kept for the host, such as 0-3'),
    shared: cpuList.optional().describe('CPUs on which vCPUs of unpinned domains run, such as 4-$'),
    override_explicit: override,
  })
  .refine((value) => value.shared !== undefined || value.reserved !== undefined, {
    error: 'reserved or shared, or both',
  });

/** CFS bandwidth and shares by domain. Kernel: Documentation/scheduler/sched-bwc.rst; libvirt: virDomainSetSchedulerParametersFlags. */
export const cpuQos = z.strictObject({
  vcpu_period_us: z
    .int()
    .min(1_000)
    .max(1_000_000)
    .optional()
    .describe('CFS period of each vCPU, 1000..1000000'),
  vcpu_quota_us: z
    .int()
    .refine((value) => value === -1 || (value >= 1_000 && value <= 17_592_186_044_415), {
      error: '-1 (no limit) or 1000..17592186044415',
    })
    .optional()
    .describe('CPU time of each vCPU in a period; -1: no limit'),
  cpu_shares: z
    .int()
    .min(2)
    .max(262_144)
    .optional()
    .describe('cgroup v1 shares 2..262144; on v2 it becomes cpu.weight'),
  override_explicit: override,
});

/** Block-I/O limits of every domain disk. Kernel: cgroup-v1/blkio-controller.rst, cgroup-v2.rst io.max; libvirt: virDomainSetBlkioParameters. */
export const blockQos = z.strictObject({
  read_bytes_sec: rate.optional(),
  write_bytes_sec: rate.optional(),
  read_iops_sec: rate.optional(),
  write_iops_sec: rate.optional(),
  device: z
    .string()
    .regex(/^\/dev\/[A-Za-z0-9/_-]{1,64}$/)
    .optional()
    .describe('host block device; absent: the whole disks under the domain images'),
  override_explicit: override,
});

/** Kernel samepage merging. Kernel: Documentation/admin-guide/mm/ksm.rst. */
export const ksm = z.strictObject({
  run: z
    .enum(['off', 'on', 'unmerge'])
    .describe('off keeps merged pages, unmerge gives every page its own copy again'),
  pages_to_scan: uint32.min(1).optional(),
  sleep_millisecs: uint32.optional(),
  merge_across_nodes: z.boolean().optional(),
  use_zero_pages: z.boolean().optional(),
});

/** Transparent hugepages. Kernel: Documentation/admin-guide/mm/transhuge.rst. */
export const transparentHugepages = z.strictObject({
  enabled: z.enum(['always', 'madvise', 'never']),
  defrag: z.enum(['always', 'defer', 'defer+madvise', 'madvise', 'never']).optional(),
  khugepaged_defrag: z.boolean().optional(),
});

/** Tuner name to the schema of its settings, in the order in which tuners run. */
export const tunerSettings = {
  'vcpu-pinning': vcpuPinning,
  'cpu-qos': cpuQos,
  'block-qos': blockQos,
  ksm,
  'transparent-hugepages': transparentHugepages,
} as const;

export type TunerName = keyof typeof tunerSettings;
export type SettingsOf<Name extends TunerName> = z.infer<(typeof tunerSettings)[Name]>;
export type VcpuPinningSettings = SettingsOf<'vcpu-pinning'>;
export type CpuQosSettings = SettingsOf<'cpu-qos'>;
export type BlockQosSettings = SettingsOf<'block-qos'>;
export type KsmSettings = SettingsOf<'ksm'>;
export type TransparentHugepagesSettings = SettingsOf<'transparent-hugepages'>;

/** Settings by tuner, as a profile holds them. */
export type TunerSettings = { [Name in TunerName]?: SettingsOf<Name> };
