/** Tables for people: no borders, columns as wide as they need, numbers to the right, cut or wrapped to the terminal's width. */
import { cutToWidth, displayWidth, printable } from './display-width.js';
import type { Style, Tone } from './style.js';
import { wrapToWidth } from './wrap.js';

/** A cell: text, or text with the tone that underlines it. */
export type Cell = string | { readonly text: string; readonly tone: Tone | undefined };

export interface Heading {
  readonly heading: string;
  /** `right` for numbers; such a column is never cut, because a cut number is a lie. */
  readonly align?: 'left' | 'right';
  /** A column is not cut below this many columns of the terminal; default: the heading's width, at least 8. */
  readonly minimumWidth?: number;
  /** Goes on in the next line where it would be cut: a reason is of no use by half. */
  readonly wraps?: boolean;
}

export interface Column<Row> extends Heading {
  readonly cell: (row: Row) => Cell;
}

export interface Table {
  readonly columns: readonly Heading[];
  /** Cells by row, then by column. */
  readonly rows: readonly (readonly Cell[])[];
}

export interface Page {
  /** Columns of the terminal; undefined: nothing is cut (a pipe, a file). */
  readonly width?: number | undefined;
  readonly style: Style;
}

/** Columns between two columns. */
const gap = 2;

/** The table of `rows` under `columns`. */
export function tableOf<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Table {
  return { columns, rows: rows.map((row) => columns.map((column) => column.cell(row))) };
}

/** The table as lines, headings first, no newline at the end of a line. `indent`: spaces before each line. */
export function tableLines(table: Table, page: Page, indent = 0): string[] {
  const cells = table.rows.map((row) => row.map(clean));
  const widths = fitWidths(
    table.columns,
    naturalWidths(table.columns, cells),
    page.width && page.width - indent,
  );
  const head = table.columns.map(({ heading }): CleanCell => ({ text: heading, tone: 'strong' }));
  return [head, ...cells]
    .flatMap((row) => linesOf(row, table.columns, widths))
    .map((row) => ' '.repeat(indent) + rowLine(row, table.columns, widths, page.style));
}

interface CleanCell {
  readonly text: string;
  readonly tone: Tone | undefined;
}

function clean(cell: Cell): CleanCell {
  return typeof cell === 'string'
    ? { text: printable(cell), tone: undefined }
    : { text: printable(cell.text), tone: cell.tone };
}

function naturalWidths(columns: readonly Heading[], rows: readonly (readonly CleanCell[])[]): number[] {
  return columns.map(({ heading }, index) =>
    rows.reduce(
      (widest, row) => Math.max(widest, displayWidth(row[index]?.text ?? '')),
      displayWidth(heading),
    ),
  );
}

/**
 * Widths that fit in `width` columns: the widest left-aligned column gives way first, down to its minimum. Where even the
 * minima are too wide, the lines stay too long: a table that wraps says more than one that hides a column.
 */
export function fitWidths(
  columns: readonly Heading[],
  natural: readonly number[],
  width: number | undefined,
): number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  let excess = widths.reduce((sum, one) => sum + one, gap * (widths.length - 1)) - width;
  for (; excess > 0; excess--) {
    const index = widestToCut(columns, widths);
    if (index === undefined) break;
    widths[index] = (widths[index] as number) - 1;
  }
  return widths;
}

function widestToCut(columns: readonly Heading[], widths: readonly number[]): number | undefined {
  let best: number | undefined;
  for (const [index, column] of columns.entries()) {
    const width = widths[index] as number;
    if (column.align === 'right' || width <= minimumOf(column)) continue;
    if (best === undefined || width > (widths[best] as number)) best = index;
  }
  return best;
}

function minimumOf({ heading, minimumWidth }: Heading): number {
  return Math.max(displayWidth(heading), minimumWidth ?? 8);
}

/** A row as rows of one line each. */
function linesOf(
  row: readonly CleanCell[],
  columns: readonly Heading[],
  widths: readonly number[],
): CleanCell[][] {
  const cells = row.map(({ text }, index) =>
    columns[index]?.wraps ? wrapToWidth(text, widths[index] as number) : [text],
  );
  const height = Math.max(1, ...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    row.map(({ tone }, index) => ({ text: cells[index]?.[line] ?? '', tone })),
  );
}

function rowLine(
  row: readonly CleanCell[],
  columns: readonly Heading[],
  widths: readonly number[],
  style: Style,
): string {
  const parts = row.map((cell, index) => {
    const width = widths[index] as number;
    const text = cutToWidth(cell.text, width);
    const padding = ' '.repeat(Math.max(0, width - displayWidth(text)));
    const painted = style.paint(cell.tone, text);
    return columns[index]?.align === 'right' ? padding + painted : painted + padding;
  });
  return parts.join(' '.repeat(gap)).trimEnd();
}
