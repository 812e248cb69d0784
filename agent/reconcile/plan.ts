/** What is to be done, and why not: readings, wants and the ledger in, one entry for each knob out. Pure. */
import type { SettingStatus } from '../../proto/gen/drover/v1/SettingStatus.js';
import { knobKey, type Effect, type Knob, type Reading, type Want } from '../tuners/tuner.js';
import type { LedgerEntry } from './ledger-lines.js';

/** `change` is planned, `changed` was done and read back. */
export type Outcome = 'in-sync' | 'change' | 'changed' | 'unsupported' | 'held' | 'failed';

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
  /** Held only until a later pass: the host is not as desired. */
  readonly postponed?: boolean;
}

/** What plans need of the ledger. */
export interface LedgerView {
  get(key: string): Pick<LedgerEntry, 'original'> | undefined;
}

/** A knob's entry for each want, in the order of the wants. `owner`: a unit that owns the tuner's knobs. */
export function planWants(
  readings: readonly Reading[],
  wants: readonly Want[],
  ledger: LedgerView,
  owner?: string,
): PlanEntry[] {
  const byKey = new Map(readings.map((reading) => [knobKey(reading.knob), reading]));
  return wants.map((want) => {
    const reading = byKey.get(knobKey(want.knob));
    const original = ledger.get(knobKey(want.knob))?.original;
    const { outcome, reason } = judge(want, reading, original !== undefined, owner);
    const { knob, value, effect, affects } = want;
    return { knob, now: reading?.value ?? '', wanted: value, outcome, reason, effect, affects, original };
  });
}

type Judgement = Pick<PlanEntry, 'outcome' | 'reason'>;

/** The first rule that speaks decides: what cannot be, what is already, whose it is, what is in the way. */
function judge(
  want: Want,
  reading: Reading | undefined,
  ours: boolean,
  owner: string | undefined,
): Judgement {
  if (reading?.value === undefined)
    return { outcome: 'unsupported', reason: reading?.unsupported ?? 'not found on this host' };
  if (reading.value === want.value) return { outcome: 'in-sync', reason: '' };
  if (want.unsupported !== undefined) return { outcome: 'unsupported', reason: want.unsupported };
  if (owner !== undefined) return { outcome: 'held', reason: `${owner} is active and sets this itself` };
  if (want.held !== undefined) return { outcome: 'held', reason: want.held };
  if (reading.explicit && !ours && !want.override)
    return { outcome: 'held', reason: "the domain's XML sets it" };
  return { outcome: 'change', reason: '' };
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
export function failedTuner(tuner: Knob['tuner'], setting: string, reason: string): PlanEntry {
  const knob = { tuner, setting, source: '' };
  return {
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
  const { knob, now, wanted, outcome, reason, effect, original } = entry;
  return {
    tuner: knob.tuner,
    setting: knob.setting,
    domainUuid: knob.domain?.uuid ?? '',
    domainName: knob.domain?.name ?? '',
    now,
    wanted,
    outcome: outcome === 'change' ? 'pending' : outcome,
    reason:
      reason === '' && outcome.startsWith('change') && entry.affects.length > 0 && effect === 'domain-restart'
        ? felt(entry.affects)
        : reason,
    original: original ?? '',
    effect,
    source: knob.source,
  };
}

/** Most domain names in one reason; a host may run thousands. */
const namedDomains = 8;

function felt(names: readonly string[]): string {
  const more = names.length > namedDomains ? ` and ${names.length - namedDomains} more` : '';
  return `felt after a restart of ${names.slice(0, namedDomains).join(', ')}${more}`;
}
