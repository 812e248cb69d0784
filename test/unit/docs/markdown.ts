/** What a page says: links, tables, commands. Every check of the docs is a function over such text. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A page without its fenced blocks and comments, so that examples are not taken for links. */
export function prose(text: string): string {
  return text.replaceAll(/^```[^]*?^```/gm, '').replaceAll(/<!--[^]*?-->/g, '');
}

/** Relative links of a page that lead nowhere, `FILE: LINK`. `page` and the answer are paths below `root`. */
export function deadLinks(root: string, page: string, text: string): string[] {
  const targets = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string);
  const relative = targets.filter((target) => !/^([a-z]+:|#)/.test(target));
  return relative
    .filter((target) => !existsSync(join(root, dirname(page), target.split('#')[0] as string)))
    .map((target) => `${page}: ${target}`);
}

/** Targets that a page tells a reader to make: `make NAME` in code, in a line or a block. */
export function makeTargets(text: string): string[] {
  return [...text.matchAll(/(?:`|^\s*(?:\$ )?)make ([a-z][a-z0-9-]*)/gm)].map((match) => match[1] as string);
}

/** Commands of one program in code: `drover host list` gives [host, list]; options and values are left out. */
export function commandsOf(program: string, text: string): string[][] {
  const line = new RegExp(`(?:\`|^\\s*(?:[$#] )?|sudo )${program}((?: [a-z][a-z-]*)+)`, 'gm');
  return [...text.matchAll(line)].map((match) => (match[1] as string).trim().split(' '));
}

/** Cells of every table row below a heading, up to the next heading; without header and rule. */
export function rowsBelow(text: string, heading: string): string[][] {
  const lines = text.split('\n');
  const from = lines.findIndex((line) => /^#+ /.test(line) && line.includes(heading));
  const rest = lines.slice(from + 1);
  const to = rest.findIndex((line) => /^#+ /.test(line));
  const rows = (to < 0 ? rest : rest.slice(0, to)).filter((line) => line.startsWith('|'));
  return from < 0 ? [] : rows.slice(2).map(cells);
}

function cells(row: string): string[] {
  return row
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim());
}

/** The text between backticks at the start of a cell; the cell itself where there are none. */
export function coded(cell: string | undefined): string {
  return /^`([^`]*)`/.exec(cell ?? '')?.[1] ?? cell ?? '';
}
