/**
 * One lock a host: maintenance or a rollout works on it, never both at once. It is a field of the host's record, so it is
 * durable before anybody is told that it is theirs, and whoever changes the record in the same turn can take it with that.
 */
import type { HostLock } from '../../proto/gen/drover/v1/HostLock.js';
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import type { Directory } from './directory.js';

export const lockPurposes = ['maintenance', 'rollout'] as const;

/** Characters of a reason, as of a reason to disable a host. */
export const longestReason = 255;

/** Who wants the lock, and why. */
export type LockWish = Pick<HostLock, 'purpose' | 'holder' | 'reason' | 'by'>;

type Locked = Pick<HostRecord, 'name' | 'lock'>;

/**
 * The lock of a host after `wish` has it. Its own holder keeps the time since when. Errors: `failed-precondition` naming
 * who holds it, for what, why and since when; `invalid-argument`. Pure.
 */
export function lockTaken(host: Locked, wish: LockWish, nowMs: number): HostLock {
  checkWish(wish);
  const { lock } = host;
  if (lock && !isHeldBy(lock, wish)) throw heldByAnother(host, lock);
  return { ...wish, sinceUnixMs: lock?.sinceUnixMs ?? nowMs };
}

/** The lock of a host after its holder has left it: none. None is none. Errors: `failed-precondition` when another holds it. */
export function lockReleased(host: Locked, holder: Pick<HostLock, 'purpose' | 'holder'>): null {
  if (host.lock && !isHeldBy(host.lock, holder)) throw heldByAnother(host, host.lock);
  return null;
}

/** Takes and releases locks that come with no other change of the host's record: those of rollouts. */
export class HostLocks {
  readonly #directory: Pick<Directory, 'update'>;
  readonly #now: () => number;

  constructor(directory: Pick<Directory, 'update'>, now: () => number) {
    this.#directory = directory;
    this.#now = now;
  }

  /** Resolves when the lock is durably the wish's. Errors: those of `lockTaken`, `not-found`. */
  async take(hostId: string, wish: LockWish): Promise<HostLock> {
    const { lock } = await this.#directory.update(hostId, (host) => ({
      lock: lockTaken(host, wish, this.#now()),
    }));
    return lock as HostLock;
  }

  /** Resolves when nobody holds the host any more. Errors: those of `lockReleased`, `not-found`. */
  async release(hostId: string, holder: Pick<HostLock, 'purpose' | 'holder'>): Promise<void> {
    await this.#directory.update(hostId, (host) => ({ lock: lockReleased(host, holder) }));
  }
}

function isHeldBy(lock: HostLock, { purpose, holder }: Pick<HostLock, 'purpose' | 'holder'>): boolean {
  return lock.purpose === purpose && lock.holder === holder;
}

function checkWish({ purpose, holder, reason }: LockWish): void {
  if (!lockPurposes.some((known) => known === purpose))
    throw invalid('lock.purpose', purpose, lockPurposes.join(' or '));
  if (holder === '' || holder.length > longestReason)
    throw invalid('lock.holder', holder, `1 to ${longestReason} characters`);
  if (reason.length > longestReason)
    throw invalid('reason', `${reason.length} characters`, `at most ${longestReason} characters`);
}

function heldByAnother({ name }: Locked, lock: HostLock): DroverError {
  const { purpose, holder, reason, by, sinceUnixMs } = lock;
  const since = new Date(sinceUnixMs).toISOString();
  const who = holder === purpose ? purpose : `${purpose} ${holder}`;
  const cure =
    purpose === 'maintenance'
      ? `wait until it is over, or end it with drover host resume ${name}`
      : 'wait until it is over, or end it first';
  return new DroverError(
    'failed-precondition',
    `host ${name} is held by ${who} of ${by || 'nobody named'} since ${since} (${reason || 'no reason given'}); ${cure}`,
    { field: 'lock', value: who, cure },
  );
}
