/**
 * Memory of a file that is mapped: a page that was read once counts as this process's until the kernel wants it back. After
 * everything was read once, that is the whole store. madvise(2) gives such pages back; the file and its cache stay.
 */
import { readFileSync } from 'node:fs';
import koffi from 'koffi';

/** From <asm-generic/mman-common.h>, on every architecture that Node runs on but alpha. */
const madvDontNeed = 4;

/**
 * Gives back the pages of a file's shared mappings; answers how many bytes of address space that was. The next look at one
 * reads it again. Only for mappings that are written by write(2), as LMDB's are without MDB_WRITEMAP. Where it cannot be
 * done nothing is: 0.
 */
export function dropMappedPages(file: string): number {
  try {
    const regions = mappingsOf(file, readFileSync('/proc/self/maps', 'utf8'));
    if (regions.length === 0) return 0;
    const madvise = koffi.load('libc.so.6').func('int madvise(uintptr_t address, size_t length, int advice)');
    let bytes = 0;
    for (const { address, length } of regions)
      if (madvise(address, length, madvDontNeed) === 0) bytes += length;
    return bytes;
  } catch {
    return 0; // no Linux, or no koffi for it
  }
}

/** Shared mappings of a file by the text of /proc/PID/maps (proc(5)): `from-to perms offset dev inode path`. Pure. */
export function mappingsOf(file: string, maps: string): { address: number; length: number }[] {
  const regions: { address: number; length: number }[] = [];
  for (const line of maps.split('\n')) {
    const [, from, to, path] = /^([0-9a-f]+)-([0-9a-f]+) \S{3}s \S+ \S+ \d+ +(.*)$/.exec(line) ?? [];
    if (path !== file || from === undefined || to === undefined) continue;
    const address = parseInt(from, 16);
    regions.push({ address, length: parseInt(to, 16) - address });
  }
  return regions;
}
