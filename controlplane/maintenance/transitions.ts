/** From which state of a host which other can be reached, and what its record is then. Pure: worked out in the host's turn. */
import type { GuestStage } from '../../proto/gen/drover/v1/GuestStage.js';
import type { HostMaintenance } from '../../proto/gen/drover/v1/HostMaintenance.js';
import type { HostRecord, HostRecordInput } from '../../proto/gen/drover/v1/HostRecord.js';
import type { MaintainHostRequest } from '../../proto/gen/drover/v1/MaintainHostRequest.js';
import type { ResumeHostRequest } from '../../proto/gen/drover/v1/ResumeHostRequest.js';
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

/** Who ends it, and what becomes of guests that are off. */
export interface ResumeWish {
  readonly guests: 'start' | 'leave';
  readonly by: string;
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

/** The request as a wish. Errors: `invalid-argument`. */
export function resumeWishOf({ guests }: ResumeHostRequest, by: string): ResumeWish {
  if (guests !== '' && guests !== 'start' && guests !== 'leave')
    throw invalid('guests', guests, 'start or leave');
  return { guests: guests || 'start', by };
}

/** True where the host is in the wished state already: nothing is to be checked. */
export function isThere({ maintenance }: Pick<HostRecord, 'maintenance'>, wish: Wish): boolean {
  return maintenance?.state === wish.state && maintenance.guests === wish.guests;
}

/** True where nothing is to be written either. A stage that failed is to be asked for again. */
export function isAsWished(host: Pick<HostRecord, 'maintenance'>, wish: Wish): boolean {
  const { maintenance } = host;
  const isNews = wish.reason !== '' && wish.reason !== maintenance?.reason;
  return isThere(host, wish) && !isNews && maintenance?.stageState !== 'failed';
}

/** True where a resume changes nothing: the host is in neither, or its guests are being started. */
export function isResumed({ maintenance }: Pick<HostRecord, 'maintenance'>, wish: ResumeWish): boolean {
  if (!maintenance) return true;
  const isStarting = maintenance.state === 'resuming' && maintenance.stageState !== 'failed';
  return isStarting && wish.guests === 'start';
}

/** The same stage, not told yet: an order for it goes to every session until its end has been told. */
function askedAgain(was: HostMaintenance): HostMaintenance {
  return was.stageState === 'failed' ? { ...was, stageState: '', stageMessage: '' } : was;
}

/**
 * The record of a host that goes into drain or maintenance, or further. A host that is as wished keeps since when and its
 * stop, which is asked for again where it failed; another reason takes the place of the old one. Errors:
 * `failed-precondition` for a way back that goes over a resume, or when another holds the host.
 */
export function entered(before: HostRecord, wish: Wish, { nowMs, newId }: Turn): Change {
  const { maintenance: was } = before;
  const reason = wish.reason || (was?.state === 'resuming' ? '' : was?.reason) || '';
  const lock = lockTaken(before, { ...own, reason, by: wish.by }, nowMs);
  if (was?.state === wish.state && was.guests === wish.guests)
    return { maintenance: { ...askedAgain(was), reason }, lock };
  if (was) checkWay(before, was, wish);
  const stageId = wish.guests === 'stop' ? newId() : '';
  const { state, guests, by } = wish;
  return {
    maintenance: { state, reason, by, sinceUnixMs: nowMs, guests, stageId, stageState: '' },
    lock,
  };
}

/**
 * The record of a host that resumes. Guests that a stop was asked for are to be started; until all of them run the record
 * says so, and a start that failed is asked for again. Whose guests are left is in neither at once. Errors:
 * `failed-precondition` when another holds the host.
 */
export function resumed(before: HostRecord, { guests, by }: ResumeWish, nowMs: number): Change {
  const { maintenance: was, lock } = before;
  if (!was) return { maintenance: was, lock };
  if (was.state === 'resuming') return { maintenance: guests === 'leave' ? null : triedAgain(was, by), lock };
  const released = lockReleased(before, own);
  if (was.stageId === '' || guests === 'leave') return { maintenance: null, lock: released };
  const stageId = `${was.stageId}${startSuffix}`;
  const stage = { stageId, stageState: '', stageEndedUnixMs: 0, stageMessage: '' };
  return { maintenance: { ...was, ...stage, state: 'resuming', by, sinceUnixMs: nowMs }, lock: released };
}

function triedAgain(was: HostMaintenance, by: string): HostMaintenance {
  return was.stageState === 'failed' ? { ...askedAgain(was), by } : was;
}

/** The stop whose guests a start brings back. */
export function stopOf({ state, stageId }: HostMaintenance): string {
  return state === 'resuming' ? stageId.slice(0, -startSuffix.length) : stageId;
}

type Told = Pick<GuestStage, 'id' | 'state' | 'endedUnixMs' | 'message'>;

/**
 * The record after its agent told how far the stage is. A start of all ends the maintenance; one that failed does not: the
 * guests that are missing keep their room, and can be tried again. undefined: as before.
 */
export function told(
  { maintenance: was }: Pick<HostRecord, 'maintenance'>,
  stage: Told,
): Pick<Change, 'maintenance'> | undefined {
  if (!was || was.stageId === '' || was.stageId !== stage.id || isKnown(was, stage)) return undefined;
  if (was.state === 'resuming' && stage.state === 'done') return { maintenance: null };
  const { state, endedUnixMs, message } = stage;
  const stageMessage = state === 'failed' ? message.slice(0, longestReason) : '';
  return { maintenance: { ...was, stageState: state, stageEndedUnixMs: endedUnixMs, stageMessage } };
}

/** Told before; the failure after which a stage was asked for again is told until the agent is at it anew. */
function isKnown({ stageState, stageEndedUnixMs }: HostMaintenance, { state, endedUnixMs }: Told): boolean {
  const isOldFailure = stageState === '' && state === 'failed';
  return (stageState === state || isOldFailure) && stageEndedUnixMs === endedUnixMs;
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
  const [now, cure] = wayBack(name, was);
  throw new DroverError('failed-precondition', `host ${name} ${now}; ${cure}`, {
    field: 'state',
    value: wish.state,
    cure,
  });
}

/** Where the host is, and how it comes out of there. */
function wayBack(name: string, { state, guests, stageState }: HostMaintenance): readonly [string, string] {
  const resume = `first drover host resume ${name}`;
  if (state !== 'resuming')
    return [`is in maintenance with its guests ${guests === 'stop' ? 'stopped' : 'left running'}`, resume];
  if (stageState === 'failed')
    return ['is resuming: not all of its guests have started', `${resume}, or use force`];
  return ['is resuming: its guests are being started', 'wait until they run, or use force'];
}
