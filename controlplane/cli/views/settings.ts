/** Settings of the scheduler: the list, and one with what it means. */
import type { SchedulerSetting } from '../../../proto/gen/drover/v1/SchedulerSetting.js';
import { tableOf, type Cell, type Column } from '../../../proto/output/table.js';
import type { View } from '../../../proto/output/view.js';
import { orNothing } from '../../../proto/output/words.js';

const columns: readonly Column<SchedulerSetting>[] = [
  { heading: 'SETTING', cell: (one) => one.name, minimumWidth: 12 },
  { heading: 'VALUE', cell: valueCell, wraps: true },
  { heading: 'DEFAULT', cell: defaultCell, wraps: true },
];

/** Settings in the given order. */
export function settingsView(settings: readonly SchedulerSetting[]): View {
  return [{ kind: 'table', table: tableOf(columns, settings) }];
}

/** One setting with its default and what it means. */
export function settingView(setting: SchedulerSetting): View {
  return [
    {
      kind: 'pairs',
      wraps: true,
      pairs: [
        ['Setting', setting.name],
        ['Value', valueCell(setting)],
        ['Default', spaced(setting.defaultValue)],
        ['Meaning', setting.help],
      ],
    },
  ];
}

/** A value that is not the default stands out. */
function valueCell({ value, defaultValue }: SchedulerSetting): Cell {
  return { text: spaced(value), tone: value === defaultValue ? undefined : 'warning' };
}

function defaultCell({ value, defaultValue }: SchedulerSetting): Cell {
  return value === defaultValue ? { text: 'the same', tone: 'faint' } : spaced(defaultValue);
}

/** A list of names is easier to read with blanks. */
function spaced(text: string): string {
  return orNothing(text.replaceAll(/,(?=\S)/g, ', '));
}
