/** Profiles: the list, one revision with its settings, and what applying one means. */
import type { ApplyProfileResponse } from '../../../proto/gen/drover/v1/ApplyProfileResponse.js';
import type { Profile } from '../../../proto/gen/drover/v1/Profile.js';
import type { ProfileSelector } from '../../../proto/gen/drover/v1/ProfileSelector.js';
import { tableOf, type Column, type Table } from '../../../proto/output/table.js';
import type { Pair, View } from '../../../proto/output/view.js';
import { nothing, orNothing } from '../../../proto/output/words.js';
import { age, count, mapText, timestamp } from './cells.js';

/** Names of hosts that are written out. */
const shownHosts = 10;

function columns(nowMs: number): readonly Column<Profile>[] {
  return [
    { heading: 'NAME', cell: (one) => one.name, minimumWidth: 12 },
    { heading: 'REVISION', align: 'right', cell: (one) => String(one.revision) },
    { heading: 'STATE', cell: stateOf },
    { heading: 'PRIORITY', align: 'right', cell: (one) => String(one.priority) },
    { heading: 'HOSTS', align: 'right', cell: (one) => String(one.selectedHosts) },
    { heading: 'TUNERS', cell: (one) => orNothing(Object.keys(one.tuners).toSorted().join(' ')) },
    { heading: 'GUESTS', cell: (one) => (one.guests === '' ? nothing : 'yes') },
    { heading: 'AGE', align: 'right', cell: (one) => age(one.createdUnixMs, nowMs) },
    { heading: 'DESCRIPTION', cell: (one) => orNothing(one.description) },
  ];
}

function stateOf({ withdrawn }: Profile) {
  return withdrawn
    ? ({ text: 'withdrawn', tone: 'faint' } as const)
    : ({ text: 'in force', tone: 'good' } as const);
}

/** The newest revision of each profile. `nowMs`: Unix time. */
export function profilesView(profiles: readonly Profile[], nowMs: number): View {
  return [{ kind: 'table', table: tableOf(columns(nowMs), profiles) }];
}

/** One revision with every setting. */
export function profileView(profile: Profile): View {
  return [
    {
      kind: 'pairs',
      pairs: [
        ['Profile', profile.name],
        ['Revision', String(profile.revision)],
        ['State', stateOf(profile)],
        ['Priority', String(profile.priority)],
        ['Description', orNothing(profile.description)],
        ['Selects', selectorText(profile.selector)],
        ...trialPairs(profile),
        ['Hosts', String(profile.selectedHosts)],
        [
          'Created',
          `${timestamp(profile.createdUnixMs)}${profile.createdBy === '' ? '' : ` by ${profile.createdBy}`}`,
        ],
      ],
    },
    { kind: 'table', title: 'Settings', table: settingsTable(profile) },
  ];
}

/** How hosts take it up, where that is not the default. */
function trialPairs({ trialSeconds, onFailure }: Profile): Pair[] {
  return [
    ...(trialSeconds > 0 ? [['Trial', `${trialSeconds} s`] as const] : []),
    ...(onFailure === 'keep' ? [['On failure', onFailure] as const] : []),
  ];
}

/** Every part must match; no part is every host. */
export function selectorText(selector: ProfileSelector | null): string {
  const parts = [
    selector?.hosts.length ? `hosts ${selector.hosts.join(' ')}` : '',
    selector?.availabilityZones.length ? `zones ${selector.availabilityZones.join(' ')}` : '',
    Object.keys(selector?.labels ?? {}).length > 0 ? `labels ${mapText(selector?.labels ?? {})}` : '',
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'every host' : parts.join(' and ');
}

/** The settings as they came over the wire: each tuner's is a JSON object, and that of guests has objects in it. */
export function settingsOf({
  tuners,
  guests,
}: Pick<Profile, 'tuners' | 'guests'>): [tuner: string, setting: string, value: string][] {
  return [...tunerSettingsOf(tuners), ...(guests === '' ? [] : leavesOf('', JSON.parse(guests)))];
}

/** `stop.parallel`, `rules[0]`: a value of its own each. */
function leavesOf(path: string, value: unknown): [string, string, string][] {
  if (Array.isArray(value) && value.every((part) => typeof part === 'object'))
    return value.map((part, index) => ['guests', `${path}[${index}]`, JSON.stringify(part)]);
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.entries(value).flatMap(([key, part]) =>
      leavesOf(path === '' ? key : `${path}.${key}`, part),
    );
  const text = Array.isArray(value)
    ? value.join(' ')
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);
  return [['guests', path, text]];
}

function tunerSettingsOf(tuners: Profile['tuners']): [string, string, string][] {
  return Object.entries(tuners).flatMap(([tuner, json]) =>
    Object.entries(JSON.parse(json) as Record<string, unknown>).map(
      ([setting, value]): [string, string, string] => [
        tuner,
        setting,
        typeof value === 'string' ? value : JSON.stringify(value),
      ],
    ),
  );
}

function settingsTable(profile: Profile): Table {
  return {
    columns: [{ heading: 'TUNER' }, { heading: 'SETTING' }, { heading: 'VALUE' }],
    rows: settingsOf(profile),
  };
}

/** What was stored and which hosts follow. */
export function appliedView({ profile, created, selectedHosts }: ApplyProfileResponse): View {
  const what = profile ? `${profile.name} revision ${profile.revision}` : 'profile';
  const said = created ? `Stored ${what}` : `${what} has this content already`;
  return [
    {
      kind: 'text',
      text: `${said}; ${hostsText(profile?.selectedHosts ?? selectedHosts.length, selectedHosts)}.`,
    },
  ];
}

/** What applying would do. `newest`: the revision that is stored now, if any. */
export function noopView(
  { profile, selectedHosts }: ApplyProfileResponse,
  newest: Profile | undefined,
  changes: boolean,
): View {
  const name = profile?.name ?? 'the profile';
  const said = !changes
    ? `Nothing would change: ${name} revision ${newest?.revision} has this content`
    : `Would store ${name} revision ${(newest?.revision ?? 0) + 1}`;
  const table: Table = {
    columns: [{ heading: 'TUNER' }, { heading: 'SETTING' }, { heading: 'NOW' }, { heading: 'WANTED' }],
    rows: difference(newest, profile),
  };
  return [
    {
      kind: 'text',
      text: `${said}; ${hostsText(profile?.selectedHosts ?? selectedHosts.length, selectedHosts)}.`,
    },
    ...(changes && table.rows.length > 0
      ? [{ kind: 'table', title: 'Settings that differ', table } as const]
      : []),
  ];
}

function hostsText(number: number, names: readonly string[]): string {
  if (number === 0) return 'it selects no host';
  const rest = number > shownHosts ? ', …' : '';
  return `it selects ${count(number, 'host')}: ${names.slice(0, shownHosts).join(', ')}${rest}`;
}

function difference(newest: Profile | undefined, wanted: Profile | null): string[][] {
  const stored = newest === undefined || newest.withdrawn ? [] : settingsOf(newest);
  const before = new Map(stored.map(([tuner, setting, value]) => [`${tuner} ${setting}`, value]));
  const after = new Map(
    (wanted ? settingsOf(wanted) : []).map(([tuner, setting, value]) => [`${tuner} ${setting}`, value]),
  );
  const keys = [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => before.get(key) !== after.get(key),
  );
  return keys.map((key) => [...key.split(' '), before.get(key) ?? '-', after.get(key) ?? '-']);
}
