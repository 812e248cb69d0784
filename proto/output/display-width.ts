/** How many columns of a terminal a text takes: its width on screen, not its length in UTF-16 units. */

/** Code points that a terminal draws two columns wide: Unicode UAX #11, classes W and F, as ranges in ascending order. */
const wideRanges: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x17000, 0x18d08],
  [0x1b000, 0x1b2ff],
  [0x20000, 0x3fffd],
];

const emoji = /\p{Emoji_Presentation}|\uFE0F/u;
const widthless = /^[\p{Mark}\p{Format}]+$/u;
const plain = /^[\x20-\x7e]*$/;

/** Columns that `text` takes on a terminal. Control characters must be gone: see `printable`. */
export function displayWidth(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const cluster of clusters(text)) width += clusterWidth(cluster);
  return width;
}

/** `text` in at most `width` columns; what does not fit gives way to `…`. A width below 1 gives the empty text. */
export function cutToWidth(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width < 1) return '';
  let kept = '';
  let used = 1;
  for (const cluster of clusters(text)) {
    used += clusterWidth(cluster);
    if (used > width) break;
    kept += cluster;
  }
  return `${kept}…`;
}

/**
 * `text` on one line and harmless: white space becomes a space, every other control character `�`. Names of domains and
 * messages come from elsewhere and must not be able to drive the terminal.
 */
export function printable(text: string): string {
  if (plain.test(text)) return text;
  return text
    .replaceAll(/[\t\n\r\v\f\u2028\u2029]+/g, ' ')
    .replaceAll(/[\p{Control}\u202a-\u202e\u2066-\u2069]/gu, '�');
}

function* clusters(text: string): Generator<string> {
  for (const { segment } of new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text))
    yield segment;
}

function clusterWidth(cluster: string): number {
  if (widthless.test(cluster)) return 0;
  if (emoji.test(cluster)) return 2;
  return isWide(cluster.codePointAt(0) as number) ? 2 : 1;
}

function isWide(codePoint: number): boolean {
  return wideRanges.some(([from, to]) => codePoint >= from && codePoint <= to);
}
