/** Server groups: the list, and one with its members. */
import type { ServerGroup } from '../../../proto/gen/drover/v1/ServerGroup.js';
import { tableOf, type Column } from '../../../proto/output/table.js';
import type { View } from '../../../proto/output/view.js';
import { orNothing } from '../../../proto/output/words.js';
import { age } from './cells.js';

const columns: readonly Column<ServerGroup>[] = [
  { heading: 'ID', cell: (one) => one.id, minimumWidth: 12 },
  { heading: 'NAME', cell: (one) => one.name },
  { heading: 'POLICY', cell: policyText },
  { heading: 'MEMBERS', align: 'right', cell: (one) => String(one.members.length) },
  { heading: 'HOSTS', align: 'right', cell: (one) => String(one.hosts.length) },
  { heading: 'PROJECT', cell: (one) => orNothing(one.projectId) },
];

/** The list of server groups in the given order. */
export function groupsView(groups: readonly ServerGroup[]): View {
  return [{ kind: 'table', table: tableOf(columns, groups) }];
}

/** One group with its members and the hosts that they are on. `nowMs`: Unix time. */
export function groupView(group: ServerGroup, nowMs: number): View {
  return [
    {
      kind: 'pairs',
      pairs: [
        ['Group', group.name],
        ['Id', group.id],
        ['Policy', policyText(group)],
        ['Project', orNothing(group.projectId)],
        ['Age', age(group.createdUnixMs, nowMs)],
      ],
    },
    { kind: 'list', title: 'Members', items: group.members },
    { kind: 'list', title: 'Hosts', items: group.hosts },
  ];
}

function policyText({ policy, maxServerPerHost }: ServerGroup): string {
  return maxServerPerHost > 1 ? `${policy}, ${maxServerPerHost} on a host` : policy;
}
