/** Waiting for a condition, with a deadline instead of a fixed sleep. */
import { setTimeout as sleep } from 'node:timers/promises';
import { givenTime } from './given-time.js';

/**
 * Asks `check` every 20 ms until it gives something true (not undefined, null, false, 0 or '') and answers that. Errors:
 * `message` with the last error of `check`, when this machine was given `deadlineMs`. A `check` that itself hangs is given up
 * as well.
 */
export async function until<T>(
  check: () => T | Promise<T>,
  deadlineMs: number,
  message: string,
): Promise<NonNullable<T>> {
  const given = givenTime();
  let last: unknown;
  while (given() < deadlineMs) {
    try {
      const value = await withDeadline(check, deadlineMs - given());
      if (value) return value;
      last = undefined;
    } catch (cause) {
      last = cause;
    }
    await sleep(20);
  }
  throw new Error(`${message} (waited ${deadlineMs} ms)`, last === undefined ? undefined : { cause: last });
}

async function withDeadline<T>(check: () => T | Promise<T>, remainingMs: number): Promise<T> {
  const stop = new AbortController();
  const late = sleep(Math.max(1, remainingMs), undefined, { signal: stop.signal }).then(
    () => Promise.reject(new Error('the check itself did not end')),
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([Promise.resolve().then(check), late]);
  } finally {
    stop.abort();
  }
}
