/** A simulation in turns: others have theirs in between, and it ends when its budget is used up. */
import type { SimulateRequest } from '../../../proto/gen/drover/v1/SimulateRequest.js';
import type { SimulateResponseInput } from '../../../proto/gen/drover/v1/SimulateResponse.js';
import { DroverError } from '../../../proto/wire/errors.js';
import { simulation, type SimulationParts } from './simulate.js';

export interface Turns {
  /** Milliseconds that only grow. */
  readonly now: () => number;
  /** Lets others have their turn. */
  readonly pause: () => Promise<void>;
  /** Longest turn, and longest work in all. */
  readonly turnMs: number;
  readonly budgetMs: number;
}

/** The simulation in turns. Errors: also `resource-exhausted` when its budget is used up. */
export async function simulateInTurns(
  parts: SimulationParts,
  request: SimulateRequest,
  { now, pause, turnMs, budgetMs }: Turns,
): Promise<SimulateResponseInput> {
  const running = simulation(parts, request);
  let spentMs = 0;
  for (let start = now(); ;) {
    const { done, value } = running.next();
    if (done) return value;
    const elapsedMs = now() - start;
    if (elapsedMs < turnMs) continue;
    spentMs += elapsedMs;
    if (spentMs > budgetMs)
      throw new DroverError(
        'resource-exhausted',
        `the simulation took more than ${budgetMs} ms; ask for less`,
      );
    await pause();
    start = now();
  }
}
