/** How long turns take that are taken so many at once. Pure. */

export interface ScheduledTurn {
  readonly beginMs: number;
  readonly endMs: number;
}

/** Begin and end of each turn, in milliseconds from the begin of all: `parallel` at once, in the order given. */
export function turnsOf(lengthsMs: readonly number[], parallel: number): readonly ScheduledTurn[] {
  const free = Array.from({ length: Math.min(parallel, lengthsMs.length) }, () => 0);
  return lengthsMs.map((ms) => {
    const beginMs = Math.min(...free);
    const endMs = beginMs + ms;
    free[free.indexOf(beginMs)] = endMs;
    return { beginMs, endMs };
  });
}

/** When the last turn ends. Turns that are shorter end no later, as nobody waits for anybody but for a place. */
export function lengthMs(lengthsMs: readonly number[], parallel: number): number {
  return turnsOf(lengthsMs, parallel).reduce((last, { endMs }) => Math.max(last, endMs), 0);
}
