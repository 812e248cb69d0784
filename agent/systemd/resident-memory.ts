/**
 * Gives back what only the start needed. Nothing does so by itself on a machine that has memory to spare: free chunks stay
 * in glibc's arenas, and pages of the program file that ran once stay mapped.
 */
import koffi from 'koffi';
import { cleanRanges } from './memory-map.js';

/** MADV_DONTNEED of madvise(2): unmaps the pages now; the next use maps them again from the page cache. */
const dontNeed = 4;

export interface Libc {
  trim(keepBytes: number): number;
  advise(address: bigint, bytes: number, advice: number): number;
}

/**
 * Trims glibc's arenas (malloc_trim(3)) and unmaps the pages of `program` in this process. `smaps` is the text of
 * /proc/self/smaps. Answers the bytes of the program that were mapped and looked unchanged; 0 where libc has no such
 * functions (musl). Only mappings without one private page are given up: those are the file, byte for byte, so they come
 * back as they were. Pages with relocations or written data are left.
 */
export function giveBackMemory(smaps: string, program: string, libc = loadLibc()): number {
  if (!libc) return 0;
  libc.trim(0);
  let bytes = 0;
  for (const { start, sizeBytes, residentBytes } of cleanRanges(smaps, program))
    if (libc.advise(start, sizeBytes, dontNeed) === 0) bytes += residentBytes;
  return bytes;
}

/** libc's part of it, to be loaded once; undefined: another C library. */
export function loadLibc(): Libc | undefined {
  try {
    const library = koffi.load('libc.so.6');
    return {
      trim: library.func('int malloc_trim(size_t)') as unknown as Libc['trim'],
      advise: library.func('int madvise(uintptr_t, size_t, int)') as unknown as Libc['advise'],
    };
  } catch {
    return undefined; // another C library
  }
}
