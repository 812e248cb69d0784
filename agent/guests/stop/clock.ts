/** Time as the stop of guests sees it: an argument, so that a test runs hours of it in milliseconds. */

export interface Clock {
  /** Unix milliseconds by a clock that goes forward evenly: setting the host's time does not move it. */
  now(): number;
  /** Done after `ms`, or as soon as the signal is aborted. Never fails. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The time of day of this call, counted on by the monotonic clock. */
export function steadyClock(): Clock {
  const base = Date.now() - performance.now();
  return { now: () => base + performance.now(), sleep };
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end, { once: true });
  });
}
