/** Whether a guest fits a host, for a search that asks many hosts: numbers are compared before any choice of cells is made. */
import type { GuestNuma } from '../../model/guest-numa.js';
import type { CellSummary } from './cell-summary.js';
import { type CellLimits, type CellNeeds, cellRefusals, needsOf, refusalOf } from './fit-cell.js';

/** The first guest cell in numbers, counted once for a request. */
export interface FirstCell {
  readonly needs: CellNeeds;
  readonly pageSize: number | null;
  readonly emulatorCpus: number;
}

/** undefined: the guest has no cells. */
export function firstCellOf({ cells, emulatorThreadsPolicy }: GuestNuma): FirstCell | undefined {
  const [first] = cells;
  const emulatorCpus = emulatorThreadsPolicy === 'isolate' ? 1 : 0;
  return first && { needs: needsOf(first), pageSize: first.pageSize, emulatorCpus };
}

/** Whether some host cell takes the first guest cell. Where none does, no choice of cells is right: each begins with it. */
export function takesFirst(cells: readonly CellSummary[], first: FirstCell, limits: CellLimits): boolean {
  const { needs, pageSize, emulatorCpus } = first;
  for (let index = 0; index < cells.length; index++) {
    const refusal = refusalOf(cells[index] as CellSummary, needs, pageSize, emulatorCpus, limits);
    if (refusal === cellRefusals.none) return true;
  }
  return false;
}

/**
 * Whether that settles it: for a guest of one cell that asks for one page size, or for none. `any` pages of one cell stay for the
 * next in Nova, and on a cell without cores it raises, so that there the order of cells counts.
 */
export function isSettled(cells: readonly CellSummary[], guest: GuestNuma, { pageSize }: FirstCell): boolean {
  const isOne = guest.cells.length === 1 && (pageSize === null || pageSize >= 0);
  return isOne && cells.every(({ threadsPerCore }) => threadsPerCore > 0);
}
