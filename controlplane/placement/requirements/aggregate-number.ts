/** A number that host aggregates may set in place of an option, such as `ram_allocation_ratio`. */
import type { Aggregate } from '../../model/aggregate.js';
import { AggregateMemo } from './aggregate-memo.js';

const absent = Symbol('absent');

/** Reads one key of the aggregates; values are not split on commas. */
export class AggregateNumber {
  readonly key: string;
  readonly #values: AggregateMemo<number | typeof absent>;

  /** `read`: the number of a text; undefined: it is none. */
  constructor(key: string, read: (text: string) => number | undefined) {
    this.key = key;
    this.#values = new AggregateMemo(({ metadata }) =>
      Object.hasOwn(metadata, key) ? (read(metadata[key] as string) ?? Number.NaN) : absent,
    );
  }

  /**
   * The smallest number that these aggregates give; undefined: none does, or one of them says what is no finite number, and
   * the option stands for the whole host.
   */
  of(aggregates: readonly Aggregate[]): number | undefined {
    let least = Infinity;
    for (let index = 0; index < aggregates.length; index++) {
      const value = this.#values.of(aggregates[index] as Aggregate);
      if (value === absent) continue;
      if (!Number.isFinite(value)) return undefined;
      if (value < least) least = value;
    }
    return least === Infinity ? undefined : least;
  }
}
