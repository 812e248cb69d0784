/** Operations: the list, and the result of one. */
import type { Operation } from '../../../proto/gen/drover/v1/Operation.js';
import { planView } from '../../../proto/output/plan-view.js';
import { tableOf, type Column } from '../../../proto/output/table.js';
import type { View } from '../../../proto/output/view.js';
import { formatDuration } from '../../../proto/wire/units.js';
import { nothing, orNothing, word } from '../../../proto/output/words.js';
import { age, count } from './cells.js';

function columns(nowMs: number): readonly Column<Operation>[] {
  return [
    { heading: 'ID', cell: (one) => one.id, minimumWidth: 12 },
    { heading: 'HOST', cell: (one) => one.hostName },
    { heading: 'KIND', cell: (one) => one.kind },
    { heading: 'STATE', cell: (one) => word(one.state) },
    { heading: 'STARTED', align: 'right', cell: (one) => `${age(one.startedUnixMs, nowMs)} ago` },
    {
      heading: 'TOOK',
      align: 'right',
      cell: (one) => (one.endedUnixMs === 0 ? nothing : formatDuration(one.endedUnixMs - one.startedUnixMs)),
    },
    { heading: 'PENDING', align: 'right', cell: (one) => String(one.pending) },
    { heading: 'ERROR', cell: (one) => orNothing(one.error) },
  ];
}

/** The list of operations. `nowMs`: Unix time. */
export function operationsView(operations: readonly Operation[], nowMs: number): View {
  return [{ kind: 'table', table: tableOf(columns(nowMs), operations) }];
}

/** The summary of one operation and what it found, as `drover-agent` prints it. */
export function operationView(one: Operation): View {
  return [{ kind: 'text', text: summaryOf(one) }, ...planView(one.settings, one.kind === 'verify')];
}

/** How many settings of an operation came out as `outcome`. */
export function withOutcome({ settings }: Operation, outcome: string): number {
  return settings.filter((one) => one.outcome === outcome).length;
}

function summaryOf(one: Operation): string {
  const what = `${one.kind} of ${one.hostName}`;
  if (one.state === 'running') return `${what} is still running as operation ${one.id}.`;
  if (one.state === 'failed') return `${what} failed: ${orNothing(one.error)}.`;
  const outcomes = ['pending', 'failed', 'deferred', 'held', 'unsupported', 'changed', 'in-sync'];
  const told = outcomes
    .map((outcome) => [withOutcome(one, outcome), outcome] as const)
    .filter(([number]) => number > 0);
  return `${what}: ${count(one.settings.length, 'setting')}${told.length > 0 ? `, ${told.map(([number, outcome]) => `${number} ${outcome}`).join(', ')}` : ''}.`;
}
