/** Texts that many allocations have alike, each held once. Bounded: beyond `most`, each holds its own. */
export class SharedTexts {
  readonly #texts = new Map<string, string>();
  readonly #most: number;

  constructor(most = 50_000) {
    this.#most = most;
  }

  get size(): number {
    return this.#texts.size;
  }

  /** A text that equals `text`. */
  of(text: string): string {
    if (text === '') return '';
    const known = this.#texts.get(text);
    if (known === undefined && this.#texts.size < this.#most) this.#texts.set(text, text);
    return known ?? text;
  }
}
