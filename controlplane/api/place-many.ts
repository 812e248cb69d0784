/**
 * PlaceMany in turns: searches that cost much must not hold everybody else up, and a call has a budget. Claims that stand or
 * fall alone are placed a few at a time; all-or-nothing needs one turn, so what it may ask for is limited beforehand.
 */
import { DroverError } from '../../proto/wire/errors.js';
import type { Claims, PlaceOutcome, WantedClaim } from '../allocations/claims.js';

export interface PlaceTurns {
  /** Milliseconds that only grow. */
  readonly now: () => number;
  /** Lets others have their turn. */
  readonly pause: () => Promise<void>;
  /** Longest turn, give or take the last few claims, and longest work in all. */
  readonly turnMs: number;
  readonly budgetMs: number;
}

/** Others get their turn after 10 ms of work; 5 s of work are half of a call's deadline. */
export const placeTurns: PlaceTurns = {
  now: () => performance.now(),
  pause: () => new Promise((resolve) => setImmediate(resolve)),
  turnMs: 10,
  budgetMs: 5_000,
};

/** Plain claims that are placed together: a search takes some 20 µs, but one that finds nothing is explained, which takes ms. */
const together = 32;

/** Bytes of JSON queries times hosts that all-or-nothing may ask for: some 2,000,000 terms, as one request may. */
export const mostQueryBytes = 20_000_000;

type Wanted = WantedClaim | DroverError;
type PlaceMany = Pick<Claims, 'placeMany'>;

/** The outcomes in the order of `wanted`. Errors: those of `Claims.placeMany`; also `resource-exhausted` over the budget. */
export async function placeInTurns(
  claims: PlaceMany,
  wanted: readonly Wanted[],
  allOrNothing: boolean,
  hosts: number,
  turns = placeTurns,
): Promise<PlaceOutcome[]> {
  if (allOrNothing) checkQueries(wanted, hosts);
  if (allOrNothing || wanted.length <= together || wanted.length > mostInTurns)
    return claims.placeMany(wanted, allOrNothing);
  const outcomes: Promise<PlaceOutcome[]>[] = [];
  const { now, pause, turnMs, budgetMs } = turns;
  let [spentMs, start] = [0, now()];
  for (let [first, size] = [0, together]; first < wanted.length;) {
    const some = wanted.slice(first, first + plainAt(wanted, first, size));
    first += some.length;
    outcomes.push(spentMs > budgetMs ? late(some, budgetMs) : claims.placeMany(some, false));
    const elapsedMs = now() - start;
    if (elapsedMs < turnMs) continue;
    size = Math.max(1, Math.floor((some.length * turnMs) / elapsedMs));
    spentMs += elapsedMs;
    await pause();
    start = now();
  }
  return (await Promise.all(outcomes)).flat();
}

/** How many plain claims stand from `first` on, `most` at most; 1 where the first is not plain. */
function plainAt(wanted: readonly Wanted[], first: number, most: number): number {
  let count = 0;
  while (count < most && isPlain(wanted[first + count])) count++;
  return Math.max(1, count);
}

/** Amounts and a zone alone are decided by columns; the rest may ask each host something of its own. */
function isPlain(wanted: Wanted | undefined): boolean {
  if (wanted === undefined || wanted instanceof DroverError) return wanted !== undefined;
  const { numa, pciRequests, hints, extraSpecs } = wanted.request;
  return numa === null && pciRequests.length === 0 && isEmpty(hints) && isEmpty(extraSpecs);
}

function isEmpty(map: object): boolean {
  for (const _ in map) return false;
  return true;
}

/** Beyond what `Claims` takes in one call, so that its own error tells of it. */
const mostInTurns = 1_000;

async function late(some: readonly Wanted[], budgetMs: number): Promise<PlaceOutcome[]> {
  const cure = 'place it in another call';
  const text = `the claims before this one took more than ${budgetMs} ms; ${cure}`;
  return some.map(() => ({ error: new DroverError('resource-exhausted', text, { field: 'claims', cure }) }));
}

function checkQueries(wanted: readonly Wanted[], hosts: number): void {
  let bytes = 0;
  for (const one of wanted)
    if (!(one instanceof DroverError)) bytes += one.request.hints['query']?.[0]?.length ?? 0;
  if (bytes * hosts <= mostQueryBytes) return;
  const cure = 'fewer claims or shorter queries, or place each for itself';
  throw new DroverError(
    'resource-exhausted',
    `claims: ${bytes} bytes of JSON queries for each of ${hosts} hosts are too much for one turn; ${cure}`,
    { field: 'claims', value: `${bytes} bytes of queries`, cure },
  );
}
