/** A start of guests: wave by wave, each guest when the governor lets it, and when the fleet has room where that is asked. */
import { asDroverError, type DroverError } from '../../../proto/wire/errors.js';
import type { GuestPower } from '../../libvirt/hypervisor.js';
import type { Log } from '../../log.js';
import type { Guest, Stage, StageCause } from '../guest.js';
import { wavesOf } from '../waves.js';
import type { BegunStart } from './begun-start.js';
import { pause } from './pause.js';
import { StageBoard } from './stage-board.js';
import type { StartQueue } from './start-queue.js';

/** Room in the rack and storage of a host, which the control plane gives. */
export interface StartPermits {
  /**
   * `granted`, or `alone` where the control plane does not answer in a stated time: a host must come up without it. Errors:
   * the reason of the signal.
   */
  acquire(uuid: string, signal: AbortSignal): Promise<'granted' | 'alone'>;
  /** The guest has settled, did not start, or was given up; also without leave. Never throws. */
  release(uuid: string): void;
}

/** Marks a start as Drover's own, so that libvirt's hook does not let it wait a second time; see `StartSpool`. */
export interface OwnStarts {
  own(name: string): Promise<() => Promise<void>>;
}

export interface RunStartOptions {
  /** Of the stage. */
  readonly id: string;
  readonly cause: StageCause;
  readonly guests: readonly Guest[];
  /** An earlier attempt that this one goes on with: its guests stand in the stage as they are. */
  readonly begun?: BegunStart | undefined;
  readonly queue: StartQueue;
  readonly power: Pick<GuestPower, 'start'>;
  /** Absent: no limits of the fleet. */
  readonly permits?: StartPermits;
  readonly own?: OwnStarts;
  /** Given up: nothing more begins, and the stage ends within a second. */
  readonly signal: AbortSignal;
  /** Unix time. */
  now(): number;
  /** Each time something has changed. */
  report(stage: Stage): void;
  readonly log: Pick<Log, 'info' | 'warn'>;
  readonly startDeadlineMs?: number;
  /** Between two attempts. */
  readonly retryMs?: number;
}

/** Attempts at one guest, where trying again can help. */
export const maximumAttempts = 3;

/** libvirt's start reads a managed save before it answers, and waits for the image's lock. */
const defaultDeadlineMs = 300_000;
const defaultRetryMs = 5_000;

/**
 * Starts all guests; answers the stage as it ended: `done` with every guest running, `failed` with some that did not start,
 * `cut-off` where the signal came first. A guest that fails stops nobody: the next wave begins when each of this one has
 * settled or failed. A start that libvirt has in hand when the signal comes is left to it, as no call takes it back. Throws
 * nothing.
 */
export async function runStart(options: RunStartOptions): Promise<Stage> {
  const { signal, log } = options;
  const { waves, faults } = wavesOf(options.guests, 'start');
  const board = new StageBoard(options, waves, faults.join('; '));
  for (const fault of faults) log.warn({ stage: options.id }, fault);
  for (const wave of waves) {
    if (signal.aborted) break;
    await orAborted(Promise.all(wave.map((guest) => startOne(guest, board, options))), signal);
  }
  return board.end(signal.aborted);
}

/** Done when the work is or the signal comes, whichever is first. */
async function orAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const over = (): void => {
      signal.removeEventListener('abort', over);
      resolve();
    };
    if (signal.aborted) over();
    signal.addEventListener('abort', over, { once: true });
    void work.finally(over);
  });
}

/** Done when it has settled or will not start. Never throws: what goes wrong stands in the guest's row. */
async function startOne(guest: Guest, board: StageBoard, options: RunStartOptions): Promise<void> {
  const { signal, log, retryMs = defaultRetryMs } = options;
  for (let attempt = 1; ; attempt++) {
    const fault = await attemptAt(guest, board, options);
    if (!fault || signal.aborted) return;
    const mayPass = fault.kind.retryable && attempt < maximumAttempts;
    const message = `${fault.message}${attempt > 1 ? ` (attempt ${attempt})` : ''}`;
    board.set(guest.uuid, mayPass ? 'waiting' : 'failed', message);
    log.warn({ domain: guest.name, uuid: guest.uuid, attempt }, `guest not started: ${fault.message}`);
    if (!mayPass) return;
    await pause(retryMs, signal);
    if (signal.aborted) return;
  }
}

/** One attempt, until the guest has settled; undefined: it runs, or the signal came. */
async function attemptAt(
  guest: Guest,
  board: StageBoard,
  { queue, permits, signal, ...options }: RunStartOptions,
): Promise<DroverError | undefined> {
  const { uuid } = guest;
  try {
    // The turn on this host first: leave of the fleet that waits for a turn here would be room that nobody uses.
    await queue.acquire(uuid, signal);
    const permit = await permits?.acquire(uuid, signal);
    signal.throwIfAborted();
    board.set(uuid, 'starting', permit === 'alone' ? withoutLeave : '');
    await powerOn(guest, options);
    board.set(uuid, 'running', permit === 'alone' ? withoutLeave : '');
    queue.begun(uuid);
    await queue.settled(uuid, signal);
    return undefined;
  } catch (thrown) {
    const fault = asDroverError(thrown);
    queue.end(uuid);
    if (fault.code === 'already-exists') board.set(uuid, 'running', 'it ran already');
    return fault.code === 'already-exists' || thrown === signal.reason ? undefined : fault;
  } finally {
    permits?.release(uuid);
  }
}

const withoutLeave = 'the control plane did not answer: started without its leave';

async function powerOn(
  { uuid, name }: Guest,
  {
    own,
    power,
    startDeadlineMs = defaultDeadlineMs,
  }: Pick<RunStartOptions, 'own' | 'power' | 'startDeadlineMs'>,
): Promise<void> {
  const disown = await own?.own(name);
  try {
    await power.start(uuid, startDeadlineMs);
  } finally {
    await disown?.();
  }
}
