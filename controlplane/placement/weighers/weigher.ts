/** What a weigher is: a column whose raw values rank hosts, normalised and multiplied as Nova's `weights.py` does. */
import type { Column } from '../../fleet/registry-columns.js';
import type { Columns } from '../../fleet/registry-resources.js';
import type { CheckedRequest } from '../../model/request.js';

/** What a weigher weighs for one request. */
export interface PreparedWeigher {
  /** Raw values by row; higher is better under a positive multiplier. */
  readonly column: Column;
  /**
   * Nova's `minval`: lower raw values count as this one, and normalising starts here and not at the lowest value found.
   * undefined: from the lowest to the highest value found.
   */
  readonly floor: number | undefined;
}

export interface Weigher {
  /** Nova's name of it. */
  readonly name: string;
  /** Nova's option for its multiplier; an aggregate's metadata under the same name overrides it for its hosts. */
  readonly multiplierKey: string;
  prepare(request: CheckedRequest, columns: Columns): PreparedWeigher;
}

/** A weigher in use. A negative multiplier turns spreading into packing. */
export interface WeigherInUse {
  readonly weigher: Weigher;
  readonly multiplier: number;
}
