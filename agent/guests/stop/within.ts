/** A call that is waited for only so long. */
import { asDroverError, type DroverError } from '../../../proto/wire/errors.js';
import type { Clock } from './clock.js';

export type Outcome<Value> =
  | { readonly kind: 'done'; readonly value: Value }
  | { readonly kind: 'failed'; readonly error: DroverError }
  /** No answer in time, or the signal came first: nothing is known of it, and its answer no longer counts. */
  | { readonly kind: 'late' };

/** What becomes of `call` within `ms`, or until `signal` is aborted. Never fails. */
export async function within<Value>(
  call: () => Promise<Value>,
  ms: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<Outcome<Value>> {
  const settled = new AbortController();
  const either = signal ? AbortSignal.any([settled.signal, signal]) : settled.signal;
  const late = clock.sleep(ms, either).then((): Outcome<Value> => ({ kind: 'late' }));
  const answer = outcomeOf(call);
  const outcome = await Promise.race([answer, late]);
  settled.abort();
  return outcome;
}

/** How a call ended, good or bad. Never fails. */
export async function outcomeOf<Value>(call: () => Promise<Value>): Promise<Outcome<Value>> {
  try {
    return { kind: 'done', value: await call() };
  } catch (thrown) {
    return { kind: 'failed', error: asDroverError(thrown) };
  }
}
