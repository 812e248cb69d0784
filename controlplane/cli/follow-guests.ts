/** Follows a stop or start of a host's guests until it has ended, with a line on stderr for every step. */
import { writeText } from '../../proto/output/stdout.js';
import type { GuestStage } from '../../proto/gen/drover/v1/GuestStage.js';
import type { HostDetail } from '../../proto/gen/drover/v1/HostDetail.js';
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import type { Api } from './client.js';
import type { Io } from './command.js';
import { progressText } from './views/guests.js';

/** First and longest wait between two looks; the longest budget of a stop is two hours. */
const looks = { firstMs: 250, longestMs: 2_000, allMs: 7_500_000 } as const;
/** A control plane that is started anew is back by then. */
const awayMs = 120_000;

export interface Followed {
  readonly host: string;
  readonly stageId: string;
  readonly kind: 'stop' | 'start';
}

export interface FollowedEnd {
  /** undefined: the agent tells another by now. */
  readonly stage: GuestStage | undefined;
  /** Every guest is where it should be. */
  readonly isDone: boolean;
  /** Why it failed, as the record has it; empty: it did not, or nobody said. */
  readonly message: string;
}

/**
 * How the stage ended. What is told of it from before it was asked for again does not count. Errors: `deadline-exceeded` after two
 * hours, `failed-precondition` when somebody ended the maintenance meanwhile, those of a control plane that stays away.
 */
export async function followGuests(api: Api, followed: Followed, io: Io): Promise<FollowedEnd> {
  const giveUpAt = io.now() + looks.allMs;
  let waitMs: number = looks.firstMs;
  let said = '';
  let seen: GuestStage | undefined;
  for (;;) {
    const detail = await patiently(api, followed.host, io);
    const stage = detail.guests?.stage;
    if (stage?.id === followed.stageId && !isAwaited(detail, followed)) seen = stage;
    const text = seen
      ? progressText(seen, followed.kind)
      : `the order to ${followed.kind} waits for the agent`;
    if (text !== said) await writeText(io.stderr, `${text}\n`);
    said = text;
    if (hasEnded(detail, followed))
      return {
        stage: seen,
        isDone: isDone(detail, seen),
        message: detail.host?.maintenance?.stageMessage ?? '',
      };
    if (io.now() >= giveUpAt) throw endless(followed, detail);
    await io.sleep(waitMs);
    waitMs = Math.min(looks.longestMs, waitMs * 2);
  }
}

/** The control plane's own record says it: the agent's report may be a newer stage's by then. */
function hasEnded({ host }: HostDetail, { kind, stageId }: Followed): boolean {
  const maintenance = host?.maintenance;
  if (kind === 'start') return maintenance?.stageId !== stageId || maintenance.stageState === 'failed';
  if (maintenance?.stageId !== stageId) {
    const cure = `look at it with drover host show ${host?.name ?? ''}`;
    throw new DroverError('failed-precondition', `the maintenance was ended or changed meanwhile; ${cure}`, {
      field: 'host',
      cure,
    });
  }
  return maintenance.stageState === 'done' || maintenance.stageState === 'failed';
}

/** The agent has not told the stage since it was asked for. */
function isAwaited({ host }: HostDetail, { stageId }: Followed): boolean {
  return host?.maintenance?.stageId === stageId && host.maintenance.stageState === '';
}

/** A start of all leaves no maintenance; one that somebody gave up does not either, and was not seen to come to its end. */
function isDone({ host }: HostDetail, seen: GuestStage | undefined): boolean {
  const { stageState } = host?.maintenance ?? { stageState: seen?.state ?? 'done' };
  return stageState === 'done';
}

async function patiently(api: Api, host: string, io: Io): Promise<HostDetail> {
  const giveUpAt = io.now() + awayMs;
  for (;;) {
    try {
      return await api.call('Fleet', 'GetHost', { host });
    } catch (thrown) {
      const error = asDroverError(thrown);
      const isAway = error.code === 'unavailable' || error.code === 'deadline-exceeded';
      if (!isAway || io.now() >= giveUpAt) throw error;
      await io.sleep(looks.longestMs);
    }
  }
}

function endless({ kind, host }: Followed, detail: HostDetail): DroverError {
  const name = detail.host?.name ?? host;
  const cure = `look at it later with drover host show ${name}`;
  return new DroverError('deadline-exceeded', `the ${kind} of the guests of ${name} has not ended; ${cure}`, {
    field: 'host',
    value: name,
    cure,
  });
}
