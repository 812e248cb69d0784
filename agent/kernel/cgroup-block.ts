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

/** What a device without a line has. */
export const noBlockLimits: GroupBlockLimits = {
  readBytesSec: 0,
  writeBytesSec: 0,
  readIopsSec: 0,
  writeIopsSec: 0,
};

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
  const limits = readAllBlockLimits(root, directory, version);
  return limits && (limits.get(deviceNumber) ?? noBlockLimits);
}

/** Limits of a group by device number, of every device that has a line. Undefined as `readBlockLimits`. */
export function readAllBlockLimits(
  root: KernelRoot,
  directory: string,
  version: CgroupVersion,
): Map<string, GroupBlockLimits> | undefined {
  return version === 1 ? limitsV1(root, directory) : limitsV2(root, directory);
}

const filesV1 = [
  ['read_bps', 'readBytesSec'],
  ['write_bps', 'writeBytesSec'],
  ['read_iops', 'readIopsSec'],
  ['write_iops', 'writeIopsSec'],
] as const;

function limitsV1(root: KernelRoot, directory: string): Map<string, GroupBlockLimits> | undefined {
  const limits = new Map<string, GroupBlockLimits>();
  for (const [file, key] of filesV1) {
    const text = root.read(`${directory}/blkio.throttle.${file}_device`);
    if (text === undefined) return undefined;
    for (const [number, value] of linesOf(text))
      limits.set(number, { ...(limits.get(number) ?? noBlockLimits), [key]: Number(value) });
  }
  return limits;
}

function limitsV2(root: KernelRoot, directory: string): Map<string, GroupBlockLimits> | undefined {
  const text = root.read(`${directory}/io.max`);
  if (text === undefined) return undefined;
  return new Map(linesOf(text).map(([number, line]) => [number, limitsOf(keyed(line))]));
}

function limitsOf(words: ReadonlyMap<string, string>): GroupBlockLimits {
  const limit = (key: string): number => (words.get(key) === 'max' ? 0 : Number(words.get(key) ?? 0));
  return {
    readBytesSec: limit('rbps'),
    writeBytesSec: limit('wbps'),
    readIopsSec: limit('riops'),
    writeIopsSec: limit('wiops'),
  };
}

/** The first word of each line, and what follows it. */
function linesOf(text: string): [head: string, rest: string][] {
  return text.split('\n').flatMap((line): [string, string][] => {
    const end = line.indexOf(' ');
    return end > 0 ? [[line.slice(0, end), line.slice(end + 1)]] : [];
  });
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
