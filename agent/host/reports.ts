/** What an agent tells of its host, in the form of the wire. Pure. */
import type { DesiredState } from '../../proto/gen/drover/v1/DesiredState.js';
import type { DomainInput } from '../../proto/gen/drover/v1/Domain.js';
import type { HostTuningInput } from '../../proto/gen/drover/v1/HostTuning.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import { keyOf } from '../reconcile/knob-keys.js';
import { toSettingStatus, type PlanEntry } from '../reconcile/plan.js';
import type { ReconcilerStatus } from '../reconcile/reconciler.js';

/** Most domains in one report: about 1 MiB of message. A host that has more reports the first by name. */
export const maximumReportedDomains = 4_096;

/** Every domain by name, at most `limit`; `left` is how many more there are. `diskBytes`: what a domain takes of storage. */
export function domainReport(
  domains: readonly DomainView[],
  diskBytes: (domain: DomainView) => number,
  limit = maximumReportedDomains,
): { domains: DomainInput[]; left: number } {
  const sorted = domains.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const toWire = (domain: DomainView): DomainInput => {
    const { uuid, name, state, vcpus, memoryBytes, allocationId } = domain;
    const more = { diskBytes: diskBytes(domain), pciAddresses: [...domain.pciAddresses] };
    return { uuid, name, state, vcpus, memoryBytes, allocationId, ...more };
  };
  return { domains: sorted.slice(0, limit).map(toWire), left: Math.max(0, sorted.length - limit) };
}

/** Most settings in one report; about 2 MiB of message. */
export const maximumReportedSettings = 8_192;

/** At most `limit` entries, in their order; where some must go, those that are as they should be go first. */
export function worthTelling(
  entries: readonly PlanEntry[],
  limit = maximumReportedSettings,
): readonly PlanEntry[] {
  if (entries.length <= limit) return entries;
  const dull = (entry: PlanEntry): boolean => entry.outcome === 'in-sync' || entry.outcome === 'unsupported';
  const kept = new Set([...entries.filter((entry) => !dull(entry)), ...entries.filter(dull)].slice(0, limit));
  return entries.filter((entry) => kept.has(entry));
}

/** What a report of tuning was made of, so that the next one need not be made to know that it would say the same. */
export interface Told {
  readonly entries: readonly PlanEntry[];
  /** Everything but the settings and the time of the pass. */
  readonly rest: string;
}

/** What a report would say but for its settings; `more`: what goes with it. */
export function restOf(report: HostTuningInput, more: object): string {
  return JSON.stringify({ ...report, ...more, settings: [], verifiedUnixMs: 0 });
}

/**
 * Whether one report says what the other does. Evidence does not count: counters move all the time, so they are told with
 * a report and are no reason for one; nor does the time of the pass.
 */
export function sameTold(a: Told, b: Told): boolean {
  return (
    a.rest === b.rest &&
    (a.entries === b.entries ||
      (a.entries.length === b.entries.length &&
        a.entries.every((entry, index) => sameEntry(entry, b.entries[index] as PlanEntry))))
  );
}

/** What of an entry is told, but its evidence. */
const toldParts = ['now', 'wanted', 'outcome', 'reason', 'effect', 'original', 'drift'] as const;

function sameEntry(a: PlanEntry, b: PlanEntry): boolean {
  return a === b || (toldParts.every((part) => a[part] === b[part]) && sameKnob(a, b) && sameList(a, b));
}

function sameKnob({ knob: a }: PlanEntry, { knob: b }: PlanEntry): boolean {
  return a === b || (a.source === b.source && keyOf(a) === keyOf(b) && a.domain?.name === b.domain?.name);
}

function sameList({ affects: a }: PlanEntry, { affects: b }: PlanEntry): boolean {
  return a === b || (a.length === b.length && a.every((name, index) => name === b[index]));
}

/** A desired state that this agent could not take, and why. */
export interface Refusal {
  readonly state: DesiredState;
  readonly reason: string;
}

/** The report of a host that could not take its desired state: what was in force before still is. */
export function refusalReport(
  { state, reason }: Refusal,
  ledgerEntries: number,
  verifiedUnixMs: number,
): HostTuningInput {
  const { profileName, profileRevision, digest } = state;
  const settings = [{ tuner: '*', setting: '*', outcome: 'failed', reason }];
  return { state: 'failed', profileName, profileRevision, digest, settings, verifiedUnixMs, ledgerEntries };
}

/** Without a profile a host is unmanaged once everything is back: while a setting is not, it says so. */
function stateOf(status: ReconcilerStatus, held: DesiredState | undefined): string {
  if (held && held.profileName !== '') return status.state;
  const isBusy = status.state === 'failed' || status.state === 'applying';
  return isBusy && status.ledgerEntries > 0 ? status.state : 'unmanaged';
}

/**
 * How the host stands to what it should be, but for the settings one by one, which `settingsReport` gives. `held`: the
 * desired state on disk; undefined or without a name: unmanaged.
 */
export function tuningReport(
  status: ReconcilerStatus,
  held: DesiredState | undefined,
  verifiedUnixMs: number,
): HostTuningInput {
  return {
    state: stateOf(status, held),
    profileName: held?.profileName ?? '',
    profileRevision: held?.profileRevision ?? 0,
    digest: held?.digest ?? '',
    settings: [],
    verifiedUnixMs,
    ledgerEntries: status.ledgerEntries,
  };
}

/** The settings of such a report, as many as may be told. */
export function settingsReport(entries: readonly PlanEntry[]): NonNullable<HostTuningInput['settings']> {
  return worthTelling(entries).map(toSettingStatus);
}
