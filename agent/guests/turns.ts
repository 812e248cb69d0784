/** One piece of work after another; what waits or runs can be cancelled. */
import { DroverError } from '../../proto/wire/errors.js';

interface Turn {
  readonly id: string;
  readonly ending: AbortController;
}

/** Most that wait: the control plane asks one thing of a host at a time, and people type slowly. */
export const maximumTurns = 64;

export class Turns {
  readonly #turns = new Set<Turn>();
  #tail: Promise<unknown> = Promise.resolve();

  /**
   * What the work answers, when its turn has come and it has ended. Errors: `unavailable` where it was cancelled before that;
   * `resource-exhausted` beyond `maximumTurns`.
   */
  take<Result>(id: string, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    if (this.#turns.size >= maximumTurns)
      return Promise.reject(
        new DroverError('resource-exhausted', `${maximumTurns} stops and starts of guests wait already`),
      );
    const turn = { id, ending: new AbortController() };
    const { signal } = turn.ending;
    this.#turns.add(turn);
    const mine = this.#tail
      .then(() => {
        if (signal.aborted)
          throw new DroverError('unavailable', `cancelled: ${(signal.reason as Error).message}`);
        return work(signal);
      })
      .finally(() => this.#turns.delete(turn));
    this.#tail = mine.catch(() => undefined);
    return mine;
  }

  /** All, or those with this id. */
  cancel(reason: string, id?: string): void {
    for (const turn of this.#turns)
      if (id === undefined || turn.id === id) turn.ending.abort(new Error(reason));
  }

  /** Done when nothing runs or waits. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}
