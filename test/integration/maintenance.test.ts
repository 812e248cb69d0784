/**
 * Drain, maintenance and resume as an operator has them: a control plane in a process of its own, agents' sessions over
 * mutual TLS that keep their guests, the command line, and kill -9 in the middle of a stop.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { enrol } from '../../agent/session/enrol.js';
import type { Identity } from '../../agent/session/identity.js';
import { Session } from '../../agent/session/session.js';
import { type Api, openApi } from '../../controlplane/cli/client.js';
import { findContext } from '../../controlplane/cli/context.js';
import type { DomainInput } from '../../proto/gen/drover/v1/Domain.js';
import type { GuestOrder } from '../../proto/gen/drover/v1/GuestOrder.js';
import type { GuestReportInput } from '../../proto/gen/drover/v1/GuestReport.js';
import type { GuestStageInput } from '../../proto/gen/drover/v1/GuestStage.js';
import { runDrover } from '../support/cli-run.js';
import { until } from '../support/poll.js';

// A process that starts twice, four agents and a dozen command lines, on a machine that may be busy.
t.setTimeout(120_000);
const folder = mkdtempSync(join(tmpdir(), 'drover-maintenance-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const bin = fileURLToPath(new URL('../../controlplane/bin.js', import.meta.url));
const cliBin = fileURLToPath(new URL('../../controlplane/cli/bin.js', import.meta.url));
const contextFile = join(folder, 'operator/context.json');
const configFile = join(folder, 'controlplane.yaml');

let child: ChildProcess;
let api: Api;

/** Starts the control plane; at the second start on the addresses of the first, where the agents look for it. */
async function start(listen: string, enrolListen: string): Promise<void> {
  const config = {
    ...{ state_directory: join(folder, 'state'), listen, enrol_listen: enrolListen },
    ...{ log_level: 'warn', claim_ttl_seconds: 0, start_limits: [{ label: 'rack', most: 1 }] },
  };
  writeFileSync(configFile, JSON.stringify(config));
  rmSync(contextFile, { force: true });
  const args = [bin, 'run', '--config', configFile, '--context', contextFile];
  child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'ignore'] });
  await until(() => existsSync(contextFile), 20_000, 'the control plane serves');
  api = openApi(context(), { timeoutMs: 10_000 });
}

const context = () => findContext({ given: contextFile, env: {}, cwd: '/', systemDirectory: '/' });

async function end(signal: NodeJS.Signals): Promise<void> {
  api.close();
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, 'exit');
}

await start('127.0.0.1:0', '127.0.0.1:0');
t.teardown(() => end('SIGTERM'));
process.once('exit', () => child.kill('SIGKILL'));

const gib = 2 ** 30;
let uuids = 0;
const guest = (name: string, memoryGib: number, more: DomainInput = {}): DomainInput => ({
  uuid: `5e9c7a0e-0000-4000-8000-${String(++uuids).padStart(12, '0')}`,
  ...{ name, state: 'running', vcpus: 1, memoryBytes: memoryGib * gib, ...more },
});

/** An agent that keeps its guests in memory, and speaks the session as the real one does. */
class GuestAgent {
  readonly orders: GuestOrder[] = [];
  readonly granted: string[] = [];
  readonly domains: DomainInput[];
  report: GuestReportInput = {};
  session: Session;
  readonly #identity: Identity;
  readonly #memoryGib: number;

  constructor(identity: Identity, memoryGib: number, domains: DomainInput[]) {
    this.#identity = identity;
    this.#memoryGib = memoryGib;
    this.domains = domains;
    this.session = this.#open();
  }

  /** What a restart of the agent does: a session that knows no earlier one. */
  async restart(): Promise<void> {
    await this.session.stop();
    this.session = this.#open();
  }

  #open(): Session {
    const session: Session = new Session({
      identity: () => this.#identity,
      agentVersion: '1.0',
      bootId: 'boot',
      desiredDigest: () => '',
      heartbeat: () => ({ hypervisorReachable: true }),
      onConnected: ({ resumed }) => (resumed ? undefined : this.#tellAll(session)),
      onDisconnected: () => undefined,
      onDesiredState: () => undefined,
      onOperation: () => undefined,
      onAllocations: () => undefined,
      onGuestOrder: (order) => void this.orders.push(order),
      onStartGrant: ({ uuids: now }) => void this.granted.push(...now),
      now: Date.now,
      random: Math.random,
    });
    session.start();
    return session;
  }

  #tellAll(session: Session): void {
    const cpu = { architecture: 'x86_64', online: '0-7' };
    const memory = { totalBytes: this.#memoryGib * gib };
    session.report('facts', { facts: { cpu, memory, diskTotalBytes: 2 ** 40 } });
    session.report('domains', { domains: { domains: this.domains } });
    if (this.report.stage) session.report('guestReport', { guestReport: this.report });
  }

  tellDomains(): void {
    this.session.report('domains', { domains: { domains: this.domains } });
  }

  /** Shows a stage in which these guests have this state, and the domains as they are then. */
  show(id: string, kind: 'stop' | 'start', state: string, standing: readonly string[]): void {
    const over = kind === 'stop' ? 'stopped' : 'running';
    const stage: GuestStageInput = {
      ...{ id, kind, cause: 'maintenance', state, waves: 2, startedUnixMs: Date.now() - 1_500 },
      endedUnixMs: state === 'running' ? 0 : Date.now(),
      guests: this.domains.map(({ uuid = '', name = '' }, index) => ({
        ...{ uuid, name, wave: index + 1, state: standing[index] ?? over, sinceUnixMs: Date.now() },
      })),
    };
    for (const [index, one] of stage.guests?.entries() ?? []) {
      const domain = this.domains[index];
      if (domain)
        domain.state =
          one.state === 'stopped' ? 'shutoff' : one.state === 'running' ? 'running' : (domain.state ?? '');
    }
    this.report = { ...this.report, stage };
    this.session.report('guestReport', { guestReport: this.report });
    this.tellDomains();
  }
}

async function joinHost(
  name: string,
  memoryGib: number,
  rack: string,
  domains: DomainInput[],
): Promise<GuestAgent> {
  const { token } = await api.call('Fleet', 'CreateJoinToken', {});
  const labels: Record<string, string> = rack === '' ? {} : { rack };
  const given = { address: context().enrolAddress, token, hostName: name, labels, machineId: name };
  const identity = await enrol({ ...given, availabilityZone: 'az-1', simulated: true });
  const agent = new GuestAgent(identity, memoryGib, domains);
  t.teardown(() => agent.session.stop());
  return agent;
}

const hostOf = async (name: string) => {
  const { host } = await api.call('Fleet', 'GetHost', { host: name });
  if (!host) throw new Error(`no host ${name}`);
  return host;
};
const drover = (line: string) =>
  runDrover(line.split(' '), { env: { DROVER_CONTEXT: contextFile }, now: Date.now });
const only = (host: string) => ({
  request: {
    vcpus: 1,
    memoryMb: 512,
    ignoreHosts: ['kvm-1', 'kvm-2', 'kvm-3', 'kvm-4'].filter((one) => one !== host),
  },
});
const place = (host: string) => api.call('Placement', 'Claim', only(host));

const twin = guest('twin', 1);
const one = await joinHost('kvm-1', 16, '7', [guest('web', 6), guest('db', 6)]);
const two = await joinHost('kvm-2', 16, '7', [guest('cache', 8), { ...twin }]);
const three = await joinHost('kvm-3', 64, '8', [{ ...twin }]);
const four = await joinHost('kvm-4', 64, '', []);
await until(
  async () => {
    const { zones } = await api.call('Catalog', 'ListAvailabilityZones', {});
    return zones.some(({ hostsInService }) => hostsInService === 4);
  },
  20_000,
  'every host is in service',
);

t.test('a drain looks at the capacity first, and is in the way of claims', async (t) => {
  const noop = await drover('host drain kvm-1 --noop');
  t.equal(noop.exit, 1);
  t.match(
    noop.stdout,
    /Would be refused: host kvm-1 is not drained: leaves -35\.5 % headroom in rack 7 \(memory, 1 other host\)/,
  );
  t.match(noop.stdout, /rack 7 +-35\.5 % +memory +1/);
  t.match(noop.stdout, /web +running +stays +goes on running/);
  t.equal((await hostOf('kvm-1')).maintenance, null, 'nothing changed');

  const refused = await drover('host drain kvm-1');
  t.equal(refused.exit, 1);
  t.match(refused.stderr, /leaves -35\.5 % headroom in rack 7.*use force/s);
  const forced = await drover('host drain kvm-1 --reason fan --force');
  t.equal(forced.exit, 0, forced.stderr);
  t.match(forced.stdout, /^kvm-1 is draining: no new guests there/);
  t.match(forced.stdout, /forced: leaves -35\.5 %/);

  await t.rejects(place('kvm-1'), {
    code: 'no-valid-host',
    message: /ComputeFilter refuses 1 \(host-in-maintenance\)/,
  });
  const { hosts, relaxations } = await api.call('Placement', 'Explain', { request: only('kvm-1').request });
  t.match(JSON.stringify(hosts), /draining: fan/);
  t.match(JSON.stringify(relaxations), /resuming 1 host that is in drain or maintenance admits 1/);
  t.match((await drover('host list')).stdout, /kvm-1 +az-1 +up, draining/);
  const enabled = await drover('host update kvm-1 --enable');
  t.match(enabled.stderr, /still in drain: drover host resume kvm-1/);
  await t.rejects(place('kvm-1'), { code: 'no-valid-host' }, 'enabling does not undo it');
  t.match(await hostOf('kvm-1'), {
    maintenance: { state: 'drain', by: /./ },
    lock: { purpose: 'maintenance', reason: 'fan' },
  });
  t.same(one.orders, [], 'guests are left alone');
});

t.test('a stop needs an agent that keeps guests', async (t) => {
  const maintain = (host: string, more: object = {}) =>
    api.call('Fleet', 'MaintainHost', { host, state: 'maintenance', guests: 'stop', ...more });
  await t.rejects(maintain('kvm-4'), {
    code: 'failed-precondition',
    message: /no profile with a section guests/,
  });
  const guests = '{"rules":[{"domains":["db*"],"order":10},{"domains":["web"],"then":"managed-save"}]}';
  await api.call('Tuning', 'ApplyProfile', { profile: { name: 'guests', guests } });
  four.report = {
    preflight: [{ check: 'owners', status: 'refused', message: 'libvirt-guests is active', cure: 'mask it' }],
  };
  four.session.report('guestReport', { guestReport: four.report });
  const refusals = async () => (await maintain('kvm-4', { validateOnly: true })).refusals;
  await until(async () => /owners/.test((await refusals()).join('')), 5_000, 'its preflight is known');
  await t.rejects(maintain('kvm-4', { force: true }), {
    message: /owners: libvirt-guests is active \(mask it\); .*force does not go over/,
  });
  four.report = {};
  four.session.report('guestReport', { guestReport: {} });
  await until(async () => (await refusals()).length === 0, 5_000, 'clean');
  await four.session.stop();
  await until(async () => (await refusals())[0], 5_000, 'the agent is away');
  await t.rejects(maintain('kvm-4'), { message: /its agent is not connected/ });
  t.match(await maintain('kvm-4', { force: true }), {
    host: { maintenance: { state: 'maintenance', stageState: '' } },
  });
  await four.restart();
  await until(() => four.orders.length > 0, 10_000, 'the agent is told when it is back');
  t.match(four.orders[0], { kind: 'stop', cause: 'maintenance' });
  await api.call('Fleet', 'ResumeHost', { host: 'kvm-4' });
  await until(() => four.orders.length === 3, 5_000, 'it may still be stopping: that ends first');
  t.match(four.orders, [
    {},
    { kind: 'cancel', forId: four.orders[0]?.id },
    { kind: 'start', forId: four.orders[0]?.id },
  ]);
  four.show(four.orders[2]?.id ?? '', 'start', 'done', []);
  await until(async () => (await hostOf('kvm-4')).maintenance === null, 5_000, 'over');
});

t.test('a stop in order goes over the death of the control plane and of the agent', async (t) => {
  const noop = await drover('host maintenance kvm-1 --guests stop --noop --force');
  t.match(
    noop.stdout,
    /1 +web +running +shut down +asked by acpi, then agent; saved to disk after 60 s +6 GiB +none/,
  );
  t.match(noop.stdout, /2 +db +running +shut down/);
  t.equal(noop.exit, 2);

  const line = 'host maintenance kvm-1 --guests stop --reason kernel --force --wait'.split(' ');
  const waiting = spawn(process.execPath, [cliBin, ...line], { env: { DROVER_CONTEXT: contextFile } });
  const said: string[] = [];
  for (const stream of [waiting.stdout, waiting.stderr]) stream.on('data', (text) => said.push(String(text)));
  const ended = once(waiting, 'exit');
  t.teardown(() => waiting.kill('SIGKILL'));
  const order = await until(() => one.orders[0], 10_000, 'the order');
  t.match(order, { kind: 'stop', cause: 'maintenance', uuids: [] });
  one.show(order.id, 'stop', 'running', ['stopped', 'asked']);
  await until(
    () => /wave 2 of 2: 1 of 2 stopped, 1 asked/.test(said.join('')),
    10_000,
    'the command follows',
  );
  await until(
    async () => (await hostOf('kvm-1')).maintenance?.stageState === 'running',
    5_000,
    'and the record',
  );
  t.match(
    (await hostOf('kvm-1')).usage,
    { memoryBytes: 12 * gib },
    'a guest that is stopped keeps its place',
  );
  const before = (await hostOf('kvm-1')).maintenance;

  const { address, enrolAddress } = context();
  await end('SIGKILL');
  await start(address, enrolAddress);
  await until(() => one.orders.length === 2, 30_000, 'a new session is told again');
  t.equal(one.orders[1]?.id, order.id, 'the same order');
  t.strictSame((await hostOf('kvm-1')).maintenance, before, 'as it was, with since when');
  await until(async () => (await hostOf('kvm-1')).liveness === 'up', 10_000, 'up');
  t.match(
    (await drover('host show kvm-1')).stdout,
    /State +up, in maintenance.*Maintenance +in maintenance for .*guests running: kernel.*Not stopped.*2 +db +asked/s,
  );

  await one.restart();
  await until(() => one.orders.length === 3, 10_000, 'and so is an agent that was started anew');
  one.show(order.id, 'stop', 'done', []);
  const [exit] = (await ended) as [number];
  t.equal(exit, 0, said.join(''));
  t.match(said.join(''), /Done in .*2 waves: 2 of 2 stopped/s);

  await one.restart();
  await until(() => one.session.connected, 10_000, 'connected');
  const again = await api.call('Fleet', 'MaintainHost', {
    host: 'kvm-1',
    state: 'maintenance',
    guests: 'stop',
  });
  t.match(
    again.host?.maintenance,
    { stageState: 'done', sinceUnixMs: before?.sinceUnixMs },
    'the same again',
  );
  await t.rejects(api.call('Fleet', 'MaintainHost', { host: 'kvm-1', state: 'drain' }), {
    message: /first drover host resume/,
  });
  t.equal(one.orders.length, 3, 'what has ended is not ordered again');
});

t.test('a resume starts what was stopped, whenever the agent comes', async (t) => {
  await one.session.stop();
  const resumed = await api.call('Fleet', 'ResumeHost', { host: 'kvm-1' });
  t.match(resumed, { host: { lock: null, maintenance: { state: 'resuming' } } });
  t.match(
    resumed.guests.map(({ domain, action, wave }) => [domain?.name, action, wave]),
    [
      ['db', 'started', 1],
      ['web', 'started', 2],
    ],
    'the last that stopped is the first',
  );
  await one.restart();
  const order = await until(() => one.orders[3], 10_000, 'the order to start');
  t.match(order, { kind: 'start', forId: one.orders[0]?.id });
  one.show(order.id, 'start', 'failed', ['failed', 'running']);
  const stageState = async () => (await hostOf('kvm-1')).maintenance?.stageState;
  await until(async () => (await stageState()) === 'failed', 5_000, 'one did not start');
  t.match(
    (await drover('host show kvm-1')).stdout,
    /resuming for .* guests failed.*Not running.*web +failed/s,
  );
  t.match((await hostOf('kvm-1')).usage, { memoryBytes: 12 * gib }, 'and keeps its place');
  const { orders } = one;
  orders.length = 0;
  const waiting = drover('host resume kvm-1 --wait');
  await until(() => orders.some(({ id }) => id === order.id), 5_000, 'another resume orders it again');
  const { address, enrolAddress } = context();
  await end('SIGKILL');
  orders.length = 0;
  await start(address, enrolAddress);
  await until(() => orders.some(({ id }) => id === order.id), 30_000, 'also the next control plane');
  t.equal(await stageState(), '', 'the old failure, told again, is not that of the second try');
  one.show(order.id, 'start', 'done', []);
  const { exit, stdout, stderr } = await waiting;
  t.equal(exit, 0, stderr);
  t.match(stdout, /web +shutoff +started +did not start/);
  t.match(stdout, /Done in/);
  const agents = [one, two, three, four];
  await until(() => agents.every(({ session }) => session.connected), 30_000, 'all agents are back');
  await until(async () => (await hostOf('kvm-1')).maintenance === null, 5_000, 'over');
  t.match(await until(() => place('kvm-1'), 5_000, 'placement is on'), { allocation: { hostName: 'kvm-1' } });
  t.match((await api.call('Fleet', 'ResumeHost', { host: 'kvm-1' })).warnings, [
    /in neither drain nor maintenance/,
  ]);
});

t.test('one start at a time in a rack', async (t) => {
  const ask = (agent: GuestAgent, wanted: string[], done: string[] = []) =>
    agent.session.requestStarts({ startRequest: { wanted, done } });
  ask(one, ['a1', 'a2']);
  await until(() => one.granted.length === 1, 5_000, 'the first');
  ask(two, ['b1']);
  ask(three, ['c1']);
  ask(four, ['d1', 'd2', 'd3']);
  await until(
    () => three.granted.length === 1 && four.granted.length === 3,
    5_000,
    'other racks, and no rack',
  );
  t.same([one.granted, two.granted], [['a1'], []]);
  ask(one, ['a2', 'a3'], ['a1']);
  await until(() => one.granted.length === 2, 5_000, 'in the order of asking');
  ask(one, ['a3'], ['a2']);
  await until(() => two.granted.length === 1, 5_000, 'and hosts take turns');
  t.same(one.granted, ['a1', 'a2']);
  await two.session.stop();
  await two.restart();
  await until(() => one.granted.includes('a3'), 10_000, 'an agent that begins anew holds nothing');
});

t.test('a domain on two hosts is a condition on both until one has it no more', async (t) => {
  const conditions = async () =>
    (await api.call('Health', 'ListConditions', {})).conditions.filter(({ type }) => type === 'domains');
  const told = setInterval(() => two.tellDomains(), 1_000);
  t.teardown(() => clearInterval(told));
  const both = await until(
    async () => ((await conditions()).length === 2 ? conditions() : undefined),
    40_000,
    'both',
  );
  t.match(both, [
    {
      hostName: 'kvm-2',
      status: 'failing',
      reason: 'reported-twice',
      message: /twin \(.*\) is active on kvm-2 \(running\) and kvm-3 \(running\) since /,
    },
    { hostName: 'kvm-3', reason: 'reported-twice' },
  ]);
  three.domains.length = 0;
  three.tellDomains();
  await until(async () => (await conditions()).length === 0, 5_000, 'cleared');
});
