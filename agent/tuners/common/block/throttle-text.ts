/** QEMU's throttle of a disk as one canonical text: libvirt's names and plain numbers, `none` where nothing is limited. */
import type { BlockKey, BlockLimits } from '../../../../proto/tuners/block-qos.js';
import { throttleKeys, throttleNames, type ThrottleKey } from '../../../libvirt/disk-throttle.js';
import type { DiskThrottle } from '../../../libvirt/hypervisor.js';

/** Text of a disk without limits. */
export const noThrottle = 'none';

const keysByName = new Map(throttleKeys.map((key) => [throttleNames[key], key]));

/**
 * `read_bytes_sec=1048576 write_iops_sec=100`, in libvirt's order of names. What changes nothing is left out, so that two
 * texts are equal exactly when the limits are: zeros, a burst length of QEMU's default 1 s, a length without a burst.
 */
export function throttleText(throttle: DiskThrottle): string {
  const parts = throttleKeys.flatMap((key) =>
    isInForce(throttle, key) ? [`${throttleNames[key]}=${throttle[key]}`] : [],
  );
  return parts.length === 0 ? noThrottle : parts.join(' ');
}

function isInForce(throttle: DiskThrottle, key: ThrottleKey): boolean {
  const value = throttle[key] ?? 0;
  if (!key.endsWith('MaxLengthSec')) return value > 0;
  return value > 1 && (throttle[key.replace(/LengthSec$/, '') as ThrottleKey] ?? 0) > 0;
}

/** The throttle that a text of `throttleText` stands for; words that it does not know are left out. */
export function parseThrottle(text: string): DiskThrottle {
  const pairs = text.split(' ').flatMap((word) => {
    const [name = '', value] = word.split('=');
    const key = keysByName.get(name);
    return key === undefined ? [] : [[key, Number(value)]];
  });
  return Object.fromEntries(pairs) as DiskThrottle;
}

/** Limits by a profile's keys as QEMU's throttle. */
export function throttleOf(limits: BlockLimits): DiskThrottle {
  const pairs = Object.entries(limits).flatMap(([key, value]) => {
    const known = keysByName.get(libvirtName(key as BlockKey));
    return known === undefined || value === undefined ? [] : [[known, value]];
  });
  return Object.fromEntries(pairs) as DiskThrottle;
}

function libvirtName(key: BlockKey): string {
  return key === 'iops_size' ? 'size_iops_sec' : key.replace(/_seconds$/, '');
}
