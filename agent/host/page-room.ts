/** Huge pages that allocations want and what the pools of the host have of them. Pure. */
import type { DomainAllocation } from '../../proto/gen/drover/v1/DomainAllocation.js';
import type { HugepagePool } from '../../proto/gen/drover/v1/HugepagePool.js';

/** Memory in pages of one size, or of any large size. */
export interface WantedPages {
  readonly sizeKb: number | 'large';
  readonly memoryMb: number;
}

const unitsKb: Readonly<Record<string, number>> = { '': 1, KB: 1, MB: 1024, GB: 1024 ** 2, TB: 1024 ** 3 };

/**
 * The pages that `hw:mem_page_size` asks for: Nova's `large`, KiB, or a size with KB, MB, GB or TB. undefined: small pages,
 * any, none asked for, or a value that Nova would refuse.
 */
export function wantedPages({ extraSpecs, memoryMb }: DomainAllocation): WantedPages | undefined {
  const text = extraSpecs['hw:mem_page_size']?.trim();
  if (text === 'large') return { sizeKb: 'large', memoryMb };
  const [, digits, unit = ''] = /^(\d+)\s*(KB|MB|GB|TB)?$/i.exec(text ?? '') ?? [];
  const sizeKb = Number(digits) * (unitsKb[unit.toUpperCase()] ?? Number.NaN);
  return sizeKb > smallKb ? { sizeKb, memoryMb } : undefined;
}

/** Pages of this size are no huge pages. */
const smallKb = 4;

export class PageRoom {
  /** KiB of a page to the pages that are not promised. */
  readonly #left: Map<number, number>;

  constructor(pools: readonly HugepagePool[]) {
    this.#left = new Map(pools.map(({ sizeBytes, total }) => [sizeBytes / 1024, total]));
  }

  /**
   * Takes pages; why not, where no pool has them: nothing is taken then. `large` takes of the largest pages that hold
   * the memory, as Nova tries them. `isThere`: the domain has its pages, whatever the count says.
   */
  take(wanted: WantedPages | undefined, isThere: boolean): string | undefined {
    if (!wanted) return undefined;
    const sizes =
      wanted.sizeKb === 'large' ? [...this.#left.keys()].toSorted((a, b) => b - a) : [wanted.sizeKb];
    const size = sizes.find((each) => this.#fits(each, wanted.memoryMb)) ?? (isThere ? sizes[0] : undefined);
    if (size === undefined) return this.#reason(wanted);
    this.#left.set(size, (this.#left.get(size) ?? 0) - pagesOf(wanted.memoryMb, size));
    return undefined;
  }

  #fits(sizeKb: number, memoryMb: number): boolean {
    const isWhole = (memoryMb * 1024) % sizeKb === 0; // Nova takes no page size that memory is no multiple of
    return isWhole && pagesOf(memoryMb, sizeKb) <= (this.#left.get(sizeKb) ?? 0);
  }

  #reason({ sizeKb, memoryMb }: WantedPages): string {
    const pools = [...this.#left].map(([size, left]) => `${Math.max(left, 0)} of ${size} KiB`).join(', ');
    const kind = sizeKb === 'large' ? 'huge pages' : `pages of ${sizeKb} KiB`;
    return `${memoryMb} MiB in ${kind} wanted, pages left: ${pools === '' ? 'no pool' : pools}`;
  }
}

function pagesOf(memoryMb: number, sizeKb: number): number {
  return Math.ceil((memoryMb * 1024) / sizeKb);
}
