/** Prints the answer of a standalone command: a table for people, the messages for programs. */
import { render, type OutputFormat } from '../../proto/output/formats.js';
import { settingColumns } from '../../proto/output/setting-columns.js';
import { writeText, type TextStream } from '../../proto/output/stdout.js';
import type { PendingReboot } from '../../proto/gen/drover/v1/PendingReboot.js';
import { createStyle } from '../../proto/output/style.js';
import { planView } from '../../proto/output/plan-view.js';
import { tableOf, type Column, type Page } from '../../proto/output/table.js';
import type { View } from '../../proto/output/view.js';
import { orNothing, word } from '../../proto/output/words.js';
import type { OwnerFinding } from '../reconcile/ownership.js';
import type { StandaloneAnswer } from './standalone.js';

export async function printSettings(
  answer: StandaloneAnswer,
  format: OutputFormat,
  stdout: TextStream,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const view: View = [
    ...ownersOf(answer),
    ...pendingOf(answer),
    ...entriesOf(answer),
    { kind: 'text', text: `${answer.remark}.` },
  ];
  await writeText(stdout, await render({ message: messageOf(answer), view }, format, pageOf(stdout, env)));
}

/** As wide as the terminal, in colour where it is one. */
export function pageOf(stdout: TextStream, env: Readonly<Record<string, string | undefined>>): Page {
  const isTerminal = stdout.isTTY === true;
  return { width: isTerminal ? stdout.columns : undefined, style: createStyle({ isTerminal, env }) };
}

/** The ledger is a list; a plan, and what came of one, says first what a person must know. */
function entriesOf({ entries, list, all }: StandaloneAnswer): View {
  if (!list) return planView(entries, all);
  return entries.length > 0 ? [{ kind: 'table', table: tableOf(settingColumns, entries) }] : [];
}

function messageOf({ entries: settings, remark, owners, pendingReboots }: StandaloneAnswer): object {
  return { settings, remark, ...(owners && { owners }), ...(pendingReboots && { pendingReboots }) };
}

const ownerColumns: readonly Column<OwnerFinding>[] = [
  { heading: 'SETTINGS', cell: ({ tuner }) => tuner },
  { heading: 'OWNER', cell: ({ owner }) => owner },
  { heading: 'STATE', cell: ({ state }) => word(state) },
  { heading: 'SEEN', cell: ({ evidence }) => evidence },
];

function ownersOf({ owners }: StandaloneAnswer): View {
  if (!owners) return [];
  if (owners.length === 0) return [{ kind: 'text', text: 'No other program writes these settings.' }];
  return [{ kind: 'table', title: 'other owners', table: tableOf(ownerColumns, owners) }];
}

const pendingColumns: readonly Column<PendingReboot>[] = [
  { heading: 'TUNER', cell: ({ tuner }) => tuner },
  { heading: 'SETTING', cell: ({ setting }) => setting },
  { heading: 'NOW', cell: ({ now }) => orNothing(now) },
  { heading: 'WANTED', cell: ({ wanted }) => orNothing(wanted) },
  { heading: 'SINCE', cell: ({ sinceUnixMs }) => new Date(sinceUnixMs).toISOString() },
  { heading: 'REMARK', cell: ({ reason }) => orNothing(reason) },
];

function pendingOf({ pendingReboots = [] }: StandaloneAnswer): View {
  if (pendingReboots.length === 0) return [];
  return [
    {
      kind: 'table',
      title: 'waits for a restart of the host',
      table: tableOf(pendingColumns, pendingReboots),
    },
  ];
}
