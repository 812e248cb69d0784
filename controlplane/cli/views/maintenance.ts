/** What a drain, a maintenance or a resume does: capacity first, then each guest, then what to mind. */
import type { CapacityOutlook } from '../../../proto/gen/drover/v1/CapacityOutlook.js';
import type { GuestOutlook } from '../../../proto/gen/drover/v1/GuestOutlook.js';
import type { MaintainHostResponse } from '../../../proto/gen/drover/v1/MaintainHostResponse.js';
import { tableOf, type Cell, type Column } from '../../../proto/output/table.js';
import type { Block, View } from '../../../proto/output/view.js';
import { orNothing, word } from '../../../proto/output/words.js';
import { formatBytes } from '../../../proto/wire/units.js';
import type { FollowedEnd } from '../follow-guests.js';
import { age, count } from './cells.js';
import { stageBlocks } from './guests.js';
import { warningsBlocks } from './warnings.js';

/** Less than this is worth a second thought. */
const scarcePercent = 10;

const capacityColumns: readonly Column<CapacityOutlook>[] = [
  { heading: 'IN', cell: (one) => one.scope },
  { heading: 'HEADROOM', align: 'right', cell: headroomCell },
  { heading: 'TIGHTEST', cell: (one) => orNothing(one.resource) },
  { heading: 'OTHER HOSTS', align: 'right', cell: (one) => String(one.hosts) },
];

const guestColumns: readonly Column<GuestOutlook>[] = [
  { heading: 'WAVE', align: 'right', cell: (one) => (one.wave === 0 ? '-' : String(one.wave)) },
  { heading: 'NAME', cell: (one) => one.domain?.name ?? '-', minimumWidth: 10 },
  { heading: 'NOW', cell: (one) => word(one.domain?.state ?? '') },
  { heading: 'THEN', cell: (one) => thenCell(one.action) },
  { heading: 'HOW', cell: (one) => orNothing(one.detail) },
  { heading: 'MEMORY', align: 'right', cell: (one) => formatBytes(one.domain?.memoryBytes ?? 0) },
  { heading: 'ALLOCATION', cell: (one) => (one.managed ? 'yes' : 'none') },
];

/** The answer to drain and maintenance. `noop`: nothing was done. */
export function maintainedView(
  { host, capacity, guests, warnings, refusals }: MaintainHostResponse,
  state: string,
  what: string,
  noop: boolean,
): View {
  const name = host?.name ?? '';
  const stopped = guests.filter(({ action }) => action !== 'stays').length;
  const doing = state === 'drain' ? `drain ${name}` : `put ${name} into maintenance`;
  const ending =
    what === 'stop'
      ? `${count(stopped, 'guest')} ${noop ? 'would be' : stopped === 1 ? 'is' : 'are'} stopped in order`
      : 'its guests go on running';
  const is = state === 'drain' ? 'draining' : 'in maintenance';
  const said = noop
    ? `Would ${doing}: no new guests there, and ${ending}.`
    : `${name} is ${is}: no new guests there, and ${ending}.`;
  return [
    ...(refusals.length > 0 ? [] : [{ kind: 'text', text: said } as const]),
    ...refusals.map((text) => ({ kind: 'text', text: `Would be refused: ${text}.`, tone: 'bad' }) as const),
    ...capacityBlocks(capacity, name),
    ...guestsBlocks(guests),
    ...warningsBlocks(warnings),
  ];
}

/** The answer to a resume. */
export function resumedView({ host, guests, warnings }: MaintainHostResponse): View {
  const name = host?.name ?? '';
  const started = guests.filter(({ action }) => action === 'started').length;
  const isStarting = Boolean(host?.maintenance);
  const what = started > 0 ? count(started, 'guest') : 'the guests that were stopped for it';
  const ending = isStarting ? `, and ${what} ${started === 1 ? 'is' : 'are'} started in order` : '';
  const isOut = host?.disabled || host?.forcedDown;
  return [
    {
      kind: 'text',
      text: `${name} is ${isOut ? 'no longer in maintenance' : 'back in placement'}${ending}.`,
    },
    ...(started > 0 ? guestsBlocks(guests.filter(({ action }) => action === 'started')) : []),
    ...warningsBlocks(warnings),
  ];
}

/** How the guests came out after a wait. */
export function stageView({ stage, message }: FollowedEnd, kind: 'stop' | 'start', nowMs: number): View {
  if (!stage && message !== '')
    return [{ kind: 'text', text: `The ${kind} of its guests failed: ${message}.`, tone: 'bad' }];
  if (!stage) return [{ kind: 'text', text: `The ${kind} of its guests has ended.` }];
  const took = age(stage.startedUnixMs, stage.endedUnixMs || nowMs);
  const isDone = stage.state === 'done';
  const how = stage.state === 'failed' ? 'failed' : 'was given up';
  const text = isDone ? `Done in ${took}.` : `The ${kind} of its guests ${how} after ${took}.`;
  return [{ kind: 'text', text, tone: isDone ? 'good' : 'bad' }, ...stageBlocks(stage, nowMs)];
}

/** What to do where guests did not stop or start. */
export function cureView(kind: 'stop' | 'start', name: string): View {
  const resume = `drover host resume ${name}`;
  const text =
    kind === 'stop'
      ? `The same command again goes on with the stop; ${resume} starts those that were stopped.`
      : `${resume} again tries those that do not run; with --guests leave they stay off.`;
  return [{ kind: 'text', text }];
}

function capacityBlocks(capacity: readonly CapacityOutlook[], name: string): Block[] {
  const tightest = capacity.toSorted((a, b) => a.headroomPercent - b.headroomPercent)[0];
  if (!tightest) return [];
  return [
    { kind: 'text', text: `It ${tightestText(tightest)}.` },
    { kind: 'table', title: `Capacity without ${name}`, table: tableOf(capacityColumns, capacity) },
  ];
}

/** `leaves 2.1 % headroom in rack 7`. */
function tightestText({ scope, headroomPercent, hosts }: CapacityOutlook): string {
  const where = scope === 'fleet' ? 'the fleet' : scope;
  return hosts === 0
    ? `leaves no host in service in ${where}`
    : `leaves ${headroomPercent.toFixed(1)} % headroom in ${where}`;
}

function guestsBlocks(guests: readonly GuestOutlook[]): Block[] {
  if (guests.length === 0) return [{ kind: 'text', text: 'No domains there.' }];
  return [{ kind: 'table', title: 'Guests', table: tableOf(guestColumns, guests) }];
}

function headroomCell({ headroomPercent }: CapacityOutlook): Cell {
  const tone = headroomPercent < 0 ? 'bad' : headroomPercent < scarcePercent ? 'warning' : 'good';
  return { text: `${headroomPercent.toFixed(1)} %`, tone };
}

function thenCell(action: string): Cell {
  const texts: Record<string, string> = {
    'shut-down': 'shut down',
    'power-off': 'powered off',
    'managed-save': 'saved',
  };
  return { text: texts[action] ?? action, tone: action === 'stays' ? 'faint' : undefined };
}
