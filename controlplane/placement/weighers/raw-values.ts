/** Raw values that no column of the registry holds: made for one request, or kept while what hosts told stays the same. */
import { Column, hasBit } from '../../fleet/registry-columns.js';
import type { Columns } from '../../fleet/registry-resources.js';

/**
 * Whether a column weighs every host the same: all values alike, or none above the floor. One look at each span of 1,024
 * rows at most.
 */
export function isEven({ spanLow, spanHigh }: Column, floor: number | undefined): boolean {
  let least = floor ?? Infinity;
  let most = floor ?? -Infinity;
  for (let span = 0; span < spanHigh.length && most <= least; span++) {
    if (floor === undefined && (spanLow[span] as number) < least) least = spanLow[span] as number;
    if ((spanHigh[span] as number) > most) most = spanHigh[span] as number;
  }
  return most <= least;
}

/** A column with a raw value for every host. */
export function rawColumn(columns: Columns, rawOf: (row: number) => number): Column {
  const column = new Column();
  column.grow(columns.rows);
  for (let row = 0; row < columns.rows; row++) if (hasBit(columns.present, row)) column.set(row, rawOf(row));
  return column;
}

interface Kept {
  readonly recipe: unknown;
  readonly column: Column;
  /** Of the columns, when this one was last brought up to date. */
  shapeRevision: number;
}

/**
 * Columns of raw values that follow from the shape of a row alone: details, host aggregates, record. Only rows whose shape
 * changed are worked out again. One column is kept for each registry, and goes with it: a memory aid, not a state.
 */
export class KeptColumns {
  readonly #kept = new WeakMap<Columns, Kept>();

  /** `recipe`: what else `rawOf` depends on; another one starts anew. */
  of(columns: Columns, recipe: unknown, rawOf: (row: number) => number): Column {
    const kept = this.#kept.get(columns);
    const { shapeRevision } = columns;
    const isSame = kept?.recipe === recipe && kept?.column.values.length === columns.rows;
    if (kept && isSame && kept.shapeRevision === shapeRevision) return kept.column;
    const changed = kept && isSame ? columns.shapeChangesSince(kept.shapeRevision) : undefined;
    if (!kept || !changed) return this.#startAnew(columns, recipe, rawOf);
    for (const row of changed) kept.column.set(row, hasBit(columns.present, row) ? rawOf(row) : Number.NaN);
    kept.shapeRevision = shapeRevision;
    return kept.column;
  }

  #startAnew(columns: Columns, recipe: unknown, rawOf: (row: number) => number): Column {
    const column = rawColumn(columns, rawOf);
    this.#kept.set(columns, { recipe, column, shapeRevision: columns.shapeRevision });
    return column;
  }
}
