/** A tuner's manual for a terminal: what `drover explain tuner NAME` prints. */
import type { ManualSetting, TunerManual } from '../tuners/manual/manual.js';
import { tableOf, type Column } from './table.js';
import type { View } from './view.js';
import { orNothing } from './words.js';

const settingColumns: readonly Column<ManualSetting>[] = [
  { heading: 'SETTING', cell: ({ name }) => name, minimumWidth: 34 },
  { heading: 'WHAT', cell: ({ what }) => what, minimumWidth: 24, wraps: true },
  { heading: 'VALUES', cell: ({ values }) => values, minimumWidth: 16, wraps: true },
  { heading: 'DEFAULT', cell: ({ default: usual }) => orNothing(usual), wraps: true },
  { heading: 'SINCE', cell: ({ since }) => since, wraps: true },
  { heading: 'FELT', cell: ({ effect }) => effectWords[effect], wraps: true },
];

const writesColumns: readonly Column<ManualSetting>[] = [
  { heading: 'SETTING', cell: ({ name }) => name, minimumWidth: 34 },
  { heading: 'WRITES', cell: ({ writes }) => writes, wraps: true },
];

const specColumns: readonly Column<{ readonly name: string; readonly becomes: string }>[] = [
  { heading: 'EXTRA SPEC', cell: ({ name }) => name },
  { heading: 'BECOMES', cell: ({ becomes }) => becomes, wraps: true },
];

/** When a change is felt, in words. */
export const effectWords = {
  now: 'at once',
  'domain-restart': 'after a restart of the domain',
  'host-reboot': 'after a restart of the host',
} as const;

/** Blocks in the order in which a person asks: what, which settings, which file, how it is seen, how it is undone. */
export function manualView(manual: TunerManual): View {
  const { name, summary, settings, extraSpecs = [] } = manual;
  return [
    { kind: 'text', text: `${name}: ${summary}`, tone: 'strong' },
    { kind: 'table', title: 'settings', table: tableOf(settingColumns, settings) },
    { kind: 'table', title: 'what is written', table: tableOf(writesColumns, settings) },
    ...(extraSpecs.length > 0
      ? [{ kind: 'table', title: 'extra specs', table: tableOf(specColumns, extraSpecs) } as const]
      : []),
    {
      kind: 'pairs',
      title: 'how it is kept',
      wraps: true,
      pairs: [
        ['knobs', orNothing(manual.knobs.join(', '))],
        ['verify', manual.verify],
        ['undo', manual.undo],
        ['other owners', orNothing(manual.owners.join(', '))],
      ],
    },
    { kind: 'list', title: 'limits', items: manual.limits },
    { kind: 'list', title: 'sources', items: manual.sources },
    { kind: 'text', text: 'for example', tone: 'strong' },
    { kind: 'verbatim', text: `tuners:\n${indented(manual.example)}` },
  ];
}

const indexColumns: readonly Column<TunerManual>[] = [
  { heading: 'TUNER', cell: ({ name }) => name, minimumWidth: 24 },
  { heading: 'WHAT', cell: ({ summary }) => summary, wraps: true },
];

/** A line for each tuner, in the order in which they run. */
export function manualsView(manuals: readonly TunerManual[]): View {
  return [{ kind: 'table', table: tableOf(indexColumns, manuals) }];
}

function indented(example: string): string {
  return example
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
}
