/** A plan, and what came of it, for a person: what changes and when it is felt first, then what does not and why. */
import type { SettingStatus } from '../gen/drover/v1/SettingStatus.js';
import { changesOf, readable, remarkOf, whereOf } from './plan-cells.js';
import { groupSettings, type SettingGroup } from './setting-groups.js';
import type { Tone } from './style.js';
import { tableOf, type Cell, type Column } from './table.js';
import type { Block, View } from './view.js';
import { nothing, orNothing, word } from './words.js';

type GroupColumn = Column<SettingGroup>;

const place: readonly GroupColumn[] = [
  { heading: 'TUNER', cell: ({ one }) => one.tuner, minimumWidth: 21 },
  { heading: 'SETTING', cell: ({ setting }) => setting, wraps: true, minimumWidth: 20 },
];
const outcome: GroupColumn = { heading: 'OUTCOME', cell: ({ one }) => word(one.outcome) };
const current: GroupColumn = { heading: 'NOW', cell: (group) => readable(group, group.one.now), wraps: true };
const seen: GroupColumn = { heading: 'SEEN', cell: ({ evidence }) => orNothing(evidence), wraps: true };

interface Part {
  readonly title: string;
  readonly tone?: Tone;
  /** Its settings came out in several ways. */
  readonly isMixed?: boolean;
  holds(one: SettingStatus): boolean;
}

const isChange = ({ outcome: word }: SettingStatus): boolean => word === 'pending' || word === 'changed';
const waits = (one: SettingStatus): boolean => isChange(one) || one.outcome === 'deferred';

/** In the order in which a person needs them. */
const parts: readonly Part[] = [
  { title: 'failed', tone: 'bad', holds: (one) => one.outcome === 'failed' },
  {
    title: 'takes effect at once',
    holds: (one) => isChange(one) && (one.effect === 'now' || one.effect === ''),
  },
  {
    title: 'is felt after a restart of the domain',
    holds: (one) => waits(one) && one.effect === 'domain-restart',
  },
  {
    title: 'waits for a restart of the host',
    holds: (one) => waits(one) && one.effect === 'host-reboot',
  },
  {
    title: 'is left alone',
    isMixed: true,
    holds: ({ outcome: word }) => word === 'held' || word === 'unsupported' || word === 'deferred',
  },
];

/** Blocks with a title for each kind that there is; what is in order is only counted, unless `all` is asked for. */
export function planView(settings: readonly SettingStatus[], all = false): View {
  const domains = new Set(settings.map(({ domainName, domainUuid }) => domainName || domainUuid));
  domains.delete('');
  const shown = new Set<SettingStatus>();
  const blocks = parts.flatMap((part): Block[] => {
    const own = settings.filter((one) => !shown.has(one) && part.holds(one));
    for (const one of own) shown.add(one);
    return block(part, own, domains.size, (groups) => [
      ...place,
      { heading: 'CHANGE', cell: changesOf(groups), wraps: true, minimumWidth: 26 },
      ...(part.isMixed ? [outcome] : []),
    ]);
  });
  const rest = settings.filter((one) => !shown.has(one));
  const quiet: Block[] = all
    ? block({ title: 'is in order', tone: 'good' }, rest, domains.size, () => [...place, current], seen)
    : rest.length > 0
      ? [{ kind: 'text', text: `${rest.length} in order already`, tone: 'faint' }]
      : [];
  return [...blocks, ...quiet];
}

/** A part of the plan: its columns, where, and why; a column that says nothing in any line is left out. */
function block(
  { title, tone }: Pick<Part, 'title' | 'tone'>,
  settings: readonly SettingStatus[],
  total: number,
  columnsOf: (groups: readonly SettingGroup[]) => readonly GroupColumn[],
  last?: GroupColumn,
): Block[] {
  if (settings.length === 0) return [];
  const groups = groupSettings(settings);
  const columns: readonly GroupColumn[] = [
    ...columnsOf(groups),
    { heading: 'WHERE', cell: ({ domains }) => whereOf(domains, total), wraps: true, minimumWidth: 12 },
    last ?? { heading: 'REMARK', cell: (group) => remarkOf(group, total), wraps: true, minimumWidth: 16 },
  ];
  const used = columns.filter((column) => groups.some((group) => textOf(column.cell(group)) !== nothing));
  return [
    {
      kind: 'table',
      title: `${title} (${settings.length})`,
      ...(tone && { tone }),
      table: tableOf(used, groups),
    },
  ];
}

function textOf(cell: Cell): string {
  return typeof cell === 'string' ? cell : cell.text;
}
