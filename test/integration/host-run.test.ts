/** `make run` from start to end on this machine: a real domain, real settings, a killed agent, a killed run, no root. */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { runner, succeeds } from '../../scripts/hypervisor/command.js';
import { until } from '../support/poll.js';

const build = fileURLToPath(new URL('../../', import.meta.url));
const state = mkdtempSync(join(tmpdir(), 'drover-run-'));
const run = runner();

/** Ends what a run that was killed, or a test that failed, left behind in a state directory. */
function endPrograms(directory: string): void {
  for (const name of ['agent', 'sim', 'controlplane']) {
    const pid = Number(kernel(join(directory, `run/${name}.pid`)));
    if (pid && kernel(`/proc/${pid}/cmdline`).includes(directory)) process.kill(pid, 'SIGKILL');
  }
}

t.teardown(() => {
  endPrograms(state);
  rmSync(state, { recursive: true, force: true });
});
const isRoot = process.getuid?.() === 0;

interface Running {
  readonly process: ChildProcess;
  output(): string;
  /** Resolves with the exit code. */
  ended: Promise<number | null>;
}

function start(prefix: readonly string[] = [], directory = state): Running {
  const [program, ...argv] = [...prefix, process.execPath, join(build, 'scripts/run.js')];
  const child = spawn(program, argv, {
    env: { ...process.env, DROVER_STATE: directory, DROVER_SIMULATED_HOSTS: '3' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  t.teardown(() => child.kill('SIGKILL'));
  return { process: child, output: () => text, ended: new Promise((resolve) => child.once('exit', resolve)) };
}

const ready = (running: Running) =>
  until(
    () => {
      if (running.process.exitCode !== null) throw new Error(`ended: ${running.output()}`);
      return /drover ready: api \S+:\d+/.exec(running.output())?.[0];
    },
    60_000,
    'ready',
  ).catch((error: Error) => {
    t.comment(running.output());
    throw error;
  });

const kernel = (file: string): string => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '');
const global = (): string[] =>
  ['ksm/run', 'transparent_hugepage/enabled', 'transparent_hugepage/defrag'].map((file) =>
    kernel(`/sys/kernel/mm/${file}`),
  );

const drover = (argv: readonly string[], directory = state): Promise<string> =>
  run(
    [
      'env',
      `DROVER_CONTEXT=${directory}/context.json`,
      process.execPath,
      join(build, 'controlplane/cli/bin.js'),
      ...argv,
    ],
    { timeoutMs: 20_000 },
  );
const agent = (argv: readonly string[]): Promise<string> =>
  run([process.execPath, join(build, 'agent/bin.cjs'), ...argv, '--config', join(state, 'agent.yaml')], {
    timeoutMs: 20_000,
  });

const quotaFile = (): string => {
  const pid = readFileSync('/run/libvirt/qemu/drover-demo.pid', 'utf8').trim();
  const path = /^\d+:cpu(?:,cpuacct)?:(.*)\/emulator$/m.exec(kernel(`/proc/${pid}/cgroup`))?.[1];
  return `/sys/fs/cgroup/cpu${path}/vcpu0/cpu.cfs_quota_us`;
};

const root = isRoot ? {} : { skip: 'needs root to tune this machine' };

t.test('everything comes up, is in force, survives the agent, and goes back', root, async (t) => {
  const before = global();
  const first = start();
  await ready(first);
  t.match(first.output(), /plan of .*: \d+ settings, [1-9]\d* pending/, 'the plan was shown');
  t.match(first.output(), /thread CPU 0\/KVM may run on\s+CPU \S+/, 'affinity was read back');
  t.match(first.output(), /^[0-4] of 4 hosts fit\./m, 'placement was explained');
  t.match(JSON.parse(await drover(['host', 'list', '--output', 'json'])), { total: 4 });
  t.equal(kernel(quotaFile()), '80000', 'the quota is in the kernel');
  t.match(kernel('/sys/kernel/mm/transparent_hugepage/enabled'), /\[always\]/);
  const inForce = global();

  const pid = Number(kernel(join(state, 'run/agent.pid')));
  process.kill(pid, 'SIGKILL');
  await until(
    () => !existsSync(`/proc/${pid}`) || kernel(`/proc/${pid}/cmdline`) === '',
    5_000,
    'the agent is gone',
  );
  t.same(global(), inForce, 'after kill -9 of the agent the host is as it was');
  t.equal(kernel(quotaFile()), '80000');
  t.match(await agent(['status']), /vcpu_quota_us[^\n]*-1/, 'the ledger has the original');
  const ledger = kernel(join(state, 'agent/ledger.jsonl'));

  const second = spawn(
    process.execPath,
    [join(build, 'agent/bin.cjs'), 'run', '--config', join(state, 'agent.yaml')],
    { stdio: 'ignore' },
  );
  t.teardown(() => second.kill('SIGKILL'));
  const [host] = (
    JSON.parse(await drover(['host', 'list', '--zone', 'local', '--output', 'json'])) as {
      hosts: { name: string; last_seen_unix_ms: number }[];
    }
  ).hosts;
  await until(
    async () =>
      /"in-sync"/.test(await drover(['host', 'show', host?.name ?? '', '--output', 'json'])) &&
      existsSync(join(state, 'agent/lock')),
    15_000,
    'the next agent is in charge',
  );
  await t.rejects(agent(['revert']), /is in use by process/, 'nobody else writes meanwhile');
  t.equal(kernel(join(state, 'agent/ledger.jsonl')), ledger, 'the ledger was picked up, not begun anew');
  second.kill('SIGTERM');
  await new Promise((resolve) => second.once('exit', resolve));
  t.same(global(), inForce, 'a stop changes nothing either');

  first.process.kill('SIGINT');
  t.equal(await first.ended, 0, 'Ctrl-C ends well');
  t.same(global(), before, 'every setting is back');
  t.notOk(
    await succeeds(run, ['virsh', '-q', '-c', 'qemu:///system', 'dominfo', 'drover-demo']),
    'the domain is gone',
  );
  t.notMatch(await run(['ovs-vsctl', '--timeout=5', 'list-br']), /drover-br0/, 'and its bridge');
});

t.test('a run that was killed leaves nothing in the way of the next', root, async (t) => {
  const before = global();
  const killed = start();
  await ready(killed);
  killed.process.kill('SIGKILL');
  await killed.ended;
  const next = start();
  const began = performance.now();
  await ready(next);
  t.comment(`ready ${Math.round(performance.now() - began)} ms after a killed run`);
  next.process.kill('SIGINT');
  t.equal(await next.ended, 0);
  t.same(global(), before, 'the originals of the killed run are back');
});

t.test('without root it plans, says so in one line, and the rest works', async (t) => {
  const before = global();
  const directory = mkdtempSync(join(tmpdir(), 'drover-plan-only-'));
  t.teardown(() => {
    endPrograms(directory);
    rmSync(directory, { recursive: true, force: true });
  });
  const prefix = isRoot ? ['unshare', '--user', '--map-user=1000'] : [];
  const running = start(prefix, directory);
  await ready(running);
  t.equal(running.output().match(/^plan-only: not root; .*$/gm)?.length, 1);
  t.match(running.output(), /transparent-hugepages\s+enabled\s+\S+ → always/, 'the plan is there');
  t.match(JSON.parse(await drover(['host', 'list', '--output', 'json'], directory)), { total: 4 });
  t.same(global(), before, 'nothing was changed');
  running.process.kill('SIGINT');
  t.equal(await running.ended, 0);
});
