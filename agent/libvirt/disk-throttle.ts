/** QEMU's disk throttles by libvirt's names, and what libvirt's rules say of them. Pure. */
import type { DiskThrottle } from './hypervisor.js';

export type ThrottleKey = keyof DiskThrottle;

/**
 * Each key with its tag in <iotune> (https://libvirt.org/formatdomain.html#hard-drives-floppy-disks-cdroms), which is the
 * name of virDomainSetBlockIoTune's parameter too: all 19 since libvirt 2.4.0 (`*_max` 1.2.11, `*_max_length` 2.4.0).
 */
export const throttleNames: Readonly<Record<ThrottleKey, string>> = {
  totalBytesSec: 'total_bytes_sec',
  readBytesSec: 'read_bytes_sec',
  writeBytesSec: 'write_bytes_sec',
  totalIopsSec: 'total_iops_sec',
  readIopsSec: 'read_iops_sec',
  writeIopsSec: 'write_iops_sec',
  totalBytesSecMax: 'total_bytes_sec_max',
  readBytesSecMax: 'read_bytes_sec_max',
  writeBytesSecMax: 'write_bytes_sec_max',
  totalIopsSecMax: 'total_iops_sec_max',
  readIopsSecMax: 'read_iops_sec_max',
  writeIopsSecMax: 'write_iops_sec_max',
  totalBytesSecMaxLengthSec: 'total_bytes_sec_max_length',
  readBytesSecMaxLengthSec: 'read_bytes_sec_max_length',
  writeBytesSecMaxLengthSec: 'write_bytes_sec_max_length',
  totalIopsSecMaxLengthSec: 'total_iops_sec_max_length',
  readIopsSecMaxLengthSec: 'read_iops_sec_max_length',
  writeIopsSecMaxLengthSec: 'write_iops_sec_max_length',
  sizeIopsSec: 'size_iops_sec',
};

export const throttleKeys = Object.keys(throttleNames) as readonly ThrottleKey[];

/**
 * The same throttle as libvirt shows it, told in one way: without zeros, which are no limit as absence is, and without a
 * burst length of 1 s, which is QEMU's default (libvirt keeps a 1 in the XML where a longer one was taken away).
 */
export function canonicalThrottle(throttle: DiskThrottle): DiskThrottle {
  const counts = (key: ThrottleKey): boolean => (throttle[key] ?? 0) > (key.endsWith('MaxLengthSec') ? 1 : 0);
  return Object.fromEntries(
    throttleKeys.flatMap((key) => (counts(key) ? [[key, throttle[key]]] : [])),
  ) as DiskThrottle;
}

/**
 * What libvirt would say against a throttle (qemuDomainCheckBlockIoTuneMutualExclusion and, in QEMU, throttle_is_valid):
 * total together with read or write of one kind, or a burst without its limit. Undefined: nothing. For hypervisors that
 * are not libvirt.
 */
export function throttleFault(throttle: DiskThrottle): string | undefined {
  const has = (key: ThrottleKey): boolean => (throttle[key] ?? 0) > 0;
  for (const kind of ['BytesSec', 'IopsSec', 'BytesSecMax', 'IopsSecMax'] as const)
    if (has(`total${kind}`) && (has(`read${kind}`) || has(`write${kind}`)))
      return `total and read/write of ${throttleNames[`total${kind}`]} cannot be set at the same time`;
  for (const key of throttleKeys) {
    const base = key.replace(/MaxLengthSec$/, 'Max') as ThrottleKey;
    if (base !== key && has(key) && !has(base))
      return `cannot reset ${throttleNames[base]} when ${throttleNames[key]} is set`;
    const limit = key.replace(/Max$/, '') as ThrottleKey;
    if (limit !== key && has(key) && !has(limit))
      return `value '${throttleNames[key]}' cannot be set if '${throttleNames[limit]}' is not set`;
    if (limit !== key && has(key) && (throttle[key] as number) < (throttle[limit] as number))
      return `value '${throttleNames[key]}' cannot be smaller than '${throttleNames[limit]}'`;
  }
  return undefined;
}
