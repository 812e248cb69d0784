/** The journal of a host, read from outside, also while the host is off. */
import { join } from 'node:path';
import { runner } from '../hypervisor/command.js';

export interface Entry {
  /** Since the machine booted: the machine's hosts share the clock. */
  readonly atMs: number;
  /** The unit that wrote it, or of which systemd writes. */
  readonly unit: string;
  readonly message: string;
  /** What systemd says of a unit: `starting`, `started`, `stopping`, `stopped`, `failed`,
   * and `ended` when the last process of it has ended by itself or as asked; else empty. */
  readonly event: UnitEvent | '';
}

export type UnitEvent = 'starting' | 'started' | 'stopping' | 'stopped' | 'ended' | 'failed';

/** systemd's catalogue of messages (sd-messages.h). */
const events: Readonly<Record<string, UnitEvent>> = {
  '7d4958e842da4a758f6c1cdc7b36dcc5': 'starting',
  '39f53479d3a045ac8e11786248231fbf': 'started',
  de5b426a63be47a7b6ac3eaac82e2f6f: 'stopping',
  '9d1aaa27d60140bd96365438aad20286': 'stopped',
  '7ad2d189f7e94e70a38c781354912448': 'ended',
  be02cf6855d2428ba40df7e9d022f03d: 'failed',
};

/** Every entry of one boot, oldest first. */
export async function readJournal(root: string, bootId: string): Promise<Entry[]> {
  const directory = join(root, 'var/log/journal');
  const boot = `_BOOT_ID=${bootId.replaceAll('-', '')}`;
  const argv = [...journalctl, '-D', directory, boot];
  return parseJournal(await runner()(argv, { timeoutMs: 30_000 }));
}

/** What to run for a text that `parseJournal` reads; which boot is to be added. */
export const journalctl = ['journalctl', '--quiet', '--no-pager', '--output=json', '--all'] as const;

export function parseJournal(text: string): Entry[] {
  const lines = text.split('\n').filter(Boolean);
  return lines.map((line) => entryOf(JSON.parse(line) as Fields));
}

type Fields = Readonly<Record<string, string | readonly number[] | null | undefined>>;

function entryOf(fields: Fields): Entry {
  return {
    atMs: Number(fields['__MONOTONIC_TIMESTAMP']) / 1000,
    unit: text(fields['UNIT'] ?? fields['_SYSTEMD_UNIT']),
    message: text(fields['MESSAGE']),
    event: events[text(fields['MESSAGE_ID'])] ?? '',
  };
}

/** What is not UTF-8 text comes as a list of bytes. */
function text(field: Fields[string]): string {
  if (typeof field === 'string') return field;
  return field ? Buffer.from([...field]).toString('utf8') : '';
}

/** Units to which this happened, in the journal's order; the last time of each counts. */
export function orderOf(journal: readonly Entry[], event: UnitEvent, units: RegExp): string[] {
  const times = new Map<string, number>();
  for (const { event: happened, unit, atMs } of journal)
    if (happened === event && units.test(unit)) times.set(unit, atMs);
  return [...times].toSorted(([, a], [, b]) => a - b).map(([unit]) => unit);
}
