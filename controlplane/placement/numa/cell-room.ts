/**
 * What the roomiest cell of each host has free, as columns: a search then leaves out whole blocks of hosts without looking at a
 * cell. Kept for each set of columns, and brought up to date by what changed since it was last asked for.
 */
import { Column } from '../../fleet/registry-columns.js';
import type { Columns } from '../../fleet/registry-resources.js';
import { type CellSummary, summariesOf } from './cell-summary.js';

/** How much a cell has of something. The same name always means the same measure. */
export interface CellMeasure {
  readonly name: string;
  of(cell: CellSummary): number;
}

/** Measures that are kept; the one that was not asked for longest makes room. Page sizes are what there can be many of. */
export const mostMeasures = 16;

const noCells: readonly CellSummary[] = [];

export class CellRoom {
  /** The cells of each row in numbers; none where the host reports none. */
  readonly cells: (readonly CellSummary[])[] = [];
  readonly #measured = new Map<string, { readonly measure: CellMeasure; readonly column: Column }>();
  #revision = -1;
  #rows = 0;

  /** Takes over the rows that changed, or every row where that is too long ago to tell. */
  update(columns: Columns): void {
    const { rows, shapeRevision } = columns;
    const changed = this.#revision < 0 ? undefined : columns.shapeChangesSince(this.#revision);
    if (rows > this.#rows) for (const { column } of this.#measured.values()) column.grow(rows);
    this.#rows = rows;
    this.#revision = shapeRevision;
    if (changed) for (const row of changed) this.#take(columns, row);
    else for (let row = 0; row < rows; row++) this.#take(columns, row);
  }

  #take(columns: Columns, row: number): void {
    const { numa } = columns.detailsOf(row);
    const cells = numa ? summariesOf(numa) : noCells;
    if (this.cells[row] === cells) return;
    this.cells[row] = cells;
    for (const { measure, column } of this.#measured.values()) column.set(row, most(cells, measure));
  }

  /** What the cell of each host that has most has; -Infinity where there is no cell. */
  column(measure: CellMeasure): Column {
    const known = this.#measured.get(measure.name) ?? { measure, column: this.#filled(measure) };
    this.#measured.delete(measure.name);
    this.#measured.set(measure.name, known); // last in, last out
    const [oldest] = this.#measured.keys();
    if (this.#measured.size > mostMeasures && oldest !== undefined) this.#measured.delete(oldest);
    return known.column;
  }

  #filled(measure: CellMeasure): Column {
    const column = new Column();
    column.grow(this.#rows);
    for (let row = 0; row < this.#rows; row++) column.set(row, most(this.cells[row] ?? noCells, measure));
    return column;
  }
}

function most(cells: readonly CellSummary[], measure: CellMeasure): number {
  let highest = -Infinity;
  for (const cell of cells) highest = Math.max(highest, measure.of(cell));
  return highest;
}

const rooms = new WeakMap<Columns, CellRoom>();

/** The room of these columns as they are now. It lives as long as they do. */
export function roomOf(columns: Columns): CellRoom {
  let room = rooms.get(columns);
  if (!room) {
    room = new CellRoom();
    rooms.set(columns, room);
  }
  room.update(columns);
  return room;
}
