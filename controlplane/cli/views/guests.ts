/** What an agent tells of its guests: the stop or start under way, ports, strays, and what stands in the way of an orderly stop. */
import type { AuditFinding } from '../../../proto/gen/drover/v1/AuditFinding.js';
import type { GuestProgress } from '../../../proto/gen/drover/v1/GuestProgress.js';
import type { GuestReport } from '../../../proto/gen/drover/v1/GuestReport.js';
import type { GuestStage } from '../../../proto/gen/drover/v1/GuestStage.js';
import type { PortFinding } from '../../../proto/gen/drover/v1/PortFinding.js';
import type { PreflightFinding } from '../../../proto/gen/drover/v1/PreflightFinding.js';
import { tableOf, type Column } from '../../../proto/output/table.js';
import type { Block, Pair } from '../../../proto/output/view.js';
import { orNothing, word } from '../../../proto/output/words.js';
import { age, count } from './cells.js';

/** Guests that are written out; the others are counted. */
const shownGuests = 40;

const portColumns = (nowMs: number): readonly Column<PortFinding>[] => [
  { heading: 'PORT', cell: (one) => one.port, minimumWidth: 10 },
  { heading: 'BRIDGE', cell: (one) => orNothing(one.bridge) },
  { heading: 'IS', cell: (one) => one.kind },
  { heading: 'OUTCOME', cell: (one) => word(one.outcome) },
  { heading: 'DOMAIN', cell: (one) => orNothing(one.domainName || one.domainUuid) },
  { heading: 'FOUND', align: 'right', cell: (one) => age(one.foundUnixMs, nowMs) },
  { heading: 'REASON', cell: (one) => orNothing(one.reason), wraps: true },
];

const auditColumns = (nowMs: number): readonly Column<AuditFinding>[] => [
  { heading: 'NAME', cell: (one) => one.name || one.uuid, minimumWidth: 10 },
  { heading: 'IS', cell: (one) => one.kind },
  { heading: 'ACTION', cell: (one) => one.action },
  { heading: 'OUTCOME', cell: (one) => word(one.outcome) },
  { heading: 'FOUND', align: 'right', cell: (one) => age(one.foundUnixMs, nowMs) },
  { heading: 'EVIDENCE', cell: (one) => orNothing(one.evidence.join('; ')), wraps: true },
];

const preflightColumns: readonly Column<PreflightFinding>[] = [
  { heading: 'CHECK', cell: (one) => one.check },
  { heading: 'STATUS', cell: (one) => word(one.status) },
  { heading: 'WHY', cell: (one) => orNothing(one.message), wraps: true },
  { heading: 'CURE', cell: (one) => orNothing(one.cure), wraps: true },
];

/** All that a report says; what has nothing to say is left out. `nowMs`: Unix time. */
export function guestBlocks({ stage, ports, audit, preflight }: GuestReport, nowMs: number): Block[] {
  const open = preflight.filter(({ status }) => status !== 'ok');
  return [
    ...(stage ? stageBlocks(stage, nowMs) : []),
    ...tableBlock('In the way of an orderly stop', preflightColumns, open),
    ...tableBlock('Ports', portColumns(nowMs), ports),
    ...tableBlock('Domains that not everybody knows', auditColumns(nowMs), audit),
  ];
}

/** A stop or start: how far it is, and the guests that are not where they should be yet. */
export function stageBlocks(stage: GuestStage, nowMs: number): Block[] {
  const { kind, cause, state, startedUnixMs, endedUnixMs, message } = stage;
  const time =
    endedUnixMs === 0
      ? `for ${age(startedUnixMs, nowMs)}`
      : `${age(endedUnixMs, nowMs)} ago, took ${age(startedUnixMs, endedUnixMs)}`;
  const pairs: Pair[] = [
    [kind === 'stop' ? 'Stop' : 'Start', { ...wordCell(state), text: `${state} ${time} (${cause})` }],
    ['Guests', progressText(stage, kind)],
    ...(message === '' ? [] : [['Message', message] as const]),
  ];
  const late = stage.guests.filter((guest) => guest.state !== goal(kind));
  const rest = late.length > shownGuests ? [`and ${late.length - shownGuests} more`] : [];
  return [
    { kind: 'pairs', title: 'Guests', pairs, wraps: true },
    ...tableBlock(
      kind === 'stop' ? 'Not stopped' : 'Not running',
      progressColumns(nowMs),
      late.slice(0, shownGuests),
    ),
    ...rest.map((text) => ({ kind: 'text', text }) as const),
  ];
}

/** `wave 2 of 3: 4 of 12 stopped, 1 asked, 7 waiting`. */
export function progressText({ guests, waves }: Pick<GuestStage, 'guests' | 'waves'>, kind: string): string {
  const there = guests.filter(({ state }) => state === goal(kind)).length;
  const others = new Map<string, number>();
  for (const { state } of guests) if (state !== goal(kind)) others.set(state, (others.get(state) ?? 0) + 1);
  const rest = [...others].map(([state, number]) => `, ${number} ${state}`).join('');
  const wave = Math.min(...guests.filter(isUnderWay).map((guest) => guest.wave));
  const where = Number.isFinite(wave) ? `wave ${wave} of ${waves}` : count(waves, 'wave');
  return `${where}: ${there} of ${guests.length} ${goal(kind)}${rest}`;
}

function isUnderWay({ state }: GuestProgress): boolean {
  return !['stopped', 'running', 'left', 'failed'].includes(state);
}

function goal(kind: string): string {
  return kind === 'stop' ? 'stopped' : 'running';
}

const progressColumns = (nowMs: number): readonly Column<GuestProgress>[] => [
  { heading: 'WAVE', align: 'right', cell: (one) => String(one.wave) },
  { heading: 'NAME', cell: (one) => one.name, minimumWidth: 10 },
  { heading: 'STATE', cell: (one) => word(one.state) },
  { heading: 'FOR', align: 'right', cell: (one) => age(one.sinceUnixMs, nowMs) },
  { heading: 'MESSAGE', cell: (one) => orNothing(one.message), wraps: true },
];

function wordCell(state: string) {
  const cell = word(state);
  return typeof cell === 'string' ? { text: cell, tone: undefined } : cell;
}

function tableBlock<Row>(title: string, columns: readonly Column<Row>[], rows: readonly Row[]): Block[] {
  return rows.length === 0 ? [] : [{ kind: 'table', title, table: tableOf(columns, rows) }];
}
