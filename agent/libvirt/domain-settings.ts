/** Turns settings into what libvirt's calls take. Pure. */
import { maximumCpu } from '../../proto/wire/cpu-set.js';
import { invalid } from '../../proto/wire/errors.js';
import type { BlockLimits, SchedulerSettings } from './hypervisor.js';
import type { Parameter } from './typed-parameters.js';

/**
 * libvirt's CPU map: bit N of byte N/8 is CPU N; CPUs beyond the map are not in it. Errors: `invalid-argument` for no CPU
 * and for what is no CPU number.
 */
export function cpuMap(cpus: readonly number[], field: string): Buffer {
  if (cpus.length === 0) throw invalid(field, 'no CPU', 'at least one CPU');
  for (const cpu of cpus)
    if (!Number.isInteger(cpu) || cpu < 0 || cpu > maximumCpu)
      throw invalid(field, cpu, `CPU numbers 0..${maximumCpu}`);
  const map = Buffer.alloc(Math.floor(Math.max(...cpus) / 8) + 1);
  for (const cpu of cpus) map[cpu >> 3] = (map[cpu >> 3] as number) | (1 << (cpu & 7));
  return map;
}

/** Parameters of virDomainSetSchedulerParametersFlags for the QEMU driver. Errors: `invalid-argument` for no whole number. */
export function schedulerParameters(settings: SchedulerSettings): Parameter[] {
  const rows = [
    ['vcpu_period', 'unsigned', settings.vcpuPeriodUs, 'vcpuPeriodUs'],
    ['vcpu_quota', 'signed', settings.vcpuQuotaUs, 'vcpuQuotaUs'],
    ['cpu_shares', 'unsigned', settings.cpuShares, 'cpuShares'],
  ] as const;
  return rows.flatMap(([name, type, value, field]) =>
    value === undefined ? [] : [{ name, type, value: wholeNumber(value, type === 'signed' ? -1 : 0, field) }],
  );
}

/**
 * Parameters of virDomainSetBlkioParameters: each is the text `DEVICE,VALUE`; libvirt keeps what is not named and takes a
 * limit of 0 away. Errors: `invalid-argument` for a device or a number that cannot be.
 */
export function blockParameters(device: string, limits: BlockLimits): Parameter[] {
  if (!/^\/dev\/[^,\0]+$/.test(device))
    throw invalid('device', device, 'a block device node such as /dev/vda');
  const rows = [
    ['device_read_bytes_sec', limits.readBytesSec, 'readBytesSec'],
    ['device_write_bytes_sec', limits.writeBytesSec, 'writeBytesSec'],
    ['device_read_iops_sec', limits.readIopsSec, 'readIopsSec'],
    ['device_write_iops_sec', limits.writeIopsSec, 'writeIopsSec'],
  ] as const;
  return rows.flatMap(([name, value, field]) =>
    value === undefined
      ? []
      : [{ name, type: 'text' as const, value: `${device},${wholeNumber(value, 0, field)}` }],
  );
}

function wholeNumber(value: number, lowest: number, field: string): number {
  if (!Number.isSafeInteger(value) || value < lowest)
    throw invalid(field, value, `a whole number from ${lowest}`);
  return value;
}
