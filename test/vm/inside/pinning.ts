/** vcpu-pinning on cores with two threads: whom each policy gives which CPUs, by the masks of the threads. */
import type { TunerSettings } from '../../../proto/wire/tuner-settings.js';
import type { Checks } from './checks.js';
import { endGuest, startGuest } from './guests.js';
import { text } from './kernel-files.js';
import { inWords, type LocalHost } from './local-host.js';
import { masksOf, type Masks } from './threads.js';

/** Two vCPUs and an I/O thread; and one vCPU. */
export const [pair, single] = ['vm-pair', 'vm-single'];

/** Cores of this machine: 0+1 and 2+3 in cell 0, 4+5 and 6+7 in cell 1. CPUs 0 and 1 are the host's and the many's. */
const sets = { reserved: '0', shared: '1', dedicated: '2-7', cross_cell_limit_mb: 4_096 };
type Sets = NonNullable<TunerSettings['vcpu-pinning']>;

interface PinCase {
  readonly what: string;
  /** Extra specs of the pair; the other domain has one dedicated vCPU where `withSingle`. */
  readonly specs: Record<string, string>;
  readonly withSingle?: true;
  readonly sets?: Partial<Sets>;
  /** Words for each thing that is not as it should be. */
  faults(pair: Masks, single: Masks): string[];
}

const dedicated = { 'hw:cpu_policy': 'dedicated' };
const threads = (policy: string): Record<string, string> => ({
  ...dedicated,
  'hw:cpu_thread_policy': policy,
});

const cases: readonly PinCase[] = [
  { what: 'shared', specs: {}, faults: (own) => all(own, '1') },
  { what: 'dedicated', specs: dedicated, faults: (own) => [...ownCpus(own, 2, 7), ...together(own)] },
  {
    what: 'prefer',
    specs: threads('prefer'),
    faults: (own) => [...ownCpus(own, 2, 7), ...areSiblings(own, true)],
  },
  {
    what: 'require',
    specs: threads('require'),
    faults: (own) => [...ownCpus(own, 2, 7), ...areSiblings(own, true)],
  },
  {
    what: 'isolate, and no other domain on the siblings',
    specs: threads('isolate'),
    withSingle: true,
    faults: (own, other) => [
      ...ownCpus(own, 4, 7),
      ...areSiblings(own, false),
      ...word('the other domain', other['vcpu 0'], '2 or 3', /^[23]$/),
    ],
  },
  {
    what: 'mixed',
    specs: { 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '1' },
    faults: (own) => [
      ...word('vcpu 0', own['vcpu 0'], '1', /^1$/),
      ...word('vcpu 1', own['vcpu 1'], 'one of 2-7', /^[2-7]$/),
    ],
  },
  {
    what: 'emulator on a CPU of its own',
    specs: { ...dedicated, 'hw:emulator_threads_policy': 'isolate' },
    faults: (own) => [
      ...ownCpus(own, 2, 7),
      ...word('emulator', own['emulator'], 'one of 2-7', /^[2-7]$/),
      ...(own['emulator'] === own['vcpu 0'] || own['emulator'] === own['vcpu 1']
        ? ['the emulator is on a vCPU']
        : []),
      ...word('iothread 1', own['iothread 1'], own['emulator'] ?? '', new RegExp(`^${own['emulator']}$`)),
    ],
  },
  {
    what: 'emulator on the shared CPUs',
    specs: { ...dedicated, 'hw:emulator_threads_policy': 'share' },
    faults: (own) => [...ownCpus(own, 2, 7), ...word('emulator', own['emulator'], '1', /^1$/)],
  },
  {
    what: 'other sets: everything moves',
    specs: dedicated,
    sets: { reserved: '4-5', shared: '0-1', dedicated: '6-7' },
    faults: (own) => ownCpus(own, 6, 7),
  },
];

/** Each case from the masks of the start, in one cell; then what cannot be had, and undo. */
export async function checkPinning(checks: Checks, host: LocalHost): Promise<void> {
  const start = [masksOf(pair), masksOf(single)];
  for (const each of cases) {
    const entries = await host.enforce(settingsOf(each));
    const [own, other] = [masksOf(pair), masksOf(single)];
    const bad = entries.filter(({ outcome }) => outcome === 'change' || outcome === 'failed').map(inWords);
    checks.equal(`pinning, ${each.what}`, [...each.faults(own, other), ...bad], []);
    checks.say(`     ${shown(own)}${each.withSingle ? `; the other: ${shown(other)}` : ''}`);
  }
  await checkRefusal(checks, host);
  checks.equal('pinning: undone without failures', await host.revert(), []);
  checks.equal('pinning: every mask is as it was', [masksOf(pair), masksOf(single)], start);
}

/** One thread of each core only: no domain can have a whole core, and nothing is touched. */
async function checkRefusal(checks: Checks, host: LocalHost): Promise<void> {
  const [before] = [masksOf(pair)];
  const settings = settingsOf({ specs: threads('require'), sets: { dedicated: '2,4' } });
  const entries = (await host.apply(settings)).filter(({ knob }) => knob.domain?.name === pair);
  checks.equal('pinning, no whole core: held', [...new Set(entries.map(({ outcome }) => outcome))], ['held']);
  checks.equal('pinning, no whole core: nothing written', masksOf(pair), before);
  checks.say(`     ${entries[0]?.reason}`);
}

function settingsOf({
  specs,
  withSingle,
  sets: other,
}: Pick<PinCase, 'specs' | 'withSingle' | 'sets'>): TunerSettings {
  return {
    'qos-classes': { classes: { pair: specs, single: withSingle ? dedicated : {} } },
    'vcpu-pinning': { ...sets, ...other },
  };
}

function word(who: string, got: string | undefined, words: string, want: RegExp): string[] {
  return want.test(got ?? '') ? [] : [`${who} on ${got}, not ${words}`];
}

function all(masks: Masks, list: string): string[] {
  return Object.entries(masks).flatMap(([who, got]) =>
    got === list ? [] : [`${who} on ${got}, not ${list}`],
  );
}

/** Both vCPUs alone on a CPU from first to last, two different ones in one cell. */
function ownCpus(masks: Masks, first: number, last: number): string[] {
  const cpus = [masks['vcpu 0'], masks['vcpu 1']].map(Number);
  const [a = NaN, b = NaN] = cpus;
  return [
    ...cpus.flatMap((cpu) =>
      cpu >= first && cpu <= last ? [] : [`a vCPU on ${cpu}, not one of ${first}-${last}`],
    ),
    ...(a === b ? ['both vCPUs on one CPU'] : []),
    ...(Math.floor(a / 4) === Math.floor(b / 4) ? [] : ['the vCPUs are in two cells']),
  ];
}

/** Without a policy the emulator runs where the vCPUs do. */
function together(masks: Masks): string[] {
  const [a, b] = [masks['vcpu 0'], masks['vcpu 1']].map(Number).toSorted((x, y) => x - y) as [number, number];
  return word('emulator', masks['emulator'], `${a} and ${b}`, new RegExp(`^${a}[,-]${b}$`));
}

function areSiblings(masks: Masks, want: boolean): string[] {
  const list = text(`/sys/devices/system/cpu/cpu${masks['vcpu 0']}/topology/thread_siblings_list`);
  const is = list.split(/[,-]/).includes(masks['vcpu 1'] ?? '');
  return is === want
    ? []
    : [`vCPUs on ${masks['vcpu 0']} and ${masks['vcpu 1']} are ${is ? '' : 'no '}siblings`];
}

const shown = (masks: Masks): string =>
  Object.entries(masks)
    .map(([who, list]) => `${who} on ${list}`)
    .join(', ');

export async function startPinned(): Promise<void> {
  await startGuest(pair, { guest: 'idle', vcpus: 2, ioThreads: 1, qosClass: 'pair' });
  await startGuest(single, { guest: 'idle', vcpus: 1, qosClass: 'single' });
}

export async function endPinned(): Promise<void> {
  await endGuest(pair);
  await endGuest(single);
}
