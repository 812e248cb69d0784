/** What a person sees of an answer: blocks of text, of named values and of rows, one under the other. */
import { printable } from './display-width.js';
import type { Tone } from './style.js';
import { tableLines, type Cell, type Page, type Table } from './table.js';
import { hang, wrapToWidth } from './wrap.js';

/** A named value. A cell of several lines is written as several pairs by the caller. */
export type Pair = readonly [name: string, value: Cell];

export type Block =
  | { readonly kind: 'text'; readonly text: string; readonly tone?: Tone }
  /** As it is, every byte: a script, a file. Only for text of our own. */
  | { readonly kind: 'verbatim'; readonly text: string }
  /** `wraps`: long values go on in the next line, for sentences; a command line must stay in one piece. */
  | {
      readonly kind: 'pairs';
      readonly title?: string;
      readonly pairs: readonly Pair[];
      readonly wraps?: true;
    }
  /** Sentences, one under the other. */
  | { readonly kind: 'list'; readonly title: string; readonly items: readonly string[] }
  /** `tone`: of the title. */
  | { readonly kind: 'table'; readonly title?: string; readonly tone?: Tone; readonly table: Table };

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
  const tone = (block.kind === 'table' ? block.tone : undefined) ?? 'strong';
  const title = block.title === undefined ? [] : [page.style.paint(tone, block.title)];
  const depth = block.title === undefined ? 0 : indent;
  if (block.kind === 'table') return [...title, ...tableLines(block.table, page, depth)];
  if (block.kind === 'list')
    return block.items.length === 0 ? [] : [...title, ...listLines(block.items, page)];
  const { pairs, wraps } = block;
  return pairs.length === 0
    ? []
    : [...title, ...pairLines(pairs, page, depth, wraps ? page.width : undefined)];
}

function listLines(items: readonly string[], { width }: Page): string[] {
  return items.flatMap((item) => hang(`${' '.repeat(indent)}- `, printable(item), width));
}

/** Values are not cut: they are what the person asked for. */
function pairLines(pairs: readonly Pair[], page: Page, depth: number, width: number | undefined): string[] {
  const nameWidth = Math.max(...pairs.map(([name]) => name.length));
  return pairs.flatMap(([name, value]) => {
    const { text, tone } = typeof value === 'string' ? { text: value, tone: undefined } : value;
    const moved = depth + nameWidth + 2;
    const lines = width === undefined ? [printable(text)] : wrapToWidth(printable(text), width - moved);
    return lines.map((line, index) =>
      `${' '.repeat(depth)}${page.style.paint('faint', (index === 0 ? name : '').padEnd(nameWidth))}  ${page.style.paint(tone, line)}`.trimEnd(),
    );
  });
}
