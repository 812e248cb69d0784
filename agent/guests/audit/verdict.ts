/** What is to be done about a suspect, and why not more. Pure. */
import type { DeletedAction } from '../../../proto/wire/guest-settings.js';
import type { Suspect } from './compare.js';
import type { Sighting } from './memory.js';
import type { Held } from './quarantine.js';

export type Step = 'wait' | 'log' | 'hold' | 'shut-down' | 'quarantine' | 'power-off';

export interface Verdict {
  readonly step: Step;
  /** Why it is held, in words; empty: for nothing. */
  readonly reason: string;
}

export interface Rule {
  readonly action: DeletedAction;
  /** How long it must have been suspect; for `reap` again from the quarantine on. */
  readonly ageMs: number;
}

/** Times are of the monotonic clock. */
export interface Circumstances {
  readonly sighting: Sighting;
  readonly nowMs: number;
  readonly isMigrating: boolean;
  /** Undefined: this agent did not suspend it. */
  readonly quarantined: Held | undefined;
}

/** Passes in which something must have been found before anything is done. */
export const leastPasses = 2;

/** Sources that must show it running before anything is done. */
export const leastSources = 2;

const nothing: Verdict = { step: 'log', reason: '' };

/**
 * Two passes for a word, and two sources, an age and the operator's leave for a deed. Only a running domain that Drover placed
 * and nobody knows any more is ever touched; whatever else is found is for people.
 */
export function verdictOn(suspect: Suspect, { action, ageMs }: Rule, now: Circumstances): Verdict {
  const { sighting, nowMs, isMigrating, quarantined } = now;
  if (sighting.passes < leastPasses) return { step: 'wait', reason: '' };
  if (suspect.kind !== 'running-deleted' || action === 'log' || action === 'noop') return nothing;
  if (isMigrating) return held('it comes or leaves in a migration');
  if (suspect.sources < leastSources) return held('no process of it is seen beside what libvirt says');
  const leftMs = sighting.firstMs + ageMs - nowMs;
  if (leftMs > 0) return held(`${action} in ${seconds(leftMs)} s unless it is known again`);
  return action === 'shutdown' ? { step: 'shut-down', reason: '' } : reap(suspect, ageMs, nowMs, quarantined);
}

/** First suspended, and off an age later. What people did to it meanwhile is theirs. */
function reap({ domain }: Suspect, ageMs: number, nowMs: number, quarantined: Held | undefined): Verdict {
  const isPaused = domain?.state === 'paused';
  if (!quarantined)
    return isPaused ? held('somebody else has suspended it') : { step: 'quarantine', reason: '' };
  if (!isPaused && quarantined.isDone) return held('it was suspended, and somebody let it go on');
  if (!isPaused) return { step: 'quarantine', reason: '' }; // the agent ended before libvirt was asked
  const leftMs = quarantined.sinceMs + ageMs - nowMs;
  return leftMs > 0
    ? held(`suspended; powered off in ${seconds(leftMs)} s unless it is known again`)
    : { step: 'power-off', reason: '' };
}

function held(reason: string): Verdict {
  return { step: 'hold', reason };
}

function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
