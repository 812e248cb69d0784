/** What an earlier stage, whose owner could not end it, had begun with a guest. Pure. */
import type { Stage } from '../guest.js';
import type { StopGuest } from './stop-guest.js';

export interface Begun {
  readonly step: 'asked' | 'saving' | 'powering-off' | 'left';
  readonly sinceMs: number;
}

/**
 * A grace that ended longer ago than this counts no longer: the guest is asked anew. The second line of a shutdown comes
 * after seconds, a restarted agent after a minute; what comes later is another stop.
 */
export const keptForMs = 300_000;

/** How far an earlier stop was with this start of the guest; undefined: it is to be begun with. */
export function begunOf(guest: StopGuest, earlier: Stage | undefined, nowMs: number): Begun | undefined {
  const standing = earlier?.guests.find(({ uuid, id }) => uuid === guest.uuid && id === guest.id);
  if (earlier?.kind !== 'stop' || !standing) return undefined;
  const { state } = standing;
  if (state !== 'asked' && state !== 'saving' && state !== 'powering-off' && state !== 'left')
    return undefined;
  // A begin that lies ahead is a clock that was set back: the grace is given in full.
  const sinceMs = Math.min(standing.sinceMs, nowMs);
  const lastedMs = state === 'asked' ? guest.policy.graceMs : 0;
  return nowMs - sinceMs > lastedMs + keptForMs ? undefined : { step: state, sinceMs };
}
