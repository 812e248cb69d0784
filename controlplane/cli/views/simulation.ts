/** What a simulation found: the verdict, each placement, and what is left. */
import type { ResourceHeadroom } from '../../../proto/gen/drover/v1/ResourceHeadroom.js';
import type { SimulatedResult } from '../../../proto/gen/drover/v1/SimulatedResult.js';
import type { SimulateRequestInput } from '../../../proto/gen/drover/v1/SimulateRequest.js';
import type { SimulateResponse } from '../../../proto/gen/drover/v1/SimulateResponse.js';
import { tableOf, type Column, type Table } from '../../../proto/output/table.js';
import type { View } from '../../../proto/output/view.js';
import { orNothing } from '../../../proto/output/words.js';
import { formatBytes } from '../../../proto/wire/units.js';
import { count, decimal } from './cells.js';

/** Hosts that are named for each placement. */
const shownHosts = 3;

/** `asked`: the placements that the results answer, in the same order. */
export function simulationView(answer: SimulateResponse, asked: SimulateRequestInput): View {
  const isWhole = answer.refused === 0 && answer.stranded === 0;
  const headroom = tableOf(headroomColumns, answer.headroom);
  return [
    { kind: 'text', text: verdictText(answer), tone: isWhole ? 'strong' : 'bad' },
    ...(answer.results.length > 0
      ? [{ kind: 'table', title: 'Placements', table: placementsTable(answer.results, asked) } as const]
      : []),
    ...(answer.headroom.length > 0
      ? [{ kind: 'table', title: 'Left to hand out', table: headroom } as const]
      : []),
    { kind: 'text', text: `Revision ${answer.revision}, seed ${answer.seed}.`, tone: 'faint' },
  ];
}

/** `96 of 100 fit on 54 hosts, 4 do not. Of what drained hosts held, 12 find another host, 1 does not.` */
export function verdictText({ placed, refused, hosts, drained, stranded }: SimulateResponse): string {
  const machines = placed + refused;
  const fit =
    machines === 0
      ? `${count(hosts, 'host')} after the changes.`
      : `${placed} of ${machines} fit on ${count(hosts, 'host')}${refused > 0 ? `, ${refused} ${refused === 1 ? 'does' : 'do'} not` : ''}.`;
  if (drained + stranded === 0) return fit;
  const lost = stranded === 0 ? '' : `, ${stranded} ${stranded === 1 ? 'does' : 'do'} not`;
  return `${fit} Of what drained hosts held, ${drained} ${drained === 1 ? 'finds' : 'find'} another host${lost}.`;
}

function placementsTable(results: readonly SimulatedResult[], { placements }: SimulateRequestInput): Table {
  return {
    columns: [
      { heading: 'WHAT', minimumWidth: 12 },
      { heading: 'PLACED', align: 'right' },
      { heading: 'REFUSED', align: 'right' },
      { heading: 'MOST ON' },
      { heading: 'WHY NOT', wraps: true },
    ],
    rows: results.map(({ placed, refused, hosts, why }, index) => [
      whatText(placements?.[index]?.request),
      String(placed),
      String(refused),
      hostsText(hosts),
      orNothing(why),
    ]),
  };
}

function whatText(request: NonNullable<SimulateRequestInput['placements']>[number]['request']): string {
  if (request?.flavor) return request.flavor;
  const vcpus = request?.vcpus ?? 0;
  return `${vcpus} ${vcpus === 1 ? 'vCPU' : 'vCPUs'}, ${formatBytes(Number(request?.memoryMb ?? 0) * 2 ** 20)}`;
}

function hostsText(hosts: Readonly<Record<string, number>>): string {
  const most = Object.entries(hosts).toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const shown = most.slice(0, shownHosts).map(([name, number]) => `${name} ${number}`);
  return orNothing([...shown, ...(most.length > shownHosts ? ['…'] : [])].join(', '));
}

const headroomColumns: readonly Column<ResourceHeadroom>[] = [
  { heading: 'RESOURCE', cell: ({ resource }) => resource.replace(/_mb$/, '') },
  { heading: 'BEFORE', align: 'right', cell: (one) => amountText(one, one.before) },
  { heading: 'AFTER', align: 'right', cell: (one) => amountText(one, one.after) },
  { heading: 'OF', align: 'right', cell: (one) => amountText(one, one.capacity) },
];

function amountText({ resource }: ResourceHeadroom, amount: number): string {
  return resource.endsWith('_mb') ? formatBytes(amount * 2 ** 20) : decimal(amount);
}
