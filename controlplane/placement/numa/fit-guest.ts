/**
 * A guest's cells on a host's cells as Nova chooses them: the first choice, in order, on which every cell fits. Nova works on
 * one copy of the guest for all choices and remembers answers under ids that it changes on the way (`any` pages once found
 * stay that size; a cell that fitted is taken to fit again). Where that decides, the same happens here. Nova
 * `hardware.numa_fit_instance_to_host`.
 */
import type { GuestCell } from '../../model/guest-numa.js';
import type { HostNuma } from '../../model/host-numa.js';
import { cellOrder } from './cell-order.js';
import { type CellSummary, summariesOf } from './cell-summary.js';
import { type FitAsk, fitLimits, isNear } from './fit-ask.js';
import { cellRefusals, chosenPageSize, type CellNeeds, needsOf, refusalOf } from './fit-cell.js';
import { nextChoice } from './permutations.js';

/** A guest cell while hosts' cells are tried for it, and in the end where it is. */
export interface CellAttempt {
  readonly guest: GuestCell;
  readonly needs: CellNeeds;
  /** Of the guest, and of the host cell that it fitted last. */
  id: number;
  pageSize: number | null;
  /** Number of the host cell that it was pinned to last, -1: to none; and the pCPUs set aside for the emulator there. */
  pinnedTo: number;
  emulatorCpus: number;
}

/** The attempt at each guest cell, as a fit leaves them; undefined: the guest does not fit. */
export function fitAttempts(host: HostNuma, ask: FitAsk): CellAttempt[] | undefined {
  const cells = summariesOf(host);
  const size = ask.guest.cells.length;
  if (size === 0 || cells.length < size) return undefined;
  const order = cellOrder(cells, ask.guest, ask.packs, ask.pciPools, ask.pciRequests.length > 0);
  return new Search(host, cells, order, ask).run();
}

class Search {
  readonly #host: HostNuma;
  readonly #cells: readonly CellSummary[];
  readonly #order: readonly number[];
  readonly #ask: FitAsk;
  readonly #attempts: CellAttempt[];
  /** Pairs of host cell and guest id that were found to fit and not to fit. */
  readonly #fits = new Set<number>();
  readonly #misfits = new Set<number>();
  /** Grows whenever anything that later choices depend on changes. */
  #changes = 0;

  constructor(host: HostNuma, cells: readonly CellSummary[], order: readonly number[], ask: FitAsk) {
    this.#host = host;
    this.#cells = cells;
    this.#order = order;
    this.#ask = ask;
    this.#attempts = ask.guest.cells.map((guest) => ({
      guest,
      needs: needsOf(guest),
      id: guest.id,
      pageSize: guest.pageSize,
      pinnedTo: -1,
      emulatorCpus: 0,
    }));
  }

  run(): CellAttempt[] | undefined {
    const { budget } = this.#ask;
    const choice = this.#attempts.map((_, index) => index);
    for (let tried = 0; tried < fitLimits.choicesPerHost && budget.choices > 0; tried++) {
      budget.choices--;
      const before = this.#changes;
      const depth = this.#try(choice);
      if (depth === undefined) return undefined;
      if (depth === choice.length && this.#isNear(choice)) return this.#attempts;
      // What changed nothing would fail at the same depth again, whatever stands behind.
      const same = this.#changes === before ? depth : choice.length;
      if (!nextChoice(choice, this.#order.length, Math.min(same, choice.length - 1))) return undefined;
    }
    return undefined;
  }

  /** The place at which a choice fails, or its length; undefined: Nova raises there. */
  #try(choice: readonly number[]): number | undefined {
    for (let place = 0; place < choice.length; place++) {
      const fits = this.#place(place, this.#order[choice[place] as number] as number);
      if (!fits) return fits === undefined ? undefined : place;
    }
    return choice.length;
  }

  #place(place: number, index: number): boolean | undefined {
    const attempt = this.#attempts[place] as CellAttempt;
    const cell = this.#cells[index] as CellSummary;
    const pair = index * 2 ** 32 + attempt.id;
    if (this.#misfits.has(pair)) return false;
    if (!this.#fits.has(pair)) {
      const fits = this.#fit(attempt, cell, index, place);
      if (fits === undefined) return undefined;
      (fits ? this.#fits : this.#misfits).add(pair);
      this.#changes++;
      if (!fits) return false;
    }
    this.#setId(attempt, cell.cell.id);
    return true;
  }

  #fit(attempt: CellAttempt, cell: CellSummary, index: number, place: number): boolean | undefined {
    const { needs } = attempt;
    const emulatorCpus = place === 0 && this.#ask.guest.emulatorThreadsPolicy === 'isolate' ? 1 : 0;
    if (attempt.pageSize) {
      const chosen = chosenPageSize(cell, attempt.pageSize, needs.memoryMb);
      if (chosen <= 0) return false;
      attempt.pageSize = chosen;
    }
    const refusal = refusalOf(cell, needs, attempt.pageSize, emulatorCpus, this.#ask.limits);
    if (refusal === cellRefusals.coresUnknown) return undefined;
    const isPinned = refusal === cellRefusals.none || refusal >= cellRefusals.vcpusOverRatio;
    if (needs.isPinned && isPinned) {
      attempt.pinnedTo = index;
      attempt.emulatorCpus = emulatorCpus;
      this.#setId(attempt, cell.cell.id);
    }
    return refusal === cellRefusals.none;
  }

  #setId(attempt: CellAttempt, id: number): void {
    if (attempt.id !== id) this.#changes++;
    attempt.id = id;
  }

  #isNear(choice: readonly number[]): boolean {
    const chosen = choice.map(
      (position) => (this.#cells[this.#order[position] as number] as CellSummary).cell,
    );
    return isNear(this.#host, chosen, this.#ask);
  }
}
