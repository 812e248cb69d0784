/** Starts that others ask for: the spool of the agent, and the real hook script in a real shell. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { StartGovernor } from '../../../../agent/guests/start/governor.js';
import {
  maximumWaitingRequests,
  StartSpool,
  type StartSpoolOptions,
} from '../../../../agent/guests/start/spool.js';
import { StartQueue } from '../../../../agent/guests/start/start-queue.js';
import { until } from '../../../support/poll.js';

const script = join(import.meta.dirname, '../../../../../systemd/libvirt-hook-qemu');
const uptimeSeconds = (): number => Math.floor(Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]));
const xml = (uuid: string): string =>
  `<domain>\n  <uuid>${uuid}</uuid>\n<sysinfo><uuid>0-0</uuid></sysinfo></domain>\n`;

interface Hook {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; ms: number; stderr: string }>;
}

/** The script as libvirt runs it: arguments, and the domain's XML on standard input. */
function hook(spool: string, name: string, operation = 'prepare', uuid = `uuid-${name}`): Hook {
  const startedMs = performance.now();
  const child = spawn('sh', [script, name, operation, 'begin', '-'], {
    env: { PATH: process.env['PATH'], DROVER_STARTS: spool },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(xml(uuid.replaceAll(/[^0-9a-f-]/g, '')));
  const ended = new Promise<{ code: number | null; ms: number; stderr: string }>((resolve) =>
    child.once('close', (code) => resolve({ code, ms: performance.now() - startedMs, stderr })),
  );
  return { child, ended };
}

const directoryOf = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-starts-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

function bench(parallel: number, more: Partial<StartSpoolOptions> = {}) {
  const directory = more.directory ?? directoryOf();
  const limits = { parallel, most: 64, ioPressurePercent: 40, cpuPressurePercent: 80, storageLatencyMs: 50 };
  const governor = new StartGovernor({ ...limits, settleMs: 600_000 });
  const queue = new StartQueue({ governor, read: () => ({}), now: () => performance.now() });
  const warnings: string[] = [];
  const log = {
    info: () => undefined,
    warn: (_fields: object, message: string) => void warnings.push(message),
  };
  const spool = new StartSpool({ directory, queue, uptimeSeconds, log, lookEveryMs: 200, ...more });
  return { directory, queue, governor, spool, warnings };
}
const requests = (directory: string): string[] =>
  readdirSync(directory).filter((name) => /^request\.\d+$/.test(name));

t.test('without an agent the hook lets everything pass at once', async (t) => {
  const now = uptimeSeconds();
  const beats: readonly (readonly [string, string | undefined])[] = [
    ['no file', undefined],
    ['an old beat', `${now - 60} 300\n`],
    ['a beat of another boot', `${now + 10_000} 300\n`],
    ['no number', 'x y\n'],
    ['an expression', '$(touch /tmp/x) 1\n'],
    ['half', `${now}\n`],
    ['too long a number', `${now}${now}${now} 300\n`],
    ['empty', ''],
  ];
  for (const [name, beat] of beats) {
    const directory = directoryOf();
    if (beat !== undefined) writeFileSync(join(directory, 'alive'), beat);
    const { code, stderr } = await hook(directory, 'vm').ended;
    t.same({ code, stderr }, { code: 0, stderr: '' }, name);
    t.same(requests(directory), [], name);
  }
  t.equal((await hook('/nonexistent/x', 'vm').ended).code, 0);
});

t.test('a start waits for its turn', async (t) => {
  const { directory, queue, governor, spool } = bench(1);
  t.teardown(() => spool.stop());
  writeFileSync(join(directory, 'own.left'), '');
  await spool.start();
  t.notOk(existsSync(join(directory, 'own.left')), 'marks of an agent before are gone');
  t.equal(statSync(join(directory, 'alive')).mode & 0o777, 0o600);
  const first = await hook(directory, 'first', 'prepare', 'aaaa').ended;
  t.equal(first.code, 0);
  t.ok(governor.isUnderWay('aaaa', performance.now()), 'it counts, by its UUID');
  const second = hook(directory, 'second', 'prepare', 'bbbb');
  await until(() => spool.waiting === 1, 5_000, 'it did not ask');
  await new Promise((resolve) => setTimeout(resolve, 600));
  t.equal(second.child.exitCode, null, 'it waits');
  queue.end('aaaa');
  t.same({ ...(await second.ended), ms: 0 }, { code: 0, ms: 0, stderr: '' });
  await until(() => requests(directory).length === 0, 5_000, 'a request was left');

  for (const operation of ['start', 'started', 'release', 'reconnect', 'attach'])
    t.equal((await hook(directory, 'x', operation).ended).code, 0, `${operation} is nothing to wait for`);
  const disown = await spool.own('mine');
  const other = await spool.own('mine');
  t.equal((await hook(directory, 'mine').ended).code, 0, "Drover's own start has had its turn");
  await other();
  t.ok(existsSync(join(directory, 'own.mine')), 'two marks');
  await disown();
  t.notOk(existsSync(join(directory, 'own.mine')));
  const long = 'n'.repeat(230);
  const disownLong = await spool.own(long);
  t.equal((await hook(directory, long).ended).code, 0, 'a name that is too long for a mark');
  await disownLong();
  t.equal((await hook(directory, 'moves', 'migrate').ended).code, 0);
  t.ok(existsSync(join(directory, 'incoming.moves')));
  t.equal((await hook(directory, 'moves').ended).code, 0, 'a guest that moves here is not held up');
  t.notOk(existsSync(join(directory, 'incoming.moves')), 'once');
  t.equal((await hook(directory, '../evil').ended).code, 0);
});

t.test('who waits goes on when the agent ends, hangs or the time is over', async (t) => {
  const { directory, spool } = bench(1, { waitSeconds: 2 });
  await spool.start();
  await hook(directory, 'first', 'prepare', 'aaaa').ended;
  const late = await hook(directory, 'late', 'prepare', 'bbbb').ended;
  t.equal(late.code, 0);
  t.ok(late.ms >= 900, `${late.ms} ms`);
  await until(() => spool.waiting === 0, 5_000, 'the agent still counts it');
  const killed = hook(directory, 'killed', 'prepare', 'cccc');
  await until(() => spool.waiting === 1, 5_000, 'it did not ask');
  killed.child.kill('SIGTERM');
  t.equal((await killed.ended).code, 0, 'also when it is told to end');
  await until(() => spool.waiting === 0, 5_000, 'the agent still waits for it');
  const last = hook(directory, 'last', 'prepare', 'dddd');
  await until(() => spool.waiting === 1, 5_000, 'it did not ask');
  await spool.stop();
  t.equal((await last.ended).code, 0);
  t.notOk(existsSync(join(directory, 'alive')));

  const hung = directoryOf();
  const beat = join(hung, 'alive');
  writeFileSync(beat, `${uptimeSeconds() - 9} 300\n`);
  utimesSync(beat, 0, 0);
  const { code, ms } = await hook(hung, 'vm').ended;
  t.equal(code, 0);
  t.ok(ms < 10_000, `a beat that stops is given ten seconds in all: ${ms} ms`);
  t.same(requests(hung), [], 'it takes its request along');
});

t.test('too many that wait, and leave of the fleet', async (t) => {
  const asked: string[] = [];
  const released: string[] = [];
  const permits = {
    acquire: async (uuid: string) => (asked.push(uuid), 'alone' as const),
    release: (uuid: string) => void released.push(uuid),
  };
  const { directory, queue, spool, warnings } = bench(1, { permits });
  t.teardown(() => spool.stop());
  await spool.start();
  for (let index = 0; index <= maximumWaitingRequests; index++)
    writeFileSync(join(directory, `request.${index}`), `vm${index}\naa${index}\n`);
  await until(() => spool.waiting === maximumWaitingRequests, 5_000, 'not all wait');
  t.same(asked.length, 1, 'one has its turn');
  t.same(warnings, []);
  writeFileSync(join(directory, 'request.99'), 'vm99\naa99\n');
  await until(() => warnings.length > 0, 5_000, 'nobody was let pass');
  t.match(warnings, [/too many starts wait/]);
  await until(() => requests(directory).length === maximumWaitingRequests, 5_000, 'the oldest still waits');
  t.equal(spool.waiting, maximumWaitingRequests);
  queue.end(asked[0] as string);
  await until(() => released.includes(asked[0] as string), 5_000, 'the leave was not given back');
});
