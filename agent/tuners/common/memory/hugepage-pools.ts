/** Which pool should have how many pages, by the settings. Pure. */
import { pageSizeKb, type HugepagesSettings } from '../../../../proto/tuners/hugepages.js';
import { invalid } from '../../../../proto/wire/errors.js';

const field = 'tuners.hugepages.pools';

export interface PoolShare {
  readonly sizeKb: number;
  readonly cell: number | undefined;
  /** Undefined: the pool keeps its size. */
  readonly pages: number | undefined;
  /** Of the pool, for the host itself. */
  readonly reservedPages: number;
}

/**
 * Shares of all pools that the settings name. Without a cell, pages are spread evenly over all cells, the first ones
 * taking what is left over, so that every cell has a number of its own that can be undone exactly. Errors:
 * `invalid-argument` for a cell that the host does not have.
 */
export function poolShares(
  { pools }: HugepagesSettings,
  cells: readonly (number | undefined)[],
): PoolShare[] {
  return pools.flatMap(({ size, cell, pages, reserved_pages: reserved = 0 }) => {
    const sizeKb = pageSizeKb(size) as number;
    if (cell !== undefined && !cells.includes(cell)) throw invalid(field, `cell ${cell}`, cellsOf(cells));
    const mine = cell === undefined ? cells : [cell];
    return mine.map((each, index) => ({
      sizeKb,
      cell: each,
      pages: pages === undefined ? undefined : shareOf(pages, mine.length, index),
      reservedPages: shareOf(reserved, mine.length, index),
    }));
  });
}

function shareOf(total: number, count: number, index: number): number {
  return Math.floor(total / count) + (index < total % count ? 1 : 0);
}

function cellsOf(cells: readonly (number | undefined)[]): string {
  const known = cells.filter((cell) => cell !== undefined);
  return known.length > 0 ? `a NUMA cell of this host: ${known.join(', ')}` : 'no cell: this host has none';
}

/** Refuses pools that together are larger than the host. Errors: `invalid-argument`. */
export function checkPoolTotal(shares: readonly PoolShare[], totalBytes: number | undefined): void {
  const bytes = shares.reduce((sum, { sizeKb, pages = 0 }) => sum + sizeKb * 1024 * pages, 0);
  const gib = (value: number): string => (value / 2 ** 30).toFixed(1);
  if (totalBytes !== undefined && bytes > totalBytes)
    throw invalid(field, `${gib(bytes)} GiB`, `less than the ${gib(totalBytes)} GiB of this host`);
}

/** `512 of pages of 2048 kB on cell 0`, without the number. */
export function poolName({ sizeKb, cell }: Pick<PoolShare, 'sizeKb' | 'cell'>): string {
  return `pages of ${sizeKb} kB${cell === undefined ? '' : ` on cell ${cell}`}`;
}

/** Arguments of the kernel command line that take the pages at boot, while memory is whole (kernel-parameters.txt). */
export function bootArguments(
  sizeKb: number,
  pages: number,
  cell: number | undefined,
  cells: number,
): string {
  const size = sizeKb % 1_048_576 === 0 ? `${sizeKb / 1_048_576}G` : `${sizeKb / 1024}M`;
  return `hugepagesz=${size} hugepages=${cells > 1 ? `${cell}:` : ''}${pages}`;
}
