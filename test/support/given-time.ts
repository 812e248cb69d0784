/** Elapsed time without what a machine below this one took away: a bound of milliseconds holds for the time there was. */
import { givenShare } from '../../scripts/bench/cpu-ticks.js';

/** Less than this is not believed: a bound must come to its end. */
const leastShare = 0.25;

/**
 * Begins now; the answer tells, each time it is called, the milliseconds since, less the share that the hypervisor below
 * gave to others. On a machine of one's own it is the elapsed time.
 */
export function givenTime(): () => number {
  const [begunMs, share] = [performance.now(), givenShare()];
  return () => Math.round((performance.now() - begunMs) * Math.max(share(), leastShare));
}
