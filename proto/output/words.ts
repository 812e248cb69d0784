/** Words of the contract for people: states with the tone that underlines them, and the sign for nothing. */
import type { Tone } from './style.js';
import type { Cell } from './table.js';

/** What stands where there is nothing. */
export const nothing = '-';

/** The text, or the sign for nothing. */
export function orNothing(text: string): string {
  return text === '' ? nothing : text;
}

const tones: Readonly<Record<string, Tone>> = {
  // Liveness of a host.
  up: 'good',
  down: 'bad',
  'never-seen': 'warning',
  // How a host, or a setting, stands to its profile.
  'in-sync': 'good',
  changed: 'good',
  drifted: 'warning',
  applying: 'warning',
  pending: 'warning',
  held: 'warning',
  deferred: 'warning',
  'plan-only': 'warning',
  failed: 'bad',
  unmanaged: 'faint',
  unsupported: 'faint',
  // Who has a setting that two programs write.
  owns: 'warning',
  'taken-over': 'good',
  respected: 'faint',
  absent: 'faint',
  // Conditions, operations, domains.
  ok: 'good',
  degraded: 'warning',
  failing: 'bad',
  unknown: 'warning',
  done: 'good',
  running: 'good',
  paused: 'warning',
  crashed: 'bad',
  blocked: 'warning',
};

/** A word of the contract with its tone; a word that this build does not know has none. */
export function word(state: string): Cell {
  return { text: orNothing(state), tone: Object.hasOwn(tones, state) ? tones[state] : undefined };
}
