/** Units: bytes and ratios on the wire and in code, MiB and GiB only where a person reads or writes. */
import { invalid } from './errors.js';

const factors: Record<string, number> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50,
};

/** Reads `8GiB`, `512 MiB`, `1G`, `4096` as bytes (binary multiples). Errors: `invalid-argument`. */
export function parseBytes(text: string, field = 'size'): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgtp]?)(?:i?b)?$/i.exec(text.trim());
  const bytes = match
    ? Number(match[1]) * (factors[(match[2] as string).toLowerCase()] as number)
    : Number.NaN;
  if (!Number.isSafeInteger(bytes))
    throw invalid(field, text, 'a whole number of bytes such as 8GiB, 512MiB or 1073741824');
  return bytes;
}

/** Bytes for a person: `512 MiB`, `7.8 GiB`. Below 10 with one decimal unless it is whole. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const rounded =
    Math.abs(value) >= 100 || Number.isInteger(value) ? Math.round(value) : Math.round(value * 10) / 10;
  return `${rounded} ${units[unit]}`;
}

/** A span for a person: `420 ms`, `12 s`, `3 min`, `5 h`, `2 d`. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.round(milliseconds)} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
