/**
 * Sessions that break without a word: a firewall that drops an established connection, a partition, a paused peer. Agents
 * run as processes in network namespaces of their own, the control plane outside; each must be back within 30 s.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { checkConfig } from '../../controlplane/config.js';
import { startControlPlane } from '../../controlplane/main.js';
import { makeBed, until, type BedHost } from '../support/bed.js';
import { operatorCall } from '../support/operator.js';

const backWithinMs = 30_000;
const agentProgram = fileURLToPath(new URL('../../agent/bin.cjs', import.meta.url));

if (process.getuid?.() !== 0) {
  t.plan(0, 'needs root for network namespaces');
  process.exit(0);
}

const folder = mkdtempSync(join(tmpdir(), 'drover-drop-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const bed = await makeBed(3);
t.teardown(() => bed.down());

const connected: string[] = [];
const log = {
  info: (fields: { host?: string }, text: string) =>
    void (text === 'agent connected' && connected.push(fields.host ?? '')),
  warn: () => undefined,
};
const config = checkConfig(
  {
    state_directory: join(folder, 'controlplane'),
    listen: `${bed.address}:0`,
    enrol_listen: `${bed.address}:0`,
    service_down_time: 15,
  },
  'test',
);
const plane = await startControlPlane(config, log);
t.teardown(() => plane.close());

interface Agent {
  readonly host: BedHost;
  readonly name: string;
  readonly process: ChildProcess;
}

/** A simulated host in its own process and network namespace; its name is its number in the fleet. */
async function startAgent(host: BedHost): Promise<Agent> {
  const prefix = `drop${host.number}`;
  const name = `${prefix}-001`;
  const { token } = await operatorCall(plane, 'Fleet', 'CreateJoinToken', {});
  const tokens = join(folder, `${name}.tokens`);
  writeFileSync(tokens, token, { mode: 0o600 });
  const argv = [
    'sim',
    '--hosts',
    '1',
    '--prefix',
    prefix,
    '--state',
    join(folder, name),
    '--join-address',
    plane.enrolAddress,
    '--join-token-file',
    tokens,
  ];
  const child = bed.spawn(host, [process.execPath, agentProgram, ...argv], { stdio: 'ignore' });
  await until(() => isConnected(name), 20_000, `${name} joins`);
  return { host, name, process: child };
}

function sessionOf(name: string) {
  const record = plane.fleet.directory.find(name);
  return record && plane.fleet.sessions.get(record.id);
}

/** The stream is open on the control plane's side and something came over it in the last 6 s (a heartbeat every 5 s). */
function isConnected(name: string): boolean {
  const session = sessionOf(name);
  return session?.end !== undefined && Date.now() - session.lastSeenMs < 6_000;
}

const agents: Agent[] = [];
for (const host of bed.hosts) agents.push(await startAgent(host));

const connects = (name: string): number => connected.filter((host) => host === name).length;

/** Waits until the host has connected anew, and answers how long that took, ms. */
async function untilBack(name: string, before: number): Promise<number> {
  const began = performance.now();
  await until(() => connects(name) > before && isConnected(name), backWithinMs, `${name} is back`);
  return Math.round(performance.now() - began);
}

/** Local TCP port of the agent's connection to the control plane. */
async function portOf(host: BedHost): Promise<string> {
  const api = plane.apiAddress.split(':').at(-1) as string;
  const listing = await host.run(['ss', '-Htn', 'state', 'established', 'dport', `= :${api}`]);
  const port = /:(\d+)\s+\S+:\d+/.exec(listing)?.[1];
  if (port === undefined) throw new Error(`no connection in: ${listing}`);
  return port;
}

t.test('three ways of falling silent, at the same time on three hosts', async (t) => {
  const [dropped, cut, paused] = agents as [Agent, Agent, Agent];

  const droppedConnection = async (): Promise<void> => {
    const before = connects(dropped.name);
    const port = await portOf(dropped.host);
    // As a firewall that forgot the connection: both directions vanish, new connections pass.
    await dropped.host.run([
      'iptables',
      '-w',
      '5',
      '-I',
      'OUTPUT',
      '-p',
      'tcp',
      '--sport',
      port,
      '-j',
      'DROP',
    ]);
    await dropped.host.run([
      'iptables',
      '-w',
      '5',
      '-I',
      'INPUT',
      '-p',
      'tcp',
      '--dport',
      port,
      '-j',
      'DROP',
    ]);
    const tookMs = await untilBack(dropped.name, before);
    t.comment(`silently dropped connection: session back after ${tookMs} ms`);
    t.ok(tookMs <= backWithinMs, 'a dropped connection');
  };

  const partition = async (): Promise<void> => {
    const before = connects(cut.name);
    await bed.partition(cut.host);
    await until(
      () => plane.fleet.host(plane.fleet.directory.resolve(cut.name)).liveness === 'down',
      25_000,
      'the host counts as down',
    );
    await until(() => sessionOf(cut.name)?.end === undefined, 25_000, 'its stream is closed');
    const { conditions } = await operatorCall(plane, 'Health', 'ListConditions', {
      host: cut.name,
      onlyNotOk: true,
    });
    t.match(
      conditions.find(({ type }) => type === 'reachable'),
      { status: 'failing', reason: 'silent' },
    );
    await bed.heal(cut.host);
    const tookMs = await untilBack(cut.name, before);
    t.comment(`partition: session back ${tookMs} ms after it healed`);
    t.ok(tookMs <= backWithinMs, 'a partition');
  };

  const pause = async (): Promise<void> => {
    const before = connects(paused.name);
    paused.process.kill('SIGSTOP');
    await until(() => sessionOf(paused.name)?.end === undefined, 25_000, 'a paused agent is noticed');
    paused.process.kill('SIGCONT');
    const tookMs = await untilBack(paused.name, before);
    t.comment(`paused agent: session back ${tookMs} ms after it went on`);
    t.ok(tookMs <= backWithinMs, 'a paused peer');
  };

  await Promise.all([droppedConnection(), partition(), pause()]);
  await sleep(0);
  for (const { name } of agents)
    t.match(plane.fleet.host(plane.fleet.directory.resolve(name)), { liveness: 'up' }, `${name} is up again`);
});
