/** What a person sees of an answer: blocks of text, of named values and of rows, one under the other. */
import { printable } from './display-width.js';
import type { Tone } from './style.js';
import { tableLines, type Cell, type Page, type Table } from './table.js';

/** A named value. A cell of several lines is written as several pairs by the caller. */
export type Pair = readonly [name: string, value: Cell];

export type Block =
  | { readonly kind: 'text'; readonly text: string; readonly tone?: Tone }
  /** As it is, every byte: a script, a file. Only for text of our own. */
  | { readonly kind: 'verbatim'; readonly text: string }
  | { readonly kind: 'pairs'; readonly title?: string; readonly pairs: readonly Pair[] }
  | { readonly kind: 'table'; readonly title?: string; readonly table: Table };

/** Blocks in order, an empty line between two. */
export type View = readonly Block[];

/** Columns by which what stands under a title is moved in. */
const indent = 2;

/** The view as text that ends in a newline; an empty view is the empty text. */
export function renderView(view: View, page: Page): string {
  const blocks = view.map((block) => blockLines(block, page)).filter((lines) => lines.length > 0);
  return blocks.map((lines) => `${lines.join('\n')}\n`).join('\n');
}

function blockLines(block: Block, page: Page): string[] {
  if (block.kind === 'verbatim') return block.text.replace(/\n$/, '').split('\n');
  if (block.kind === 'text')
    return block.text.split('\n').map((line) => page.style.paint(block.tone, printable(line)));
  const title = block.title === undefined ? [] : [page.style.paint('strong', block.title)];
  const depth = block.title === undefined ? 0 : indent;
  if (block.kind === 'table') return [...title, ...tableLines(block.table, page, depth)];
  return block.pairs.length === 0 ? [] : [...title, ...pairLines(block.pairs, page, depth)];
}

/** Values are not cut: they are what the person asked for. */
function pairLines(pairs: readonly Pair[], page: Page, depth: number): string[] {
  const nameWidth = Math.max(...pairs.map(([name]) => name.length));
  return pairs.map(([name, value]) => {
    const { text, tone } = typeof value === 'string' ? { text: value, tone: undefined } : value;
    return `${' '.repeat(depth)}${page.style.paint('faint', name.padEnd(nameWidth))}  ${page.style.paint(tone, printable(text))}`.trimEnd();
  });
}
