/** From which state of a host which other can be reached, and what its record is then. Pure: worked out in the host's turn. */
import type { HostMaintenance } from '../../proto/gen/drover/v1/HostMaintenance.js';
import type { HostRecord, HostRecordInput } from '../../proto/gen/drover/v1/HostRecord.js';
import type { MaintainHostRequest } from '../../proto/gen/drover/v1/MaintainHostRequest.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { lockReleased, lockTaken, longestReason } from '../fleet/host-locks.js';

/** Who asks for which state of a host. */
export interface Wish {
  readonly state: 'drain' | 'maintenance';
  readonly guests: 'stop' | 'leave';
  readonly reason: string;
  readonly by: string;
  readonly force: boolean;
}

export interface Turn {
  readonly nowMs: number;
  newId(): string;
}

/** What of a record a state changes. */
export type Change = Required<Pick<HostRecordInput, 'maintenance' | 'lock'>>;

const own = { purpose: 'maintenance', holder: 'maintenance' } as const;
const startSuffix = '-start';

/** The request as a wish. A drain leaves guests alone. Errors: `invalid-argument`. */
export function wishOf(request: MaintainHostRequest, by: string): Wish {
  const { state, guests, reason, force } = request;
  if (state !== 'drain' && state !== 'maintenance') throw invalid('state', state, 'drain or maintenance');
  if (guests !== '' && guests !== 'stop' && guests !== 'leave')
    throw invalid('guests', guests, 'stop or leave');
  if (state === 'drain' && guests === 'stop')
    throw invalid('guests', guests, 'leave with drain; maintenance stops guests');
  if (reason.length > longestReason)
    throw invalid('reason', `${reason.length} characters`, `at most ${longestReason} characters`);
  return { state, guests: guests || 'leave', reason, by, force };
}

/** True where the host is in the wished state already: nothing is to be checked. */
export function isThere({ maintenance }: Pick<HostRecord, 'maintenance'>, wish: Wish): boolean {
  return maintenance?.state === wish.state && maintenance.guests === wish.guests;
}

/** True where nothing is to be written either. */
export function isAsWished(host: Pick<HostRecord, 'maintenance'>, wish: Wish): boolean {
  return isThere(host, wish) && (wish.reason === '' || wish.reason === host.maintenance?.reason);
}

/**
 * The record of a host that goes into drain or maintenance, or further. A host that is as wished keeps since when and its stop;
 * another reason takes the place of the old one. Errors: `failed-precondition` for a way back that goes over a resume, or when
 * another holds the host.
 */
export function entered(before: HostRecord, wish: Wish, { nowMs, newId }: Turn): Change {
  const { maintenance: was } = before;
  const reason = wish.reason || (was?.state === 'resuming' ? '' : was?.reason) || '';
  const lock = lockTaken(before, { ...own, reason, by: wish.by }, nowMs);
  if (was?.state === wish.state && was.guests === wish.guests)
    return { maintenance: { ...was, reason }, lock };
  if (was) checkWay(before, was, wish);
  const stageId = wish.guests === 'stop' ? newId() : '';
  const { state, guests, by } = wish;
  return {
    maintenance: { state, reason, by, sinceUnixMs: nowMs, guests, stageId, stageState: '' },
    lock,
  };
}

/**
 * The record of a host that resumes. Guests that a stop was asked for are to be started; until that has ended the record
 * says so. Errors: `failed-precondition` when another holds the host.
 */
export function resumed(before: HostRecord, by: string, nowMs: number): Change {
  const { maintenance: was, lock } = before;
  if (!was || was.state === 'resuming') return { maintenance: was, lock };
  const released = lockReleased(before, own);
  if (was.stageId === '') return { maintenance: null, lock: released };
  const stageId = `${was.stageId}${startSuffix}`;
  const maintenance = { ...was, state: 'resuming', by, sinceUnixMs: nowMs, stageId, stageState: '' };
  return { maintenance, lock: released };
}

/** The stop whose guests a start brings back. */
export function stopOf({ state, stageId }: HostMaintenance): string {
  return state === 'resuming' ? stageId.slice(0, -startSuffix.length) : stageId;
}

/** The record after its agent told how far the stage is; a start that has ended ends the maintenance. undefined: as before. */
export function told(
  { maintenance: was }: Pick<HostRecord, 'maintenance'>,
  stage: { readonly id: string; readonly state: string },
): Pick<Change, 'maintenance'> | undefined {
  if (!was || was.stageId === '' || was.stageId !== stage.id || was.stageState === stage.state)
    return undefined;
  if (was.state === 'resuming' && hasEnded(stage.state)) return { maintenance: null };
  return { maintenance: { ...was, stageState: stage.state } };
}

/** The agent does no more of itself. A stage that was cut off is asked for again. */
export function hasEnded(stageState: string): boolean {
  return stageState === 'done' || stageState === 'failed';
}

function checkWay({ name }: HostRecord, was: HostMaintenance, wish: Wish): void {
  if (
    was.state === 'drain' ||
    (was.state === 'maintenance' && was.guests === 'leave' && wish.guests === 'stop')
  )
    return;
  if (was.state === 'resuming' && wish.force) return;
  const now =
    was.state === 'resuming'
      ? 'is resuming: its guests are being started'
      : `is in maintenance with its guests ${was.guests === 'stop' ? 'stopped' : 'left running'}`;
  const cure =
    was.state === 'resuming' ? 'wait until they run, or use force' : `first drover host resume ${name}`;
  throw new DroverError('failed-precondition', `host ${name} ${now}; ${cure}`, {
    field: 'state',
    value: wish.state,
    cure,
  });
}
