/** Three guests whose order matters, and what must be true of a host's shutdown and boot with them. */
import type { Run } from '../../scripts/hypervisor/command.js';
import { runningGuests, tapOf } from '../../scripts/systemd-host/guests.js';
import { orderOf, type Entry } from '../../scripts/systemd-host/journal.js';
import { guestPorts, isAlive } from '../../scripts/systemd-host/ports.js';
import type { GuestSettings } from '../../proto/wire/guest-settings.js';
import type { GuestsSection } from './systemd-drover.js';

/** Two that obey, one after the other, and one that is deaf, in the first wave of the stop. */
export function fleetOf(deafGraceSeconds: number) {
  return [
    { name: 'database', kind: 'obedient', tag: 42, words: { order: 10 } },
    { name: 'web', kind: 'obedient', words: { order: 20, after: 'database' } },
    { name: 'deaf', kind: 'idle', words: { order: 20, grace_seconds: deafGraceSeconds } },
  ] as const;
}

/** Guests run again after a boot, whatever else the machine that runs the tests has to do. */
export const startAtOnce: Partial<GuestSettings['start']> = {
  resume_guests_state_on_host_boot: true,
  settle_seconds: 0,
  ...{ io_pressure_percent: 100, cpu_pressure_percent: 100, storage_latency_ms: 60_000 },
};

/** The profile that goes with them. */
export const fleetSettings: GuestsSection = {
  stop: { budget_seconds: 120, grace_seconds: 60, ask: ['acpi'] },
  start: startAtOnce,
};

const scope = (guest: string): RegExp => new RegExp(`^machine-qemu.*${guest}\\.scope$`);
const units: Readonly<Record<string, RegExp>> = {
  web: scope('web'),
  deaf: scope('deaf'),
  database: scope('database'),
  stage: /^drover-guests\.service$/,
  libvirt: /^(libvirtd|virtqemud)\.service$/,
  switch: /^ovs-vswitchd\.service$/,
  switchDatabase: /^ovsdb-server\.service$/,
};

/** When each was gone, in milliseconds; NaN: the journal does not say. */
export function goneTimes(journal: readonly Entry[]): Readonly<Record<keyof typeof units, number>> {
  const gone = journal.filter(({ event }) => event === 'stopped' || event === 'ended');
  const last = (unit: RegExp): number => gone.findLast((entry) => unit.test(entry.unit))?.atMs ?? Number.NaN;
  return Object.fromEntries(Object.entries(units).map(([what, unit]) => [what, last(unit)]));
}

/** The times in words, from the first on. */
export function sayTimes(times: Readonly<Record<string, number>>): string {
  const first = Math.min(...Object.values(times).filter((time) => !Number.isNaN(time)));
  const words = Object.entries(times).map(([what, at]) => `${what} +${((at - first) / 1000).toFixed(2)} s`);
  return words.join(', ');
}

/** What was not as it must be in a shutdown that has ended. `slackMs`: what a stop takes besides the grace. */
export function stopFaults(journal: readonly Entry[], deafGraceMs: number, slackMs: number): string[] {
  const times = goneTimes(journal);
  const at = (what: string): number => times[what] ?? Number.NaN;
  const order = ['web', 'deaf', 'database', 'stage', 'libvirt', 'switch', 'switchDatabase'];
  const late = order
    .slice(1)
    .filter((what, index) => !(at(order[index] as string) <= at(what)))
    .map((what) => `${what} was not gone after ${order[order.indexOf(what) - 1]}: ${sayTimes(times)}`);
  const waitMs = at('deaf') - at('web');
  const harm = journal.filter(({ message }) => /Unable to delete port|inhibitor timeout is/.test(message));
  return [
    ...late,
    ...(waitMs < deafGraceMs - slackMs ? [`the deaf guest was ended ${waitMs} ms after the other`] : []),
    ...(waitMs > deafGraceMs + slackMs ? [`the deaf guest held the host up for ${waitMs} ms`] : []),
    ...harm.map(({ message }) => message),
  ];
}

/** True when as many guests run as there are. */
export const allBack = async (run: Run): Promise<boolean> => (await runningGuests(run)).length === 3;

/** What is not as it must be after the boot, when all guests are back. `journal`: of this boot. */
export async function backFaults(run: Run, journal: readonly Entry[]): Promise<string[]> {
  const ports = await guestPorts(run);
  const tap = await tapOf(run, 'database');
  const tag = ports.find(({ name }) => name === tap)?.tag;
  const [first] = orderOf(journal, 'started', /^machine-qemu.*\.scope$/);
  return [
    ...(ports.length === 3 ? [] : [`${ports.length} ports for 3 guests`]),
    ...ports.filter((port) => !isAlive(port)).map((port) => `a dead port: ${JSON.stringify(port)}`),
    ...(tag === 42 ? [] : [`the port of the database has the tag ${tag}`]),
    ...(first !== undefined && scope('database').test(first) ? [] : [`${first} was started first`]),
  ];
}
