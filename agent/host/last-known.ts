/**
 * A value that something outside gives, and may fail or take too long to give: then the last one counts. A read that hangs
 * (a network file system, a bus) is not begun a second time, so it costs one thread at most.
 */
import { setTimeout as sleep } from 'node:timers/promises';

export interface LastKnown<Value> {
  /** The fresh value, or the last known one where none came in time. Never throws. */
  read(): Promise<Value>;
  /** Why the last read gave no fresh value; undefined: it did. */
  readonly fault: string | undefined;
}

/** `initial` counts until a first read succeeds. */
export function lastKnown<Value>(
  ask: () => Promise<Value>,
  initial: Value,
  deadlineMs: number,
): LastKnown<Value> {
  let known = initial;
  let fault: string | undefined;
  let pending: Promise<void> | undefined;
  const begin = async (): Promise<void> => {
    try {
      known = await ask();
      fault = undefined;
    } catch (thrown) {
      fault = (thrown as Error).message;
    } finally {
      pending = undefined;
    }
  };
  return {
    read: async () => {
      const late = new AbortController();
      const deadline = sleep(deadlineMs, undefined, { signal: late.signal }).then(
        () => void (fault = `no answer within ${deadlineMs} ms`),
        () => undefined,
      );
      await Promise.race([(pending ??= begin()), deadline]);
      late.abort();
      return known;
    },
    get fault() {
      return fault;
    },
  };
}
