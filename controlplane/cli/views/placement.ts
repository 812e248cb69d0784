/** Where a virtual machine fits, and why not elsewhere: the summary first, then the best hosts, then the reasons. */
import type { Destination } from '../../../proto/gen/drover/v1/Destination.js';
import type { ExplainResponse } from '../../../proto/gen/drover/v1/ExplainResponse.js';
import type { FilterCount } from '../../../proto/gen/drover/v1/FilterCount.js';
import type { HostExplanation } from '../../../proto/gen/drover/v1/HostExplanation.js';
import type { RefusalCount } from '../../../proto/gen/drover/v1/RefusalCount.js';
import type { SelectDestinationsResponse } from '../../../proto/gen/drover/v1/SelectDestinationsResponse.js';
import { tableOf, type Column, type Table } from '../../../proto/output/table.js';
import type { Block, View } from '../../../proto/output/view.js';
import { count } from './cells.js';

/** Hosts and reasons that the explanation shows; `--output json` has all of them. */
export const shownHosts = 10;
export const shownExamples = 3;

/** The hosts found, best first, each weigher a column; without any, where the hosts were lost. */
export function destinationsView({
  destinations,
  filters,
  hostsConsidered,
}: SelectDestinationsResponse): View {
  const [best] = destinations;
  if (!best)
    return [{ kind: 'text', text: `No host fits: ${funnelText(hostsConsidered, filters)}.`, tone: 'bad' }];
  const summary = `${best.hostName} is the best host: ${funnelText(hostsConsidered, filters)}.`;
  return [
    { kind: 'text', text: summary },
    { kind: 'table', table: tableOf(weightColumns(destinations), destinations) },
  ];
}

function weightColumns(destinations: readonly Destination[]): Column<Destination>[] {
  const weighers = [...new Set(destinations.flatMap((one) => Object.keys(one.weights)))].toSorted();
  return [
    { heading: 'HOST', cell: (one) => one.hostName, minimumWidth: 12 },
    { heading: 'WEIGHT', align: 'right', cell: (one) => weightText(one.weight) },
    ...weighers.map((name): Column<Destination> => ({
      heading: name,
      align: 'right',
      cell: (one) => weightText(one.weights[name] ?? 0),
    })),
  ];
}

function weightText(weight: number): string {
  return weight.toFixed(3).replace(/^-(0\.0+)$/, '$1');
}

/** How many hosts each filter left: `51 hosts considered, RamFilter leaves 9, ComputeFilter 3`. Filters that refuse none are left out. */
export function funnelText(considered: number, filters: readonly FilterCount[]): string {
  const steps = filters.filter(
    (each, index) =>
      each.hostsLeft < (index === 0 ? considered : (filters[index - 1] as FilterCount).hostsLeft),
  );
  const told = steps.map(
    ({ filter, hostsLeft }, index) => `${filter}${index === 0 ? ' leaves' : ''} ${hostsLeft}`,
  );
  return [`${count(considered, 'host')} considered`, ...told].join(', ');
}

/** Why each host passes or not. */
export function explanationView(answer: ExplainResponse): View {
  const passed = answer.hosts.filter((host) => host.passes);
  const refused = answer.hosts.filter((host) => !host.passes);
  const best = tableOf(bestColumns, passed.slice(0, shownHosts));
  return [
    { kind: 'text', text: summaryText(answer), tone: answer.hostsPassed === 0 ? 'bad' : 'strong' },
    ...(passed.length > 0 ? [{ kind: 'table', title: 'Best hosts', table: best } as const] : []),
    ...(answer.refusals.length > 0 ? [refusedBlock(answer.refusals, refused)] : []),
  ];
}

const bestColumns: readonly Column<HostExplanation>[] = [
  { heading: 'HOST', cell: (host) => host.hostName, minimumWidth: 12 },
  { heading: 'WEIGHT', align: 'right', cell: (host) => weightText(host.weight) },
];

/** One glance: `3 of 51 hosts fit. RamFilter (ram-short) refuses 40, 28 of them alone; ComputeFilter (host-down) 8.` */
export function summaryText({ hostsPassed, hostsConsidered, refusals }: ExplainResponse): string {
  const fit = `${hostsPassed} of ${count(hostsConsidered, 'host')} ${hostsPassed === 1 ? 'fits' : 'fit'}.`;
  const reasons = refusals.slice(0, 3).map(({ filter, reason, hosts, soleHosts }, index) => {
    const alone = soleHosts > 0 && soleHosts < hosts ? `, ${soleHosts} of them alone` : '';
    return `${filter} (${reason})${index === 0 ? ' refuses' : ''} ${hosts}${alone}`;
  });
  return reasons.length === 0 ? fit : `${fit} ${reasons.join('; ')}.`;
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

/** Each reason with up to three hosts that it refuses. */
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
  const found: string[][] = [];
  for (const { hostName, refusals } of hosts) {
    const refusal = refusals.find((each) => each.filter === filter && each.reason === reason);
    if (refusal) found.push([hostName, refusal.observed, refusal.wanted]);
    if (found.length === shownExamples) break;
  }
  return found;
}
