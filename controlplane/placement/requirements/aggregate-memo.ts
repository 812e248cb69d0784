/** What one request makes of each host aggregate, worked out once: thousands of hosts share a few aggregates. */
import type { Aggregate } from '../../model/aggregate.js';

/** Holds one value for each aggregate of the fleet at most, for as long as the request is decided. */
export class AggregateMemo<Value> {
  readonly #read: (aggregate: Aggregate) => Value;
  /** By the metadata: hosts share that even where each has an Aggregate of its own. */
  readonly #known = new Map<Aggregate['metadata'], Value>();

  constructor(read: (aggregate: Aggregate) => Value) {
    this.#read = read;
  }

  of(aggregate: Aggregate): Value {
    const known = this.#known.get(aggregate.metadata);
    if (known !== undefined) return known;
    const value = this.#read(aggregate);
    this.#known.set(aggregate.metadata, value);
    return value;
  }
}
