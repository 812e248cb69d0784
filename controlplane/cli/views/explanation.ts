/**
 * Why a virtual machine fits or not, at a glance: the verdict, what would let more hosts take it, the best hosts, where hosts
 * are lost, and each reason with a few hosts.
 */
import type { ExplainResponse } from '../../../proto/gen/drover/v1/ExplainResponse.js';
import type { FilterCount } from '../../../proto/gen/drover/v1/FilterCount.js';
import type { HostExplanation } from '../../../proto/gen/drover/v1/HostExplanation.js';
import type { RefusalCount } from '../../../proto/gen/drover/v1/RefusalCount.js';
import type { Relaxation } from '../../../proto/gen/drover/v1/Relaxation.js';
import { tableOf, type Column, type Table } from '../../../proto/output/table.js';
import type { Block, View } from '../../../proto/output/view.js';
import { count } from './cells.js';
import { weightText } from './placement.js';
import { warningsBlocks } from './warnings.js';

/** What is shown of each list; `--output json` has all of them. */
export const shownHosts = 10;
export const shownExamples = 3;
export const shownRelaxations = { ofOneFilter: 2, inAll: 8 } as const;

/** The whole explanation. */
export function explanationView(answer: ExplainResponse): View {
  const passed = answer.hosts.filter((host) => host.passes);
  const refused = answer.hosts.filter((host) => !host.passes);
  const best = tableOf(bestColumns, passed.slice(0, shownHosts));
  const steps = funnelSteps(answer.hostsConsidered, answer.filters);
  return [
    { kind: 'text', text: summaryText(answer), tone: answer.hostsPassed === 0 ? 'bad' : 'strong' },
    ...warningsBlocks(answer.warnings),
    ...relaxationBlocks(answer),
    ...(passed.length > 0 ? [{ kind: 'table', title: 'Best hosts', table: best } as const] : []),
    ...(steps.length > 0 ? [funnelBlock(answer.hostsConsidered, steps)] : []),
    ...(answer.refusals.length > 0 ? [refusedBlock(answer.refusals, refused)] : []),
  ];
}

/** One glance: `3 of 51 hosts fit. RamFilter (ram-short) refuses 40, 28 of them alone; ComputeFilter (host-down) 8.` */
export function summaryText({ hostsPassed, hostsConsidered, refusals }: ExplainResponse): string {
  const fit = `${hostsPassed} of ${count(hostsConsidered, 'host')} ${hostsPassed === 1 ? 'fits' : 'fit'}.`;
  const reasons = refusals.slice(0, 3).map(({ filter, reason, hosts, soleHosts }, index) => {
    const alone = soleHosts > 0 && soleHosts < hosts ? `, ${soleHosts} of them alone` : '';
    return `${filter} (${reason})${index === 0 ? ' refuses' : ''} ${hosts}${alone}`;
  });
  return reasons.length === 0 ? fit : `${fit} ${reasons.join('; ')}.`;
}

function relaxationBlocks({ relaxations }: ExplainResponse): Block[] {
  const items = foremost(relaxations).map(({ text, filter }) => `${text} (${filter})`);
  return items.length === 0
    ? []
    : [{ kind: 'list', title: 'Nearest changes that let more hosts take it', items }];
}

/** The smallest changes of each filter, in the order given: many of one would hide what another could do. */
export function foremost(relaxations: readonly Relaxation[]): Relaxation[] {
  const seen = new Map<string, number>();
  const shown = relaxations.filter(({ filter }) => {
    const before = seen.get(filter) ?? 0;
    seen.set(filter, before + 1);
    return before < shownRelaxations.ofOneFilter;
  });
  return shown.slice(0, shownRelaxations.inAll);
}

const bestColumns: readonly Column<HostExplanation>[] = [
  { heading: 'HOST', cell: (host) => host.hostName, minimumWidth: 12 },
  { heading: 'WEIGHT', align: 'right', cell: (host) => weightText(host.weight) },
];

interface Step extends FilterCount {
  readonly lost: number;
}

/** Filters that lose hosts, in order, with how many. */
export function funnelSteps(considered: number, filters: readonly FilterCount[]): Step[] {
  return filters.flatMap((each, index) => {
    const before = index === 0 ? considered : (filters[index - 1] as FilterCount).hostsLeft;
    return each.hostsLeft < before ? [{ ...each, lost: before - each.hostsLeft }] : [];
  });
}

/** Widest bar of the funnel, in characters. */
const barWidth = 30;

function funnelBlock(considered: number, steps: readonly Step[]): Block {
  const bar = (left: number) => '▇'.repeat(Math.ceil((left / Math.max(1, considered)) * barWidth));
  const rows = steps.map(({ filter, lost, hostsLeft }) => [
    filter,
    `-${lost}`,
    String(hostsLeft),
    bar(hostsLeft),
  ]);
  const table: Table = {
    columns: [
      { heading: 'FILTER' },
      { heading: 'LOSES', align: 'right' },
      { heading: 'LEFT', align: 'right' },
      { heading: '' },
    ],
    rows: [['every host', '', String(considered), bar(considered)], ...rows],
  };
  return { kind: 'table', title: 'Where hosts are lost, one filter after the other', table };
}

const refusedHeadings = [
  { heading: 'FILTER' },
  { heading: 'REASON' },
  { heading: 'HOSTS', align: 'right' },
  { heading: 'ALONE', align: 'right' },
  { heading: 'SUCH AS', minimumWidth: 12 },
  { heading: 'OBSERVED' },
  { heading: 'WANTED' },
] as const;

/** Each reason with up to three hosts that it refuses; those come first that it refuses alone. */
function refusedBlock(refusals: readonly RefusalCount[], hosts: readonly HostExplanation[]): Block {
  const rows = refusals.flatMap((group) => {
    const head = [group.filter, group.reason, String(group.hosts), String(group.soleHosts)];
    const examples = examplesOf(group, hosts);
    return examples.length === 0
      ? [[...head, '', '', '']]
      : examples.map((example, index) => [...(index === 0 ? head : ['', '', '', '']), ...example]);
  });
  const table: Table = { columns: refusedHeadings, rows };
  return { kind: 'table', title: 'Refused hosts by reason (ALONE: nothing else refuses them)', table };
}

function examplesOf({ filter, reason }: RefusalCount, hosts: readonly HostExplanation[]): string[][] {
  const alone: string[][] = [];
  const others: string[][] = [];
  for (const { hostName, refusals, soleFilter } of hosts) {
    const refusal = refusals.find((each) => each.filter === filter && each.reason === reason);
    if (refusal) (soleFilter === filter ? alone : others).push([hostName, refusal.observed, refusal.wanted]);
    if (alone.length === shownExamples) break;
  }
  return [...alone, ...others].slice(0, shownExamples);
}
