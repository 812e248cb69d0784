/** Colour for terminals. Colour only underlines a word that says the same, so output without colour loses nothing. */
import { styleText } from 'node:util';

/** What a colour stands for. */
export type Tone = 'good' | 'warning' | 'bad' | 'faint' | 'strong';

export interface Style {
  readonly colour: boolean;
  /** `text` in the colour of `tone`, or as it is when colour is off or there is no tone. */
  paint(tone: Tone | undefined, text: string): string;
}

export interface StyleConditions {
  /** Whether the text goes to a terminal. */
  readonly isTerminal: boolean;
  /** Environment: NO_COLOR (no-color.org), FORCE_COLOR and TERM are looked at. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

const formats = { good: 'green', warning: 'yellow', bad: 'red', faint: 'gray', strong: 'bold' } as const;

/** A style that never colours. */
export const plainStyle: Style = { colour: false, paint: (_tone, text) => text };

const colouredStyle: Style = {
  colour: true,
  // The stream was judged already; Node must not judge its own stdout again.
  paint: (tone, text) =>
    tone === undefined || text === '' ? text : styleText(formats[tone], text, { validateStream: false }),
};

/** Colour on a terminal, unless the environment says otherwise. */
export function createStyle(conditions: StyleConditions): Style {
  return wantsColour(conditions) ? colouredStyle : plainStyle;
}

/** FORCE_COLOR decides before NO_COLOR, as in Node itself; `0` and `false` force it off. An empty variable is not set. */
export function wantsColour({ isTerminal, env }: StyleConditions): boolean {
  const force = env['FORCE_COLOR'];
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false';
  if (env['NO_COLOR'] !== undefined && env['NO_COLOR'] !== '') return false;
  return isTerminal && env['TERM'] !== 'dumb';
}
