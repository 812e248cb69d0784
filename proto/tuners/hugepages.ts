/** Pools of huge pages by size and NUMA cell. Kernel: Documentation/admin-guide/mm/hugetlbpage.rst. */
import { z } from 'zod';
import { common } from './common.js';

const count = z
  .int()
  .min(0)
  .max(2 ** 26);

const sizeText = /^([1-9]\d{0,12}) ?(KiB|MiB|GiB|kB|K|M|G)?$/;
const sizeUnits: Readonly<Record<string, number>> = { M: 1024, MiB: 1024, G: 1_048_576, GiB: 1_048_576 };

/** A page size in kB, as the kernel names its folders: of `2MiB`, `2M`, `2048kB`, `2048`; undefined: it is none. */
export function pageSizeKb(text: string): number | undefined {
  const match = sizeText.exec(text);
  return match ? Number(match[1]) * (sizeUnits[match[2] ?? ''] ?? 1) : undefined;
}

const pool = z
  .strictObject({
    size: z.string().refine((text) => pageSizeKb(text) !== undefined, {
      error: 'a page size such as 2MiB, 1GiB or 2048kB',
    }),
    cell: z.int().min(0).max(1023).optional().describe('NUMA cell; absent: pages is spread over all cells'),
    pages: count.optional().describe('pages in the pool, in use or not; absent: the pool keeps its size'),
    reserved_pages: count
      .optional()
      .describe("of the pool, for the host's own use and not for domains (Nova: reserved_huge_pages)"),
    overcommit_pages: count
      .optional()
      .describe('pages beyond the pool that the kernel may take on demand, on the whole host'),
  })
  .refine(({ pages, reserved_pages = 0 }) => pages === undefined || reserved_pages <= pages, {
    path: ['reserved_pages'],
    error: 'at most the pages of its pool',
  })
  .refine(({ cell, overcommit_pages }) => cell === undefined || overcommit_pages === undefined, {
    path: ['overcommit_pages'],
    error: 'none in a pool of one cell: the kernel has it for the whole host',
  });

export type HugepagePoolSettings = z.infer<typeof pool>;

export const hugepages = z.strictObject({
  pools: z
    .array(pool)
    .min(1)
    .max(256)
    .refine((pools) => !clashes(pools), {
      error: 'each size once for a cell, or once for all cells without naming one',
    }),
  deadline_seconds: z
    .int()
    .min(0)
    .max(60)
    .optional()
    .describe('how long the kernel may be asked again for the pages of one pool; absent: 10'),
  ...common('hugepages'),
});

/** The same pages are asked for twice: one size for one cell twice, or for a cell and for all. */
function clashes(pools: readonly HugepagePoolSettings[]): boolean {
  return pools.some(({ size, cell }, index) =>
    pools
      .slice(0, index)
      .some(
        (other) =>
          pageSizeKb(other.size) === pageSizeKb(size) &&
          (cell === other.cell || cell === undefined || other.cell === undefined),
      ),
  );
}

export type HugepagesSettings = z.infer<typeof hugepages>;
