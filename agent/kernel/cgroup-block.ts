/** Block I/O limits of a control group for one device, and what the group has moved on it. */
import type { CgroupVersion } from './cgroup.js';
import type { KernelRoot } from './root.js';

/** 0 stands for no limit, as in libvirt's blkdeviotune and blkiotune. */
export interface GroupBlockLimits {
  readonly readBytesSec: number;
  readonly writeBytesSec: number;
  readonly readIopsSec: number;
  readonly writeIopsSec: number;
}

export interface GroupBlockTraffic {
  readonly readBytes: number;
  readonly writeBytes: number;
  readonly readOperations: number;
  readonly writeOperations: number;
}

/**
 * Limits of a group on one device (`major:minor`): v1 blkio.throttle.*_device, v2 io.max. A device without a line has
 * no limit. Undefined where the group or the controller is absent.
 */
export function readBlockLimits(
  root: KernelRoot,
  directory: string,
  version: CgroupVersion,
  deviceNumber: string,
): GroupBlockLimits | undefined {
  return version === 1 ? limitsV1(root, directory, deviceNumber) : limitsV2(root, directory, deviceNumber);
}

function limitsV1(root: KernelRoot, directory: string, deviceNumber: string): GroupBlockLimits | undefined {
  const limit = (file: string): number | undefined => {
    const text = root.read(`${directory}/blkio.throttle.${file}_device`);
    return text === undefined ? undefined : Number(lineOf(text, deviceNumber) ?? 0);
  };
  const [readBytesSec, writeBytesSec] = [limit('read_bps'), limit('write_bps')];
  const [readIopsSec, writeIopsSec] = [limit('read_iops'), limit('write_iops')];
  if (readBytesSec === undefined || writeBytesSec === undefined) return undefined;
  if (readIopsSec === undefined || writeIopsSec === undefined) return undefined;
  return { readBytesSec, writeBytesSec, readIopsSec, writeIopsSec };
}

function limitsV2(root: KernelRoot, directory: string, deviceNumber: string): GroupBlockLimits | undefined {
  const text = root.read(`${directory}/io.max`);
  if (text === undefined) return undefined;
  const limits = keyed(lineOf(text, deviceNumber));
  const limit = (key: string): number => (limits.get(key) === 'max' ? 0 : Number(limits.get(key) ?? 0));
  return {
    readBytesSec: limit('rbps'),
    writeBytesSec: limit('wbps'),
    readIopsSec: limit('riops'),
    writeIopsSec: limit('wiops'),
  };
}

/** What a group has moved on one device since it was made: v1 blkio.throttle.io_*, v2 io.stat. Undefined: absent. */
export function readBlockTraffic(
  root: KernelRoot,
  directory: string,
  version: CgroupVersion,
  deviceNumber: string,
): GroupBlockTraffic | undefined {
  return version === 1 ? trafficV1(root, directory, deviceNumber) : trafficV2(root, directory, deviceNumber);
}

function trafficV1(root: KernelRoot, directory: string, deviceNumber: string): GroupBlockTraffic | undefined {
  const bytes = root.read(`${directory}/blkio.throttle.io_service_bytes`);
  const operations = root.read(`${directory}/blkio.throttle.io_serviced`);
  if (bytes === undefined || operations === undefined) return undefined;
  const counter = (text: string, way: string): number => Number(lineOf(text, `${deviceNumber} ${way}`) ?? 0);
  return {
    readBytes: counter(bytes, 'Read'),
    writeBytes: counter(bytes, 'Write'),
    readOperations: counter(operations, 'Read'),
    writeOperations: counter(operations, 'Write'),
  };
}

function trafficV2(root: KernelRoot, directory: string, deviceNumber: string): GroupBlockTraffic | undefined {
  const text = root.read(`${directory}/io.stat`);
  if (text === undefined) return undefined;
  const counters = keyed(lineOf(text, deviceNumber));
  const counter = (key: string): number => Number(counters.get(key) ?? 0);
  return {
    readBytes: counter('rbytes'),
    writeBytes: counter('wbytes'),
    readOperations: counter('rios'),
    writeOperations: counter('wios'),
  };
}

/** What follows `head` and a space on its line. */
function lineOf(text: string, head: string): string | undefined {
  return text
    .split('\n')
    .find((line) => line.startsWith(`${head} `))
    ?.slice(head.length + 1);
}

function keyed(line: string | undefined): Map<string, string> {
  return new Map((line ?? '').split(' ').map((pair) => pair.split('=') as [string, string]));
}
