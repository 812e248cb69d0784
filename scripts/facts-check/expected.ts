/** The form of `expected.json` of a captured host, and what a comparison answers. */

export interface ExpectedCell {
  readonly id: number;
  readonly cpus?: number[];
  readonly memory_kib?: number;
  readonly hugepages?: ExpectedPool[];
  readonly distances?: Record<string, number>;
}

export interface ExpectedPool {
  readonly size_kib: number;
  readonly total: number;
}

export interface ExpectedCache {
  readonly level: number;
  readonly type: string;
  readonly size_kib: number;
  readonly instances: number;
}

export interface ExpectedCacheSample {
  readonly cpu: number;
  readonly index: number;
  readonly [field: string]: unknown;
}

export interface ExpectedBlockDevice {
  readonly name: string;
  readonly [field: string]: unknown;
}

/** Fields of both forms: a host, and (with `mode`) a cgroup layout. One that is absent is not known and not compared. */
export type Expected = Record<string, unknown>;

export interface Disagreement {
  readonly machine: string;
  readonly field: string;
  readonly expected: unknown;
  readonly got: unknown;
}

/** A field that the tree has no file for: neither agreement nor disagreement. */
export interface Untold {
  readonly machine: string;
  readonly field: string;
  readonly expected: unknown;
  readonly reason: string;
}

/** One field compared. */
export interface Comparison {
  readonly field: string;
  readonly expected: unknown;
  readonly got: unknown;
  /** Set where the tree holds no file that could say it. */
  readonly untold?: string;
}

/** Deep equality of JSON values; the order of keys does not count, and undefined is null as JSON has it. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null)
    return (a ?? null) === (b ?? null);
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => key in right && sameJson(left[key], right[key]))
  );
}
