/** Block limits and weights of a simulated domain, written to the tree as libvirt and the kernel would. */
import type { BlockLimits } from '../libvirt/hypervisor.js';
import type { MemoryRoot } from './memory-root.js';

const throttleFiles: readonly { key: keyof BlockLimits; name: string }[] = [
  { key: 'readBytesSec', name: 'blkio.throttle.read_bps_device' },
  { key: 'writeBytesSec', name: 'blkio.throttle.write_bps_device' },
  { key: 'readIopsSec', name: 'blkio.throttle.read_iops_device' },
  { key: 'writeIopsSec', name: 'blkio.throttle.write_iops_device' },
];

/** The files of a fresh v1 group. */
export function putNoThrottles(root: MemoryRoot, group: string): void {
  for (const { name } of throttleFiles) root.put(`${group}/${name}`, '');
}

/** cgroup v1: one file a limit, one line a device (`MAJOR:MINOR VALUE`); 0 takes the line away. */
export function putThrottles(root: MemoryRoot, group: string, number: string, limits: BlockLimits): void {
  for (const { key, name } of throttleFiles) {
    const value = limits[key];
    if (value === undefined) continue;
    const file = `${group}/${name}`;
    const others = (root.read(file) ?? '')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(`${number} `));
    root.put(file, [...others, ...(value > 0 ? [`${number} ${value}`] : [])].join('\n'));
  }
}

/** cgroup v2: io.max of the simulated host's one disk; 0 is `max`, and a line of four `max` is none. */
export function putIoMax(root: MemoryRoot, group: string, number: string, limits: BlockLimits): void {
  const file = `${group}/io.max`;
  const before = /rbps=(\S+) wbps=(\S+) riops=(\S+) wiops=(\S+)/.exec(root.read(file) ?? '');
  const shown = (value: number | undefined, old: string | undefined): string =>
    value === undefined ? (old ?? 'max') : value === 0 ? 'max' : `${value}`;
  const parts = [
    shown(limits.readBytesSec, before?.[1]),
    shown(limits.writeBytesSec, before?.[2]),
    shown(limits.readIopsSec, before?.[3]),
    shown(limits.writeIopsSec, before?.[4]),
  ];
  const none = parts.every((part) => part === 'max');
  root.put(
    file,
    none ? '' : `${number} rbps=${parts[0]} wbps=${parts[1]} riops=${parts[2]} wiops=${parts[3]}`,
  );
}
