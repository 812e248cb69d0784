/** Text in lines of a width: what must not be cut, such as a reason, is wrapped. Pure. */
import { cutToWidth, displayWidth } from './display-width.js';

/** The text in lines of at most `width` columns, broken at blanks; a word that is wider itself is broken where it must. */
export function wrapToWidth(text: string, width: number): string[] {
  if (width < 2 || displayWidth(text) <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((one) => pieces(one, width))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (displayWidth(longer) <= width) line = longer;
    else {
      if (line !== '') lines.push(line);
      line = word;
    }
  }
  return [...lines, line];
}

/** The text in lines of at most `width` columns; the first after `lead`, the others moved in as far. */
export function hang(lead: string, text: string, width: number | undefined): string[] {
  const lines = width === undefined ? [text] : wrapToWidth(text, width - lead.length);
  return lines.map((line, index) => (index === 0 ? lead : ' '.repeat(lead.length)) + line);
}

function pieces(word: string, width: number): string[] {
  if (displayWidth(word) <= width) return [word];
  // One column more, because the cut would end in its sign.
  const piece = cutToWidth(`${word}  `, width + 1).slice(0, -1);
  return [piece, ...pieces(word.slice(piece.length), width)];
}
