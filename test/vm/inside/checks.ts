/** Counts what held and what did not, and says each in one line with the time. */
import { isDeepStrictEqual } from 'node:util';

export class Checks {
  readonly #begin = performance.now();
  #passed = 0;
  #failed = 0;

  /** Passes when both are deeply equal. */
  equal(what: string, got: unknown, want: unknown): void {
    this.ok(what, isDeepStrictEqual(got, want), `got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
  }

  /** Passes when `holds`; `detail` is shown always when it is short, and on failure in full. */
  ok(what: string, holds: boolean, detail = ''): void {
    if (holds) this.#passed++;
    else this.#failed++;
    this.say(`${holds ? 'ok  ' : 'FAIL'} ${what}${detail !== '' && !holds ? `: ${detail}` : ''}`);
  }

  /** A line that is no check. */
  say(text: string): void {
    const seconds = ((performance.now() - this.#begin) / 1000).toFixed(1).padStart(6);
    console.log(`${seconds} s  ${text}`);
  }

  /** Runs one part and says how long it took. What it throws fails one check and leaves the other parts alone. */
  async part(name: string, work: () => Promise<void>): Promise<void> {
    const begin = performance.now();
    this.say(`---- ${name}`);
    try {
      await work();
    } catch (error) {
      this.ok(`${name} runs to its end`, false, (error as Error).stack ?? String(error));
    }
    this.say(`---- ${name}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  }

  get result(): string {
    return `${this.#passed} passed, ${this.#failed} failed`;
  }
}
