/** What one requirement says to values, each asked once: a fleet repeats a few values thousands of times. */

/** Values that are kept for one requirement while a request is decided. Where there are more, asking is as cheap. */
export const keptVerdicts = 256;

const nothing = Symbol('nothing');

/** `judge` with a memory. Values compare as keys of a Map: texts and numbers by value, objects by identity. */
export class Verdicts<Value, Verdict> {
  readonly #judge: (value: Value) => Verdict;
  readonly #known = new Map<Value, Verdict>();
  /** Neighbours are often of one kind: no look into the map then. */
  #last: Value | typeof nothing = nothing;
  #lastVerdict: Verdict | undefined;

  constructor(judge: (value: Value) => Verdict) {
    this.#judge = judge;
  }

  of(value: Value): Verdict {
    if (value === this.#last) return this.#lastVerdict as Verdict;
    const verdict = this.#known.get(value) ?? this.#ask(value);
    this.#last = value;
    this.#lastVerdict = verdict;
    return verdict;
  }

  #ask(value: Value): Verdict {
    const verdict = this.#judge(value);
    if (this.#known.size < keptVerdicts) this.#known.set(value, verdict);
    return verdict;
  }

  /** How many are kept. */
  get size(): number {
    return this.#known.size;
  }
}
