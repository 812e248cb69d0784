/** Memory that no tuner takes. Pure. */

/** One percent of memory, at least 256 MiB, in bytes: less, and the host or cell begins to swap or to kill. */
export function defaultFloorBytes(totalBytes: number): number {
  return Math.max(2 ** 28, totalBytes / 100);
}
