/** How long to wait before another try. */

/**
 * Milliseconds before try number `attempt` (0 is the first repetition): doubles from `firstMs` to `longestMs`, with a
 * jitter of ±25 % so that a fleet does not come back in step. `random`: 0 ≤ r < 1.
 */
export function backoffMs(
  attempt: number,
  limits: { firstMs: number; longestMs: number },
  random: number,
): number {
  const base = Math.min(limits.longestMs, limits.firstMs * 2 ** Math.min(attempt, 30));
  return base * (0.75 + random / 2);
}
