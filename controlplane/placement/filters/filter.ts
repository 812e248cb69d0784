/**
 * What a filter is. It is prepared once for a request and then says, in tests that run over columns, which rows pass; for
 * a row that does not pass it says why, so that explaining needs no second implementation.
 */
import type { Bits, Column } from '../../fleet/registry-columns.js';
import type { Columns } from '../../fleet/registry-resources.js';
import type { CheckedRequest } from '../../model/request.js';
import type { SchedulerSettings } from '../../model/scheduler-settings.js';

/** Rows pass where the column is at least `minimum`. */
export interface Threshold {
  readonly column: Column;
  readonly minimum: number;
}

/** What a filter leaves on a host for the claim: Nova's `HostState.limits`. MiB, threads, GiB. */
export interface Limits {
  readonly memoryMb?: number;
  readonly vcpus?: number;
  readonly diskGb?: number;
  readonly numa?: { readonly cpuAllocationRatio: number; readonly ramAllocationRatio: number };
}

/** A filter's tests for one request. A row passes when it passes every one of them. */
export interface PreparedFilter {
  /** The row is in each of these sets. Sets hold rows of hosts only. */
  readonly within?: readonly Bits[];
  /** The row is in none of these sets. */
  readonly without?: readonly Bits[];
  readonly atLeast?: readonly Threshold[];
  /** Asked last, of rows that passed all the rest: for rules that no column can hold. */
  readonly passes?: (row: number) => boolean;
  /** Limits for a row, where the filter leaves any. */
  readonly limitsOf?: (row: number) => Limits | undefined;
  /** Why a row that does not pass was refused: an index of the filter's `reasons`. */
  reasonOf(row: number): number;
  /** The refusal of a row in words, with units. */
  wordsOf(row: number): RefusalWords;
}

/** A filter that asks nothing of any host for this request. */
export const asksNothing: PreparedFilter = {
  reasonOf: () => 0,
  wordsOf: () => ({ observed: '', wanted: '' }),
};

export interface RefusalWords {
  /** What the host has: `1536 MiB free of 4096 MiB`. */
  readonly observed: string;
  /** What the request wants: `2048 MiB`. */
  readonly wanted: string;
}

/** A rule that hosts must pass. */
export interface Filter {
  /** Nova's name of it. */
  readonly name: string;
  /** Stable codes of why it refuses, most basic first. */
  readonly reasons: readonly string[];
  /** Nova's `run_filter_once_per_request`: of the servers of one request only the first is asked. */
  readonly isOncePerRequest?: boolean;
  /**
   * Tests for a request; the empty object where it asks nothing of any host. It sees columns and arguments only, and may
   * keep neither. Errors: `invalid-argument` where Nova fails the whole request.
   */
  prepare(request: CheckedRequest, columns: Columns, settings: SchedulerSettings): PreparedFilter;
}

/** A refusal as the wire has it. */
export interface Refusal extends RefusalWords {
  readonly filter: string;
  readonly reason: string;
}

/** Why `filter` refused a row. */
export function refusalOf(filter: Filter, prepared: PreparedFilter, row: number): Refusal {
  const reason = filter.reasons[prepared.reasonOf(row)] as string;
  return { filter: filter.name, reason, ...prepared.wordsOf(row) };
}
