/**
 * Whether terms are still the ones that a request is weighed by, after a few hosts changed. A host that had neither the most
 * of a term nor has more than that now changes nothing of how the others are normalised.
 */
import type { CheckedRequest } from '../model/request.js';
import type { Candidates } from './candidates.js';
import type { Rules } from './select.js';
import type { Term } from './weigh.js';

/** For each term a row that has the most of it, or -1: not known. */
export type Witnesses = readonly number[];

/** The witnesses of terms that were just made. */
export function witnessesOf(candidates: Candidates, terms: readonly Term[]): Witnesses {
  return terms.map((term) => {
    // From the lowest value on: that one would need a witness too.
    if (term.floor === -Infinity || term.range === 0) return -1;
    for (const row of term.column.peaks)
      if (row >= 0 && aboveMinimum(term, row) === Math.abs(term.range) && passes(candidates, row)) return row;
    return -1;
  });
}

/** True where the terms are certainly the same as before these rows changed. False says nothing. */
export function areKept(
  candidates: Candidates,
  { weighers, settings }: Rules,
  request: CheckedRequest,
  terms: readonly Term[],
  witnesses: Witnesses,
  changed: readonly number[],
): boolean {
  const { columns } = candidates;
  let place = 0;
  for (let index = 0; index < weighers.length; index++) {
    const weigher = weighers[index] as Rules['weighers'][number];
    const prepared = weigher.prepare(request, columns, settings);
    if (!prepared) continue;
    const term = terms[place];
    if (term === undefined || term.name !== weigher.name || term.column !== prepared.column) return false;
    if (term.overrides !== columns.overridesOf(weigher.multiplierKey)) return false;
    if (mayDiffer(candidates, term, witnesses[place] as number, changed)) return false;
    place++;
  }
  return place === terms.length;
}

function mayDiffer(candidates: Candidates, term: Term, witness: number, changed: readonly number[]): boolean {
  if (witness < 0) return true;
  const most = Math.abs(term.range);
  for (let index = 0; index < changed.length; index++) {
    const row = changed[index] as number;
    if (row === witness || (aboveMinimum(term, row) > most && passes(candidates, row))) return true;
  }
  return false;
}

function aboveMinimum({ column, minimum }: Term, row: number): number {
  return Math.max(column.values[row] as number, minimum) - minimum;
}

/** Whether a row is among the candidates. */
export function passes(candidates: Candidates, row: number): boolean {
  return (candidates.word(row >>> 5) & (1 << (row & 31))) !== 0 && candidates.pass(row);
}
