/** Mappings of a process, from the text of /proc/PID/smaps (proc(5)). */

export interface MappedRange {
  readonly start: bigint;
  readonly sizeBytes: number;
  readonly residentBytes: number;
}

/** `start-end permissions offset device inode path` */
const head = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \S+ +(.*)$/m;

/**
 * The mappings of `file` that cannot be written and hold no page of their own: every page of them is the file's, so that
 * unmapping loses nothing. Empty for a file that was replaced or removed since (`(deleted)` stands behind its name).
 */
export function cleanRanges(smaps: string, file: string): MappedRange[] {
  const found: MappedRange[] = [];
  // Each mapping's lines end with VmFlags.
  for (const block of smaps.split(/^VmFlags:.*\n?/m)) {
    const [, start = '', end = '', permissions = '', path] = head.exec(block) ?? [];
    if (path !== file || permissions.includes('w') || permissions.includes('s')) continue;
    const own = kib(block, 'Anonymous') + kib(block, 'Private_Dirty') + kib(block, 'Locked');
    if (own > 0) continue;
    const first = BigInt(`0x${start}`);
    const sizeBytes = Number(BigInt(`0x${end}`) - first);
    found.push({ start: first, sizeBytes, residentBytes: kib(block, 'Rss') * 1024 });
  }
  return found;
}

/** A field of one mapping, KiB; where it is missing the mapping counts as changed. */
function kib(block: string, field: string): number {
  return Number(new RegExp(`^${field}: +(\\d+) kB`, 'm').exec(block)?.[1] ?? Infinity);
}
