/** The queue of starts, a whole ordered start, and the list of guests that should run. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Guest, Stage } from '../../../../agent/guests/guest.js';
import { policyOf } from '../../../../agent/guests/policy.js';
import { StartGovernor } from '../../../../agent/guests/start/governor.js';
import {
  maximumAttempts,
  runStart,
  type RunStartOptions,
  type StartPermits,
} from '../../../../agent/guests/start/run.js';
import { maximumShouldRun } from '../../../../agent/guests/start/should-run-file.js';
import { ShouldRun } from '../../../../agent/guests/start/should-run.js';
import { maximumWaitingStarts, StartQueue } from '../../../../agent/guests/start/start-queue.js';
import type { DomainEvent } from '../../../../agent/libvirt/hypervisor.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { guestsSection } from '../../../../proto/wire/guest-settings.js';
import { until } from '../../../support/poll.js';

const quiet = { info: () => undefined, warn: () => undefined };
const limits = {
  ...{ parallel: 2, most: 64, ioPressurePercent: 40, cpuPressurePercent: 80, storageLatencyMs: 50 },
  settleMs: 50,
};
const settings = guestsSection.parse({});
const now = (): number => performance.now();
const queueOf = (parallel = 2, isSettled?: (key: string) => boolean): StartQueue => {
  const governor = new StartGovernor({ ...limits, parallel, settleMs: isSettled ? 60_000 : limits.settleMs });
  return new StartQueue({ governor, read: () => ({}), now, ...(isSettled && { isSettled }) });
};
const guest = (name: string, order = 1000, after: string[] = []): Guest => ({
  ...{ uuid: `uuid-${name}`, name, id: -1 },
  policy: policyOf({ name, guest: { order, after } }, settings),
});

/** Runs a start; `power` is asked for each guest by name. */
async function start(
  guests: readonly Guest[],
  power: (name: string) => Promise<void>,
  more: Partial<RunStartOptions> = {},
): Promise<{ stage: Stage; stages: Stage[] }> {
  const stages: Stage[] = [];
  const stage = await runStart({
    ...{
      id: 's1',
      cause: 'boot',
      guests,
      queue: queueOf(),
      signal: new AbortController().signal,
      retryMs: 10,
    },
    power: { start: (uuid) => power(uuid.slice('uuid-'.length)) },
    now: Date.now,
    report: (seen) => stages.push(seen),
    log: quiet,
    ...more,
  });
  return { stage, stages };
}
const statesOf = ({ guests }: Stage): string[] =>
  guests.map(({ name, wave, state }) => `${wave} ${name} ${state}`).toSorted();

t.test('the queue', async (t) => {
  const queue = queueOf(1);
  const signal = new AbortController().signal;
  await queue.acquire('a', signal);
  const order: string[] = [];
  const given = new AbortController();
  const b = queue.acquire('b', given.signal).catch(() => order.push('b gave up'));
  const c = queue.acquire('c', signal).then(() => order.push('c'));
  t.equal(queue.waiting, 2);
  given.abort(new Error('enough'));
  await b;
  queue.begun('a');
  await queue.settled('a', signal);
  await c;
  t.same(order, ['b gave up', 'c']);
  queue.end('c');
  queue.force('d');
  await t.rejects(queue.acquire('e', given.signal), /enough/, 'a signal that came already');
  const givers = Array.from({ length: maximumWaitingStarts }, () => new AbortController());
  const waits = givers.map(({ signal }, index) => queue.acquire(`w${index}`, signal));
  await t.rejects(queue.acquire('one more', signal), { code: 'resource-exhausted' });
  for (const giver of givers) giver.abort(new Error('over'));
  t.equal(
    (await Promise.allSettled(waits)).filter(({ status }) => status === 'rejected').length,
    maximumWaitingStarts,
  );
  queue.end('d');
  queue.stop();
});

t.test('a guest that is quiet makes room before its time', async (t) => {
  const asked: string[] = [];
  const queue = queueOf(1, (key) => asked.push(key) > 1);
  const signal = new AbortController().signal;
  await queue.acquire('a', signal);
  queue.begun('a');
  const startedMs = now();
  await queue.acquire('b', signal);
  t.ok(now() - startedMs < 10_000, 'of 60 s');
  t.same(asked, ['a', 'a']);
  queue.end('b');
});

t.test('waves in order, bounded, and told', async (t) => {
  const log: string[] = [];
  let [running, most] = [0, 0];
  const power = async (name: string): Promise<void> => {
    most = Math.max(most, ++running);
    log.push(`+${name}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
    running--;
    log.push(`-${name}`);
  };
  const guests = [
    guest('db1', 1),
    guest('db2', 1),
    guest('db3', 1),
    guest('web', 2),
    guest('late', 1, ['web']),
  ];
  const { stage, stages } = await start(guests, power);
  t.same(statesOf(stage), [
    '1 db1 running',
    '1 db2 running',
    '1 db3 running',
    '2 web running',
    '3 late running',
  ]);
  t.equal(stage.state, 'done');
  t.match(stage, { id: 's1', kind: 'start', cause: 'boot', waves: 3, message: /late .* needs web/ });
  t.equal(most, 2, 'parallel');
  t.ok(
    ['-db1', '-db2', '-db3'].every((end) => log.indexOf(end) < log.indexOf('+web')),
    'the first group first',
  );
  t.ok(log.indexOf('-web') < log.indexOf('+late'));
  t.ok(
    stages.some((seen) => statesOf(seen).includes('2 web starting')),
    'told as it goes',
  );
  t.equal(stages.at(-1), stage);
  t.same((await start([], power)).stage.state, 'done', 'nobody');
});

t.test('a guest that fails stops nobody', async (t) => {
  const tries = new Map<string, number>();
  const power = async (name: string): Promise<void> => {
    const attempt = (tries.get(name) ?? 0) + 1;
    tries.set(name, attempt);
    if (name === 'runs') throw new DroverError('already-exists', 'it runs');
    if (name === 'gone') throw new DroverError('not-found', 'no such domain');
    if (name === 'broken') throw new DroverError('libvirt-failed', 'no image');
    if (name === 'slow' && attempt === 1) throw new DroverError('unavailable', 'libvirt is not there');
    if (name === 'odd') throw new Error('what?');
  };
  const released: string[] = [];
  const permits: StartPermits = {
    acquire: async (uuid) => (uuid === 'uuid-slow' ? 'alone' : 'granted'),
    release: (uuid) => void released.push(uuid),
  };
  const owned: string[] = [];
  const own = {
    own: async (name: string) => (owned.push(`+${name}`), async () => void owned.push(`-${name}`)),
  };
  const names = ['runs', 'gone', 'broken', 'slow', 'odd'];
  const { stage } = await start([...names.map((name) => guest(name, 1)), guest('next', 2)], power, {
    permits,
    own,
  });
  t.same(statesOf(stage), [
    ...['1 broken failed', '1 gone failed', '1 odd failed', '1 runs running', '1 slow running'],
    '2 next running',
  ]);
  t.equal(stage.state, 'failed');
  t.same(Object.fromEntries(tries), { runs: 1, gone: 1, broken: maximumAttempts, slow: 2, odd: 1, next: 1 });
  const messages = Object.fromEntries(stage.guests.map(({ name, message }) => [name, message]));
  t.match(messages, { broken: /no image \(attempt 3\)/, slow: /without its leave/, runs: /ran already/ });
  t.equal(released.length, 9, 'every attempt gives its leave back');
  t.equal(owned.filter((mark) => mark.startsWith('+')).length, owned.length / 2, 'marks are taken away');
});

t.test('given up: nothing more begins, within a second', async (t) => {
  const controller = new AbortController();
  const begun: string[] = [];
  const power = (name: string): Promise<void> => {
    begun.push(name);
    return new Promise(() => undefined); // libvirt has it in hand
  };
  const guests = [guest('a', 1), guest('b', 1), guest('c', 1), guest('d', 2)];
  const running = start(guests, power, { signal: controller.signal });
  await until(() => begun.length === 2, 5_000, 'nothing began');
  const cutMs = now();
  controller.abort(new Error('the host goes down'));
  const { stage, stages } = await running;
  t.ok(now() - cutMs < 1_000, `${now() - cutMs} ms`);
  t.same(statesOf(stage), ['1 a starting', '1 b starting', '1 c left', '2 d left']);
  t.equal(stage.state, 'cut-off');
  t.match(stage.guests.find(({ name }) => name === 'a')?.message, /left to libvirt/);
  t.same(begun, ['a', 'b']);
  t.equal(stages.at(-1), stage);
  const aborted = AbortSignal.abort(new Error('before it began'));
  t.same(statesOf((await start([guest('a')], power, { signal: aborted })).stage), ['1 a left']);
  const fleet = new AbortController();
  const permits: StartPermits = {
    acquire: (_uuid, signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    release: () => undefined,
  };
  const waiting = start([guest('a')], power, { permits, signal: fleet.signal });
  setTimeout(() => fleet.abort(new Error('off')), 50);
  t.same(statesOf((await waiting).stage), ['1 a left'], 'also while the fleet is asked');
});

t.test('who should run', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-should-run-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'should-run.json');
  const warnings: string[] = [];
  const log = { warn: (_fields: object, message: string) => void warnings.push(message) };
  const load = (bootId: string, settleMs = 50) => ShouldRun.load({ file, bootId, log, settleMs });
  const names = (list: ShouldRun): string[] => list.guests.map(({ name }) => name);
  const domain = (name: string, id = 1) => ({ uuid: `uuid-${name}`, name, id });
  const event = (name: string, kind: DomainEvent['kind'], detail?: string): DomainEvent => ({
    ...{ uuid: `uuid-${name}`, name, kind },
    ...(detail !== undefined && { detail }),
  });
  const onDisk = async (bootId: string): Promise<string[]> => names(await load(bootId));

  const first = await load('boot-1');
  t.equal(first.isNewBoot, false, 'no file: nothing is known of an earlier boot');
  await first.reconcile([domain('a'), domain('off', -1)]);
  for (const name of ['b', 'c', 'd', 'e', 'f', 'g']) first.heard(event(name, 'started', 'booted'));
  first.heard(event('a', 'stopped', 'crashed'));
  first.heard(event('b', 'stopped', 'shutdown'));
  first.heard(event('c', 'stopped', 'destroyed'));
  first.heard(event('d', 'stopped', 'migrated'));
  first.heard(event('e', 'stopped', 'saved'));
  first.heard(event('f', 'stopped', 'shutdown'));
  first.heard(event('f', 'started', 'booted'));
  first.heard(event('g', 'stopped', 'failed'));
  first.heard(event('unknown', 'stopped', 'shutdown'));
  t.same(names(first), ['a', 'b', 'c', 'e', 'f', 'g'], 'who moved is out at once, the others after a while');
  await until(() => names(first).length === 3, 5_000, 'removals did not come');
  t.same(names(first), ['a', 'f', 'g'], 'crashed, started again, failed');
  await until(async () => (await onDisk('boot-1')).length === 3, 5_000, 'not on disk');

  // The host goes down: what was seen in the last seconds, and what comes, counts for nothing but a move.
  first.heard(event('a', 'stopped', 'destroyed'));
  first.freeze();
  first.heard(event('f', 'stopped', 'shutdown'));
  first.heard(event('new', 'started', 'booted'));
  first.heard(event('g', 'stopped', 'migrated'));
  await new Promise((resolve) => setTimeout(resolve, 120));
  t.same(names(first), ['a', 'f']);
  await first.close();
  t.same(await onDisk('boot-1'), ['a', 'f']);

  // After the boot both are to be resumed, also when the agent starts a second time before all were.
  const second = await load('boot-2');
  t.equal(second.isNewBoot, true);
  t.same(
    second.held.map(({ name }) => name),
    ['a', 'f'],
  );
  await second.reconcile([domain('a', -1), domain('f', -1), domain('x')]);
  t.same(names(second), ['a', 'f', 'x']);
  second.heard(event('a', 'started', 'booted'));
  await until(async () => (await load('boot-2')).held.length === 1, 5_000, 'not on disk');
  const again = await load('boot-2');
  t.equal(again.isNewBoot, false);
  await again.reconcile([domain('a'), domain('f', -1), domain('x', -1)]);
  t.same(names(again), ['a', 'f'], 'x was turned off while nobody looked; f still waits');
  t.same(
    again.held.map(({ name }) => name),
    ['f'],
  );
  await again.forget(['uuid-f']);
  t.same(await onDisk('boot-2'), ['a']);

  // Turned off by this host: it stays.
  await again.hold(['uuid-a', 'uuid-none']);
  again.heard(event('a', 'stopped', 'shutdown'));
  await new Promise((resolve) => setTimeout(resolve, 120));
  t.same(names(await load('boot-2')), ['a']);
  await again.reconcile([domain('a', -1)]);
  t.same(names(again), ['a']);
  again.freeze();
  await again.reconcile([]);
  again.thaw();
  t.same(names(again), ['a'], 'frozen');
  await again.reconcile([]);
  t.same(names(again), [], 'not defined any longer');

  // The limit, and a damaged file.
  await again.reconcile(Array.from({ length: maximumShouldRun + 2 }, (_, index) => domain(`n${index}`)));
  t.equal(again.guests.length, maximumShouldRun);
  t.match(warnings, [/4096 guests should run already/]);
  await again.close();
  writeFileSync(file, readFileSync(file, 'utf8').replace('"n7"', '"n8"'));
  t.same(await onDisk('boot-3'), []);
  t.ok(existsSync(`${file}.damaged`));
  t.match(warnings.at(-1), /counts as none/);
});
