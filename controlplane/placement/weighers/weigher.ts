/** What a weigher is: a column whose raw values rank hosts, normalised and multiplied as Nova's `weights.py` does. */
import type { DroverError } from '../../../proto/wire/errors.js';
import type { Column } from '../../fleet/registry-columns.js';
import type { Columns } from '../../fleet/registry-resources.js';
import type { CheckedRequest } from '../../model/request.js';
import type { SchedulerSettings } from '../../model/scheduler-settings.js';

/** What a weigher weighs for one request. */
export interface PreparedWeigher {
  /** Raw values by row; higher is better under a positive multiplier. */
  readonly column: Column;
  /**
   * Nova's `minval`: lower raw values count as this one, and normalising starts here and not at the lowest value found.
   * undefined: from the lowest to the highest value found.
   */
  readonly floor: number | undefined;
  /** Where Nova fails the request over a host that cannot be weighed: its raw value is Infinity, and this is the error. */
  readonly unweighable?: () => DroverError;
}

export interface Weigher {
  /** Nova's name of it. */
  readonly name: string;
  /** Nova's option for its multiplier; an aggregate's metadata under the same name overrides it for its hosts. */
  readonly multiplierKey: string;
  /** Nova's default of the multiplier. */
  readonly multiplier: number;
  /** Nova negates the multiplier, the option's and an aggregate's, as BuildFailureWeigher does. */
  readonly isNegated?: boolean;
  /** undefined: every host weighs the same for this request. */
  prepare(
    request: CheckedRequest,
    columns: Columns,
    settings: SchedulerSettings,
  ): PreparedWeigher | undefined;
}
