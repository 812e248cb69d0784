/** Where a guest goes on a host, with the pCPUs that it gets. */
import type { GuestCell, GuestNuma, PageSize } from '../../model/guest-numa.js';
import type { HostCell, HostNuma } from '../../model/host-numa.js';
import { cellOrder } from './cell-order.js';
import { type CellSummary, summariesOf } from './cell-summary.js';
import { type FitAsk, fitLimits, isNear } from './fit-ask.js';
import { cellRefusals, chosenPageSize, needsOf, refusalOf } from './fit-cell.js';
import { type CellAttempt, fitAttempts } from './fit-guest.js';
import { nextChoice } from './permutations.js';
import { pinVcpus } from './pin-vcpus.js';

/** A guest cell on a host cell. */
export interface FittedCell {
  readonly guest: GuestCell;
  /** Id of the host cell. */
  readonly hostCell: number;
  /** KiB; null or 0: not asked for, the host's small pages. */
  readonly pageSize: PageSize;
  /** vCPU and its pCPU. */
  readonly pinning: readonly (readonly [number, number])[];
  readonly emulatorCpus: readonly number[];
}

/** What Nova answers, with its memory from one attempt to the next; undefined: the guest does not fit. */
export function fitAsNova(host: HostNuma, ask: FitAsk): FittedCell[] | undefined {
  return fitAttempts(host, ask)?.map((attempt) => fittedOf(host, attempt));
}

function fittedOf(host: HostNuma, { guest, id, pageSize, pinnedTo, emulatorCpus }: CellAttempt): FittedCell {
  const cell = host.cells[pinnedTo];
  const pinning = cell && pinVcpus(cell, guest.dedicatedVcpus, guest.threadPolicy, emulatorCpus);
  return {
    guest,
    hostCell: id,
    pageSize,
    pinning: pinning?.pairs ?? [],
    emulatorCpus: pinning?.emulatorCpus ?? [],
  };
}

/** The first choice on which every cell fits, each tried as if it were the first; undefined: there is none. */
export function fitAfresh(host: HostNuma, ask: FitAsk): FittedCell[] | undefined {
  const cells = summariesOf(host);
  const guests = ask.guest.cells;
  if (guests.length === 0 || cells.length < guests.length) return undefined;
  const order = cellOrder(cells, ask.guest, ask.packs, ask.pciPools, ask.pciRequests.length > 0);
  const choice = guests.map((_, index) => index);
  for (let tried = 0; tried < fitLimits.choicesPerHost && ask.budget.choices > 0; tried++) {
    ask.budget.choices--;
    const chosen = choice.map((position) => cells[order[position] as number] as CellSummary);
    const misfit = chosen.findIndex((cell, place) => !fitsAt(cell, ask, place));
    const near =
      misfit < 0 &&
      isNear(
        host,
        chosen.map(({ cell }) => cell),
        ask,
      );
    if (near) return chosen.map((cell, place) => fittedAt(cell, ask.guest, place));
    if (!nextChoice(choice, order.length, misfit < 0 ? choice.length - 1 : misfit)) return undefined;
  }
  return undefined;
}

function fitsAt(cell: CellSummary, { guest, limits }: FitAsk, place: number): boolean {
  const { needs, pageSize, emulatorCpus } = askedAt(guest, place);
  return refusalOf(cell, needs, pageSize, emulatorCpus, limits) === cellRefusals.none;
}

function askedAt({ cells, emulatorThreadsPolicy }: GuestNuma, place: number) {
  const guest = cells[place] as GuestCell;
  const emulatorCpus = place === 0 && emulatorThreadsPolicy === 'isolate' ? 1 : 0;
  return { guest, needs: needsOf(guest), pageSize: guest.pageSize, emulatorCpus };
}

function fittedAt(summary: CellSummary, asked: GuestNuma, place: number): FittedCell {
  const { guest, needs, emulatorCpus } = askedAt(asked, place);
  const pageSize = guest.pageSize ? chosenPageSize(summary, guest.pageSize, needs.memoryMb) : guest.pageSize;
  const pinning = needs.isPinned
    ? pinVcpus(summary.cell, guest.dedicatedVcpus, guest.threadPolicy, emulatorCpus)
    : undefined;
  const { id } = summary.cell;
  return {
    guest,
    hostCell: id,
    pageSize,
    pinning: pinning?.pairs ?? [],
    emulatorCpus: pinning?.emulatorCpus ?? [],
  };
}

/**
 * Where a claim puts a guest: what Nova answers, unless its memory misled it; then the first choice that is right. undefined:
 * there is none, also where Nova's filter lets the host pass.
 */
export function placeGuest(host: HostNuma, ask: FitAsk): FittedCell[] | undefined {
  const fitted = fitAsNova(host, ask);
  if (fitted && isRight(host, fitted, ask)) return fitted;
  return fitted && fitAfresh(host, ask);
}

/** Whether each cell is on a host cell of its own, and is there as it would be if tried alone. */
function isRight(host: HostNuma, fitted: readonly FittedCell[], ask: FitAsk): boolean {
  const summaries = summariesOf(host);
  const indexes = fitted.map(({ hostCell }) => host.cells.findIndex(({ id }) => id === hostCell));
  if (new Set(indexes).size < indexes.length) return false;
  const chosen = indexes.map((index) => summaries[index]);
  const isSame = fitted.every((one, place) => {
    const cell = chosen[place];
    if (!cell || !fitsAt(cell, ask, place)) return false;
    return JSON.stringify(fittedAt(cell, ask.guest, place)) === JSON.stringify(one);
  });
  return (
    isSame &&
    isNear(
      host,
      chosen.map((summary) => summary?.cell as HostCell),
      ask,
    )
  );
}

/** The guest as Nova asks for the next server of one request: on the cells and with the pages that were found for this one. */
export function askedAgain(guest: GuestNuma, fitted: readonly FittedCell[]): GuestNuma {
  return {
    ...guest,
    cells: fitted.map(({ guest: cell, hostCell, pageSize }) => ({ ...cell, id: hostCell, pageSize })),
  };
}
