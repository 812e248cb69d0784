/**
 * Weighing as Nova's `weights.py`: raw values are normalised over the hosts that are left, multiplied and added up. Bounds
 * of blocks spare most rows: a block that cannot reach the best is not looked into, and the answer is the same.
 */
import type { Column } from '../fleet/registry-columns.js';
import type { Columns, Overrides } from '../fleet/registry-resources.js';
import type { CheckedRequest } from '../model/request.js';
import type { SchedulerSettings } from '../model/scheduler-settings.js';
import type { Candidates } from './candidates.js';
import type { Weigher } from './weighers/weigher.js';

/** One weigher, normalised over a set of rows. */
export interface Term {
  readonly name: string;
  readonly column: Column;
  readonly floor: number;
  readonly minimum: number;
  /** Highest - minimum; 0: every row weighs 0. Negative where Nova negates the multiplier, the option's or an aggregate's. */
  readonly range: number;
  readonly multiplier: number;
  /** By row, where aggregates set their own; NaN: they do not. */
  readonly overrides: Overrides | undefined;
}

/** Which weighers weigh, with their settings. */
export interface WeigherRules {
  readonly weighers: readonly Weigher[];
  readonly settings: SchedulerSettings;
}

/** The terms of a request over the candidates that pass. */
export function prepareTerms(
  candidates: Candidates,
  { weighers, settings }: WeigherRules,
  request: CheckedRequest,
  columns: Columns,
): Term[] {
  return weighers.flatMap((weigher) => {
    const prepared = weigher.prepare(request, columns, settings);
    if (!prepared) return [];
    const { column, floor, unweighable } = prepared;
    const multiplier = settings.weightMultipliers[weigher.multiplierKey] ?? weigher.multiplier;
    const minimum = floor ?? candidates.lowest(column);
    const highest = candidates.highest(column);
    if (unweighable && highest === Infinity) throw unweighable();
    const range = Math.max(highest, minimum) - minimum;
    const overrides = columns.overridesOf(weigher.multiplierKey);
    return {
      name: weigher.name,
      column,
      floor: floor ?? -Infinity,
      minimum,
      range: weigher.isNegated ? -range : range,
      multiplier,
      overrides,
    };
  });
}

/** The normalised weight of a row in one term times its multiplier. */
export function termAt(term: Term, row: number): number {
  const override = term.overrides === undefined ? Number.NaN : (term.overrides.values[row] as number);
  const multiplier = Number.isNaN(override) ? term.multiplier : override;
  return multiplier * normal(term, term.column.values[row] as number);
}

function normal(term: Term, raw: number): number {
  if (term.range === 0) return 0;
  return ((raw < term.floor ? term.floor : raw) - term.minimum) / term.range;
}

/** The weight of a row: its terms added up in order. */
export function weightAt(terms: readonly Term[], row: number): number {
  let weight = 0;
  for (let index = 0; index < terms.length; index++) weight += termAt(terms[index] as Term, row);
  return weight;
}

/** Into `weights`: what the first `length` of `rows` weigh, to the last bit what `weightAt` answers. */
export function weighRows(
  terms: readonly Term[],
  rows: Int32Array,
  length: number,
  weights: Float64Array,
): void {
  weights.fill(0, 0, length);
  for (const term of terms) {
    if (term.overrides !== undefined) addOverridden(term, rows, length, weights);
    else if (term.range !== 0) addTerm(term, rows, length, weights);
  }
}

function addTerm(
  { column, floor, minimum, range, multiplier }: Term,
  rows: Int32Array,
  length: number,
  weights: Float64Array,
): void {
  const { values } = column;
  for (let index = 0; index < length; index++) {
    const raw = values[rows[index] as number] as number;
    weights[index] =
      (weights[index] as number) + multiplier * (((raw < floor ? floor : raw) - minimum) / range);
  }
}

function addOverridden(term: Term, rows: Int32Array, length: number, weights: Float64Array): void {
  for (let index = 0; index < length; index++)
    weights[index] = (weights[index] as number) + termAt(term, rows[index] as number);
}
