/**
 * CPU sets in the kernel's list syntax with Nova's additions. `0-3,8` is the kernel's own (Documentation/admin-guide/
 * cputopology.rst); `^2` takes a CPU out again and `4-$` runs to the host's last CPU, as in Nova's `vcpu_pin_set`.
 */
import { invalid } from './errors.js';

/** CPU numbers, ascending, each once. */
export type CpuSet = readonly number[];

/** Highest CPU number accepted: the kernel's CONFIG_NR_CPUS tops out at 8192 on x86-64. */
export const maximumCpu = 8191;

const part = /^(\^)?(\d+)(?:-(\d+|\$))?$/;

/**
 * Reads a CPU set. `lastCpu` is the host's highest CPU number and gives `$` its meaning; without it `$` is refused.
 * An empty text is the empty set. Errors: `invalid-argument` naming `field`.
 */
export function parseCpuSet(text: string, field = 'CPU set', lastCpu?: number): number[] {
  const included = new Set<number>();
  const excluded = new Set<number>();
  for (const piece of splitPieces(text)) {
    const { from, to, exclude } = parsePiece(piece, text, field, lastCpu);
    for (let cpu = from; cpu <= to; cpu++) (exclude ? excluded : included).add(cpu);
  }
  return [...included].filter((cpu) => !excluded.has(cpu)).toSorted((a, b) => a - b);
}

function splitPieces(text: string): string[] {
  const trimmed = text.replaceAll('\0', '').trim();
  return trimmed === '' ? [] : trimmed.split(',').map((piece) => piece.trim());
}

function parsePiece(piece: string, text: string, field: string, lastCpu: number | undefined) {
  const match = part.exec(piece);
  if (!match) throw invalid(field, text, 'a CPU list such as 0-3,8 or 4-$ or 0-7,^2');
  if (match[3] === '$' && lastCpu === undefined)
    throw invalid(field, text, 'a list without $ (no host to take the last CPU from)');
  const from = Number(match[2]);
  const to = match[3] === undefined ? from : match[3] === '$' ? (lastCpu as number) : Number(match[3]);
  if (to > maximumCpu || from > maximumCpu) throw invalid(field, text, `CPU numbers up to ${maximumCpu}`);
  if (to < from)
    throw invalid(
      field,
      text,
      match[3] === '$' ? `a start up to the host's last CPU ${lastCpu}` : 'ranges that run upwards',
    );
  return { from, to, exclude: match[1] !== undefined };
}

/** The shortest kernel list of a set: `0-3,8`. The empty set is the empty text. */
export function formatCpuSet(cpus: Iterable<number>): string {
  const sorted = [...new Set(cpus)].sort((a, b) => a - b);
  const runs: string[] = [];
  for (let start = 0; start < sorted.length;) {
    let end = start;
    while (end + 1 < sorted.length && sorted[end + 1] === (sorted[end] as number) + 1) end++;
    runs.push(end === start ? `${sorted[start]}` : `${sorted[start]}-${sorted[end]}`);
    start = end + 1;
  }
  return runs.join(',');
}

/** A hexadecimal kernel mask (`ff,00000003`, comma every 32 bits, most significant first) as a set. */
export function parseCpuMask(text: string): number[] {
  const digits = text.replaceAll(/[\s,\0]|^0x/g, '');
  const cpus: number[] = [];
  for (let position = 0; position < digits.length; position++) {
    const nibble = Number.parseInt(digits[digits.length - 1 - position] as string, 16);
    for (let bit = 0; bit < 4; bit++) if (nibble & (1 << bit)) cpus.push(position * 4 + bit);
  }
  return cpus;
}

/** The CPUs of `a` that are in `b` too. */
export function intersectCpus(a: Iterable<number>, b: Iterable<number>): number[] {
  const other = new Set(b);
  return [...a].filter((cpu) => other.has(cpu));
}

/** The CPUs of `a` that are not in `b`. */
export function subtractCpus(a: Iterable<number>, b: Iterable<number>): number[] {
  const other = new Set(b);
  return [...a].filter((cpu) => !other.has(cpu));
}
