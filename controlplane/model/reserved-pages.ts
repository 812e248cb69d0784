/** Huge pages that a profile keeps for the host: `reserved_pages` of the tuner hugepages, Nova's `reserved_huge_pages`. Pure. */
import { type HugepagesSettings, pageSizeKb } from '../../proto/tuners/hugepages.js';

/**
 * Pages to keep by cell and size in KiB. `settings`: the tuner's, as JSON. A pool that names no cell is spread over all
 * `cells`, and so is what is kept of it, rounded up.
 */
export function reservedPages(
  settings: string | undefined,
  cells: number,
): (cell: number, sizeKb: number) => number {
  const pools = settings === undefined ? [] : (JSON.parse(settings) as HugepagesSettings).pools;
  return (cell, sizeKb) => {
    const pool = pools.find(
      (one) => pageSizeKb(one.size) === sizeKb && (one.cell === undefined || one.cell === cell),
    );
    const pages = pool?.reserved_pages ?? 0;
    return pool?.cell === undefined ? Math.ceil(pages / cells) : pages;
  };
}
