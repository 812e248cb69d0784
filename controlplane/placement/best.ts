/** The best few of many, kept in order while they come. */

export interface Ranking {
  /** Best first. */
  readonly rows: Uint32Array;
  /** By place in `rows`. */
  readonly weights: Float64Array;
}

/** At most `count` rows: by weight, equal weights by row, whatever the order in which they come. */
export class Best {
  readonly #rows: Uint32Array;
  readonly #weights: Float64Array;
  #length = 0;
  /** Once full: weight and row of the last one. Before: bounds that any row gets past. */
  least: number;
  leastRow: number;

  constructor(count: number) {
    this.#rows = new Uint32Array(count);
    this.#weights = new Float64Array(count);
    this.least = count === 0 ? Infinity : -Infinity;
    this.leastRow = count === 0 ? -1 : Infinity;
  }

  /** True when a row would be among the best. */
  admits(row: number, weight: number): boolean {
    return weight > this.least || (weight === this.least && row < this.leastRow);
  }

  /** True when the row is kept. */
  has(row: number): boolean {
    for (let place = 0; place < this.#length; place++) if (this.#rows[place] === row) return true;
    return false;
  }

  /** Takes in a row that `admits` lets in; the last one falls out when there are too many. */
  insert(row: number, weight: number): void {
    const place = this.#placeOf(row, weight);
    const end = Math.min(this.#length, this.#rows.length - 1);
    this.#makeRoom(place, end);
    this.#rows[place] = row;
    this.#weights[place] = weight;
    this.#length = end + 1;
    if (this.#length < this.#rows.length) return;
    this.least = this.#weights[end] as number;
    this.leastRow = this.#rows[end] as number;
  }

  /** Takes a row out, if it is kept. What was left out before stays out: `least` is what it was. */
  remove(row: number): void {
    const place = this.#rows.subarray(0, this.#length).indexOf(row);
    if (place < 0) return;
    this.#rows.copyWithin(place, place + 1, this.#length);
    this.#weights.copyWithin(place, place + 1, this.#length);
    this.#length--;
  }

  /** How many rows are kept. */
  get length(): number {
    return this.#length;
  }

  /** The rows of the best `count` that are kept. */
  top(count: number): number[] {
    const rows: number[] = [];
    for (let place = 0; place < count && place < this.#length; place++)
      rows.push(this.#rows[place] as number);
    return rows;
  }

  /** What is kept now. */
  ranking(): Ranking {
    if (this.#length === this.#rows.length) return { rows: this.#rows, weights: this.#weights };
    return { rows: this.#rows.subarray(0, this.#length), weights: this.#weights.subarray(0, this.#length) };
  }

  /** Moves what stands from `place` on by one. A call into the engine pays only for long moves. */
  #makeRoom(place: number, end: number): void {
    if (end - place > 64) {
      this.#rows.copyWithin(place + 1, place, end);
      this.#weights.copyWithin(place + 1, place, end);
      return;
    }
    for (let index = end; index > place; index--) {
      this.#rows[index] = this.#rows[index - 1] as number;
      this.#weights[index] = this.#weights[index - 1] as number;
    }
  }

  #placeOf(row: number, weight: number): number {
    let low = 0;
    let high = this.#length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.#weights[middle] as number;
      if (other > weight || (other === weight && (this.#rows[middle] as number) < row)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
