/** What is to be done, and why not: readings, wants and the ledger in, one entry for each knob out. Pure. */
import type { SettingStatus } from '../../proto/gen/drover/v1/SettingStatus.js';
import type { DriftPolicy } from '../../proto/tuners/common.js';
import type { Effect, Knob, Reading, Want } from '../tuners/tuner.js';
import { keyOf } from './knob-keys.js';
import type { LedgerEntry } from './ledger-lines.js';

/** `change` is planned, `changed` was done and read back, `deferred` waits for a restart of the domain or host. */
export type Outcome = 'in-sync' | 'change' | 'changed' | 'unsupported' | 'held' | 'deferred' | 'failed';

export interface PlanEntry {
  readonly knob: Knob;
  /** Empty where it could not be read. */
  readonly now: string;
  readonly wanted: string;
  readonly outcome: Outcome;
  /** In words; empty for a plain change and where nothing is to be done. */
  readonly reason: string;
  readonly effect: Effect;
  /** Names of the domains that feel it. */
  readonly affects: readonly string[];
  /** What the ledger would put back; undefined: Drover never wrote the knob. */
  readonly original: string | undefined;
  /** The knob left the desired state: `wanted` is the ledger's value, and the entry ends with it. */
  readonly restore?: boolean;
  /** A later pass may get it done, or an operator must look: the host is not as desired, and the profile not at fault. */
  readonly postponed?: boolean;
  /** What shows the effect, from the newest reading. */
  readonly evidence?: string;
  /** What becomes of it when somebody else changes it; absent: healed. */
  readonly drift?: DriftPolicy;
  /** What it read before a write that was tried in this pass. */
  readonly before?: string;
  /** The settled value that the ledger held before this pass wrote the knob. */
  readonly displaced?: string;
  /** The domain's own XML set the value, and nothing says that it is Drover's now. */
  readonly isItsOwn?: boolean;
  /** Somebody else changed it after Drover had set it. */
  readonly drifted?: boolean;
  /** Somebody else's value was taken over, as the profile says: undo leaves it. */
  readonly adopted?: boolean;
}

/** What plans need of the ledger. */
export interface LedgerView {
  get(key: string): Pick<LedgerEntry, 'original' | 'settled'> | undefined;
}

/** What else a plan goes by. */
export interface PlanContext {
  readonly ledger: LedgerView;
  /** A unit that owns the tuner's knobs. */
  readonly owner?: string | undefined;
  policy?(knob: Knob): DriftPolicy;
  /** Whether the knob was seen to have this wanted value since the agent started. */
  settled?(key: string, value: string): boolean;
}

/** A knob's entry for each want, in the order of the wants. */
export function planWants(
  readings: readonly Reading[],
  wants: readonly Want[],
  context: PlanContext,
): PlanEntry[] {
  const byKey = new Map(readings.map((reading) => [keyOf(reading.knob), reading]));
  return wants.map((want) => planWant(want, byKey.get(keyOf(want.knob)), context));
}

function planWant(want: Want, reading: Reading | undefined, context: PlanContext): PlanEntry {
  const { knob, value, effect, affects } = want;
  const key = keyOf(knob);
  const known = context.ledger.get(key);
  const policy = context.policy?.(knob) ?? 'heal';
  const evidence = reading?.evidence;
  return {
    knob,
    now: reading?.value ?? '',
    wanted: value,
    effect,
    affects,
    original: known?.original,
    ...(evidence !== undefined && { evidence }),
    ...(policy !== 'heal' && { drift: policy }),
    ...(reading?.explicit && !known && !want.override && { isItsOwn: true }),
    ...judge(want, reading, {
      ours: known !== undefined,
      owner: context.owner,
      policy,
      // What is left to somebody else must be known for sure, also after a crash; for healing, memory will do.
      isDrift: policy === 'heal' ? (context.settled?.(key, value) ?? false) : known?.settled === value,
    }),
  };
}

type Judgement = Pick<PlanEntry, 'outcome' | 'reason' | 'postponed' | 'drifted' | 'adopted'>;

interface Circumstances {
  readonly ours: boolean;
  readonly owner: string | undefined;
  readonly policy: DriftPolicy;
  readonly isDrift: boolean;
}

/** The first rule that speaks decides: what cannot be, what is already, whose it is, what is in the way, who changed it. */
function judge(want: Want, reading: Reading | undefined, around: Circumstances): Judgement {
  if (reading?.value === undefined)
    return { outcome: 'unsupported', reason: reading?.unsupported ?? 'not found on this host' };
  if (reading.value === want.value) return inPlace(reading, want);
  const { owner } = around;
  if (want.unsupported !== undefined) return { outcome: 'unsupported', reason: want.unsupported };
  if (owner !== undefined) return { outcome: 'held', reason: `${owner} is active and sets this itself` };
  if (want.held !== undefined) return { outcome: 'held', reason: want.held };
  if (want.deferred !== undefined) return { outcome: 'deferred', reason: want.deferred };
  if (want.fails !== undefined) return { outcome: 'failed', reason: want.fails, postponed: true };
  if (reading.explicit && !around.ours && !want.override)
    return { outcome: 'held', reason: "the domain's XML sets it" };
  if (around.isDrift) return drifted(want, reading.value, around.policy);
  return { outcome: 'change', reason: want.remark ?? '' };
}

/** The value is the wanted one; whether it bites is another question. */
function inPlace({ ineffective }: Reading, { unsupported }: Want): Judgement {
  if (ineffective !== undefined && unsupported !== undefined)
    return { outcome: 'unsupported', reason: unsupported };
  return ineffective === undefined
    ? { outcome: 'in-sync', reason: '' }
    : { outcome: 'failed', reason: `set, but without effect: ${ineffective}`, postponed: true };
}

function drifted({ value }: Want, now: string, policy: DriftPolicy): Judgement {
  const found = `somebody changed ${value} to ${now}`;
  if (policy === 'heal') return { outcome: 'change', reason: found, drifted: true };
  if (policy === 'adopt')
    return { outcome: 'in-sync', reason: `${found}: adopted, as the profile says`, adopted: true };
  return {
    outcome: 'held',
    reason: `${found}: reported only, as the profile says`,
    postponed: true,
    drifted: true,
  };
}

/** The entry of a knob that is in the ledger and no longer desired. `held`: why it is left alone all the same. */
export function planRestore(
  { knob, original }: Pick<LedgerEntry, 'knob' | 'original'>,
  reading: Reading | undefined,
  owner?: string,
  held?: string,
): PlanEntry {
  const entry = {
    knob,
    now: reading?.value ?? '',
    wanted: original,
    effect: 'now',
    affects: [],
    original,
    restore: true,
  } as const;
  if (owner !== undefined)
    return { ...entry, outcome: 'held', reason: `${owner} is active and sets this itself` };
  if (held !== undefined) return { ...entry, outcome: 'held', reason: held };
  return { ...entry, outcome: 'change', reason: 'no longer desired: put back as it was' };
}

/** The entry of a tuner that could not look or decide. */
export function failedTuner(
  tuner: Knob['tuner'],
  setting: string,
  reason: string,
  postponed = false,
): PlanEntry {
  const knob = { tuner, setting, source: '' };
  return {
    ...(postponed && { postponed }),
    knob,
    now: '',
    wanted: '',
    outcome: 'failed',
    reason,
    effect: 'now',
    affects: [],
    original: undefined,
  };
}

/** An entry as the wire carries it; there a change that is not done is `pending`. */
export function toSettingStatus(entry: PlanEntry): SettingStatus {
  const { knob, now, wanted, outcome, reason, effect, original, affects, evidence = '', drift } = entry;
  const isFelt = reason === '' && outcome.startsWith('change') && affects.length > 0;
  return {
    tuner: knob.tuner,
    setting: knob.setting,
    domainUuid: knob.domain?.uuid ?? '',
    domainName: knob.domain?.name ?? '',
    now,
    wanted,
    outcome: outcome === 'change' ? 'pending' : outcome,
    reason: isFelt && effect === 'domain-restart' ? felt(affects) : reason,
    original: original ?? '',
    effect,
    source: knob.source,
    affects: affects.slice(0, reportedDomains),
    evidence,
    drift: drift ?? 'heal',
  };
}

/** Most domain names in one reason, and in one message; a host may run thousands. */
const namedDomains = 8;
const reportedDomains = 64;

function felt(names: readonly string[]): string {
  const more = names.length > namedDomains ? ` and ${names.length - namedDomains} more` : '';
  return `felt after a restart of ${names.slice(0, namedDomains).join(', ')}${more}`;
}
