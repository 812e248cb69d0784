/** Texts that several views share: sizes, ages, counts. */
import { nothing, orNothing } from '../../../proto/output/words.js';
import { formatDuration } from '../../../proto/wire/units.js';

/** `ms` since 1970 as `2026-11-22 02:14:04Z`; 0: nothing. */
export function timestamp(unixMs: number): string {
  return unixMs === 0 ? nothing : `${new Date(unixMs).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** How long ago, as `3 min`; 0: nothing. A clock that is ahead of ours counts as now. */
export function age(unixMs: number, nowMs: number): string {
  return unixMs === 0 ? nothing : formatDuration(Math.max(0, nowMs - unixMs));
}

/** A number with at most one decimal: `4`, `1.5`. */
export function decimal(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** `×4`, or nothing at 1: only an overcommit is worth a sign. */
export function times(ratio: number): string {
  return ratio === 1 || ratio === 0 ? '' : `×${Math.round(ratio * 100) / 100}`;
}

/** Used and total bytes in the unit of the total: `96/252 GiB`. */
export function bytesOf(usedBytes: number, totalBytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const step = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, totalBytes)) / 10)));
  const shown = (bytes: number) => {
    const value = bytes / 1024 ** step;
    return value >= 100 ? String(Math.round(value)) : decimal(value);
  };
  return `${shown(usedBytes)}/${shown(totalBytes)} ${units[step]}`;
}

/** A map as `a=1, b=2`, sorted by key. */
export function mapText(map: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(map).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return orNothing(pairs.map(([key, value]) => `${key}=${value}`).join(', '));
}

/** `1 host`, `3 hosts`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** A profile with its revision: `ksm-on@3`. */
export function profileText(name: string, revision: number): string {
  return name === '' ? nothing : `${name}@${revision}`;
}
