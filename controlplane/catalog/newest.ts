/** Replacing what was read before, and nothing newer. Pure. */
import { DroverError } from '../../proto/wire/errors.js';

interface Stamped {
  readonly name: string;
  readonly updatedUnixMs: number;
}

/** Errors: `stale-revision` where `given` carries the time of another state than the stored one. 0: whatever is there. */
export function checkNewest(kind: string, given: Stamped, before: Stamped | undefined): void {
  if (given.updatedUnixMs === 0 || given.updatedUnixMs === before?.updatedUnixMs) return;
  const cure = 'read it again and repeat the change';
  throw new DroverError('stale-revision', `${kind} ${given.name} was changed meanwhile; ${cure}`, {
    field: `${kind}.updated_unix_ms`,
    value: String(given.updatedUnixMs),
    cure,
  });
}

/** Unix ms of a change: never that of the state before it, whatever the clock says. */
export function stampAfter(nowMs: number, before: Stamped | undefined): number {
  return Math.max(nowMs, (before?.updatedUnixMs ?? 0) + 1);
}
