/** A control plane and simulated hosts in one process, over real TLS on loopback: join, enforce, resume, renew. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import t from 'tap';
import { sessionOptions } from '../../agent/commands/run.js';
import { AllocationsFile } from '../../agent/reconcile/allocations-file.js';
import { enrol } from '../../agent/session/enrol.js';
import type { Identity } from '../../agent/session/identity.js';
import { keepRenewed } from '../../agent/session/renew.js';
import { Session } from '../../agent/session/session.js';
import { openSimHost, shapeOf, type SimHost } from '../../agent/sim/sim-host.js';
import { checkConfig } from '../../controlplane/config.js';
import { startControlPlane, type ControlPlane } from '../../controlplane/main.js';
import { MemoryStore } from '../../controlplane/store/memory.js';
import type { DesiredState } from '../../proto/gen/drover/v1/DesiredState.js';
import type { HostAllocationSet } from '../../proto/gen/drover/v1/HostAllocationSet.js';
import { fromServiceError } from '../../proto/wire/remote-error.js';
import { channelOptions, maximumMessageBytes } from '../../proto/wire/limits.js';
import { loadContract } from '../../proto/wire/load.js';
import { checkProfile, desiredDigest, encodeTuners } from '../../proto/wire/profile.js';
import { operatorCall } from '../support/operator.js';
import { until } from '../support/poll.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const folder = mkdtempSync(join(tmpdir(), 'drover-session-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

const state = join(folder, 'controlplane');
let plane: ControlPlane;

async function open(listen: string, enrolListen: string): Promise<void> {
  const config = checkConfig(
    { state_directory: state, listen, enrol_listen: enrolListen, certificate_hours: 1 },
    'test',
  );
  plane = await startControlPlane(config, quiet);
}

await open('127.0.0.1:0', '127.0.0.1:0');
t.teardown(() => plane.close());

interface Joined {
  readonly host: SimHost;
  readonly session: Session;
  readonly connects: boolean[];
  identity: Identity;
}

async function joinHost(index: number): Promise<Joined> {
  const { token } = await operatorCall(plane, 'Fleet', 'CreateJoinToken', {});
  const shape = shapeOf(index, 'boot-1');
  const identity = await enrol({
    address: plane.enrolAddress,
    token,
    hostName: shape.name,
    labels: { kind: 'sim' },
    availabilityZone: 'az-1',
    machineId: shape.name,
    simulated: true,
  });
  const host = await openSimHost(shape, [], join(folder, shape.name), '1.0', quiet);
  const connects: boolean[] = [];
  const options = sessionOptions(host.agent, quiet);
  const session = new Session({
    ...options,
    onConnected: (welcome) => {
      connects.push(welcome.resumed);
      options.onConnected(welcome);
    },
    identity: () => joined.identity,
    agentVersion: '1.0',
    bootId: shape.bootId,
    desiredDigest: () => host.desired.current?.digest ?? '',
  });
  const joined: Joined = { host, session, connects, identity };
  await host.agent.start(session);
  t.teardown(async () => {
    await host.agent.stop();
    await host.ledger.close();
  });
  await until(() => plane.fleet.sessions.get(identity.hostId)?.tuning, 10_000, 'the agent reports');
  return joined;
}

/** An agent's session in a zone of its own and nothing behind it: what it is sent is kept. */
async function joinBare(name: string) {
  const { token } = await operatorCall(plane, 'Fleet', 'CreateJoinToken', {});
  const machineId = name;
  const identity = await enrol({
    ...{ address: plane.enrolAddress, token, hostName: name, labels: {}, machineId, simulated: true },
    availabilityZone: `az-${name}`,
  });
  const file = await AllocationsFile.load(join(folder, name, 'allocations.json'));
  const told: HostAllocationSet[] = [];
  const sessions = new Set<string>();
  const desired: DesiredState[] = [];
  const reportAll = (): void => {
    session.report('facts', {
      facts: { cpu: { online: '0-63' }, memory: { totalBytes: 2 ** 36 }, diskTotalBytes: 2 ** 40 },
    });
    session.report('domains', { domains: { domains: [] } });
  };
  const session: Session = new Session({
    identity: () => identity,
    agentVersion: '1.0',
    bootId: 'boot',
    desiredDigest: () => desired.at(-1)?.digest ?? '',
    heartbeat: () => ({ hypervisorReachable: true }),
    onConnected: ({ resumed }) => (resumed ? undefined : reportAll()),
    onDisconnected: () => undefined,
    onDesiredState: (state) => void desired.push(state),
    onOperation: () => undefined,
    onAllocations: (set, sessionId) => {
      told.push(set);
      sessions.add(sessionId);
      void file.save(set, sessionId);
    },
    now: Date.now,
    random: Math.random,
  });
  session.start();
  t.teardown(() => session.stop());
  await until(async () => (await view(name)).host?.capacity?.vcpus === 64, 10_000, 'the host is in service');
  const claim = (instanceUuid: string, idempotencyKey = '') => ({
    request: {
      ...{ vcpus: 1, memoryMb: 256, availabilityZone: `az-${name}`, instanceUuid },
      extraSpecs: { 'quota:cpu_shares': '2048' },
    },
    idempotencyKey,
  });
  const onDisk = (uuid: string) =>
    until(() => file.current.get(uuid), 5_000, `the allocation for ${uuid} is on disk`);
  return { session, told, sessions, desired, file, identity, claim, onDisk };
}

const profile = (name: string, tuners: object) => {
  const document = checkProfile({ name, selector: { labels: { kind: 'sim' } }, tuners });
  return { name, selector: document.selector, tuners: encodeTuners(document.tuners) };
};

const one = await joinHost(1);
const view = async (name: string) => operatorCall(plane, 'Fleet', 'GetHost', { host: name });

t.test('a host joins, reports, and gets its profile', async (t) => {
  const { host: before, facts } = await view('sim-001');
  t.match(before, {
    name: 'sim-001',
    liveness: 'up',
    availabilityZone: 'az-1',
    simulated: true,
    tuningState: 'unmanaged',
  });
  t.match(facts, { cpu: { online: '0-47', sockets: 2, cores: 24 }, cgroup: { mode: 'v2' } });
  t.equal(before?.capacity?.vcpus, 48);

  await operatorCall(plane, 'Tuning', 'ApplyProfile', {
    profile: profile('base', { ksm: { run: 'on' }, 'vcpu-pinning': { shared: '4-$' } }),
  });
  await until(
    async () => (await view('sim-001')).host?.tuningState === 'in-sync',
    10_000,
    'the profile is in force',
  );
  t.equal(one.host.kernel.read('/sys/kernel/mm/ksm/run'), '1');
  t.equal((await view('sim-001')).host?.capacity?.vcpus, 44, 'the shared set is what is offered');
  t.match(one.host.desired.current, { profileName: 'base', profileRevision: 1 }, 'on disk');

  const domain = {
    uuid: '51300000-0000-4000-8000-00000000000a',
    name: 'web',
    vcpus: 4,
    memoryBytes: 2 ** 31,
    allocationId: '',
  };
  one.host.hypervisor.start(domain);
  await until(
    async () => (await view('sim-001')).domains.some(({ name }) => name === 'web'),
    5_000,
    'the domain is reported',
  );
  t.match(
    (await view('sim-001')).host?.usage,
    { vcpus: 4, memoryBytes: 2 ** 31, unmanagedDomains: 1 },
    'and counts as taken',
  );
});

t.test('an operation is asked of the host and answered', async (t) => {
  const { id } = await operatorCall(plane, 'Operations', 'StartOperation', {
    host: 'sim-001',
    kind: 'plan',
    tuners: { ksm: '{"run":"off"}' },
  });
  const done = await until(
    async () => {
      const operation = await operatorCall(plane, 'Operations', 'GetOperation', { id });
      return operation.state === 'running' ? undefined : operation;
    },
    5_000,
    'the answer',
  );
  t.match(
    done.settings.find((setting) => setting.tuner === 'ksm'),
    { setting: 'run', now: 'on', wanted: 'off', outcome: 'pending' },
  );
  t.equal(one.host.kernel.read('/sys/kernel/mm/ksm/run'), '1', 'nothing was changed');
  await t.rejects(
    operatorCall(plane, 'Operations', 'StartOperation', {
      host: 'sim-001',
      kind: 'plan',
      tuners: { ksm: '{"run":"fast"}' },
    }),
    { code: 'invalid-argument', field: 'tuners.ksm.run' },
  );
});

const bare = await joinBare('bare-1');

t.test('the agent is told what its host holds: at once, after changes, and after a loss', async (t) => {
  const { told, file, claim } = bare;
  await until(() => told.length > 0, 5_000, 'the session begins with a set');
  t.match(told, [{ generation: 0, allocations: [] }], 'an empty one here');

  const { allocation, hostGeneration } = await operatorCall(plane, 'Placement', 'Claim', claim('VM-1'));
  const promised = await bare.onDisk('vm-1');
  t.strictSame(promised, {
    ...{ id: allocation?.id, instanceUuid: 'VM-1', extraSpecs: { 'quota:cpu_shares': '2048' } },
    ...{ vcpus: 1, memoryMb: 256, pciAddresses: [] },
  });
  t.equal(file.generation, hostGeneration, 'of the generation that the claim was answered with');

  const before = told.length;
  await Promise.all(
    Array.from({ length: 10 }, (_, n) => operatorCall(plane, 'Placement', 'Claim', claim(`burst-${n}`))),
  );
  await operatorCall(plane, 'Placement', 'PlaceMany', {
    claims: [claim('many-1'), claim('many-2')],
    allOrNothing: true,
  });
  await operatorCall(plane, 'Placement', 'Release', { allocationId: promised.id });
  await until(() => file.current.size === 12 && !file.current.has('vm-1'), 5_000, 'all of it is on disk');
  const messages = told.length - before;
  t.ok(messages >= 1 && messages <= 5, `${messages} messages for 13 changes`);
  t.strictSame((await AllocationsFile.load(file.file)).current, file.current);

  bare.session.reconnect();
  await until(() => !bare.session.connected, 5_000, 'away');
  const missed = told.length;
  await operatorCall(plane, 'Placement', 'Claim', claim('while-away'));
  await bare.onDisk('while-away');
  t.equal(told.length, missed + 1, 'a resumed session is told once what it missed');
  t.equal(bare.sessions.size, 1);
});

t.test(
  'with the control plane away the host is kept as it was told; afterwards everything is back',
  async (t) => {
    const addresses = [plane.apiAddress, plane.enrolAddress] as const;
    const { allocation } = await operatorCall(plane, 'Placement', 'Claim', {
      request: { vcpus: 2, memoryMb: 1024, availabilityZone: 'az-1' },
      idempotencyKey: 'k',
    });
    await plane.close();
    await until(() => !one.session.connected, 20_000, 'the agent notices');
    one.host.kernel.put('/sys/kernel/mm/ksm/run', '0'); // drift
    await one.host.agent.reconcile();
    t.equal(one.host.kernel.read('/sys/kernel/mm/ksm/run'), '1', 'healed without a control plane');

    await open(...addresses);
    const began = performance.now();
    await until(() => plane.fleet.sessions.get(one.identity.hostId)?.tuning, 30_000, 'the session is back');
    t.comment(`session back ${Math.round(performance.now() - began)} ms after the control plane`);
    t.match(
      await view('sim-001'),
      { host: { liveness: 'up', profileName: 'base', tuningState: 'in-sync', usage: { allocations: 1 } } },
      'claims and profiles are durable',
    );
    const again = await operatorCall(plane, 'Placement', 'Claim', {
      request: { vcpus: 2, memoryMb: 1024, availabilityZone: 'az-1' },
      idempotencyKey: 'k',
    });
    t.match(
      again,
      { existed: true, allocation: { id: allocation?.id } },
      'the same key is the same allocation',
    );
    t.equal(
      one.connects.at(-1),
      false,
      'a control plane that restarted resumes nothing and hears everything',
    );

    await until(() => bare.sessions.size === 2, 20_000, 'a new session is told again what the host holds');
    const held = bare.told.at(-1)?.allocations ?? [];
    t.equal(held.length, 13, 'all of it, from the store');
    await Promise.all(
      held.map(({ id: allocationId }) => operatorCall(plane, 'Placement', 'Release', { allocationId })),
    );
    await until(() => bare.told.at(-1)?.allocations.length === 0, 5_000, 'and of the end of it');
    await operatorCall(plane, 'Fleet', 'DeleteHost', { host: 'bare-1' });
    await bare.session.stop();
  },
);

t.test('a broken stream resumes; a second stream of the same host takes its place', async (t) => {
  const connects = one.connects.length;
  one.session.reconnect();
  await until(() => one.connects.length > connects && one.session.connected, 10_000, 'connected again');
  t.equal(one.connects.at(-1), true, 'resumed');
  const first = plane.fleet.sessions.get(one.identity.hostId)?.sessionId;
  const twin = new Session({
    ...sessionOptions(one.host.agent, quiet),
    identity: () => one.identity,
    agentVersion: '1.0',
    bootId: 'b',
    desiredDigest: () => '',
  });
  twin.start();
  await until(() => twin.connected, 10_000, 'the second stream is in');
  t.not(
    plane.fleet.sessions.get(one.identity.hostId)?.sessionId,
    first,
    'a stream that knows no session begins one',
  );
  await twin.stop();
  await until(() => one.session.connected, 15_000, 'the first is back when the second has gone');
});

t.test('a trial goes from the profile to the host, and what waits for a reboot comes back', async (t) => {
  const bare = await joinBare('bare-2');
  const { tuners } = profile('trial', { ksm: { run: 'on' } });
  const trial = { trialSeconds: 30, onFailure: 'keep' };
  const applied = await operatorCall(plane, 'Tuning', 'ApplyProfile', {
    profile: { name: 'trial', selector: { hosts: ['bare-2'] }, tuners, priority: 9, ...trial },
  });
  t.match(applied, { created: true, profile: trial });
  t.match(await operatorCall(plane, 'Tuning', 'GetProfile', { name: 'trial' }), trial);
  const sent = await until(() => bare.desired.at(-1), 5_000, 'the desired state');
  t.match(sent, { profileName: 'trial', ...trial, digest: desiredDigest('trial', 1, tuners, trial) });

  const pendingReboots = [
    {
      tuner: 'hugepages',
      setting: '1 GiB',
      wanted: '8',
      now: '0',
      sinceUnixMs: 1_800_000_000_000,
      reason: 'r',
    },
  ];
  const owners = [{ tuner: 'ksm', owner: 'ksmtuned', state: 'taken-over', evidence: 'inactive' }];
  const setting = { tuner: 'ksm', setting: 'run', outcome: 'deferred', affects: ['web'] };
  const settings = [{ ...setting, evidence: 'pages_sharing 12', drift: 'report' }];
  bare.session.report('tuning', { tuning: { state: 'in-sync', settings, pendingReboots, owners } });
  const { tuning } = await until(
    async () => {
      const detail = await view('bare-2');
      return detail.tuning ? detail : undefined;
    },
    5_000,
    'the report',
  );
  t.match(tuning, { settings, pendingReboots, owners });
  await bare.session.stop();
  await operatorCall(plane, 'Fleet', 'DeleteHost', { host: 'bare-2' });
  await operatorCall(plane, 'Tuning', 'WithdrawProfile', { name: 'trial' });
});

t.test('the certificate renews by itself, and the next stream uses it', async (t) => {
  const before = one.identity.certificatePem;
  const connects = one.connects.length;
  const stop = keepRenewed({
    session: one.session,
    identity: () => one.identity,
    save: async (renewed) => {
      one.identity = renewed;
    },
    now: () => Date.now() + 41 * 60_000, // two thirds of an hour
    log: quiet,
    checkMs: 50,
  });
  await until(() => one.identity.certificatePem !== before, 10_000, 'a new certificate');
  stop();
  await until(
    () => one.connects.length > connects && one.session.connected,
    10_000,
    'the stream is up with it',
  );
  t.pass();
});

t.test('bad streams are refused with a reason, and the control plane lives on', async (t) => {
  const credentials = grpc.credentials.createSsl(
    Buffer.from(one.identity.authorityPem),
    Buffer.from(one.identity.keyPem),
    Buffer.from(one.identity.certificatePem),
  );
  const client = new (loadContract().AgentSession)(plane.apiAddress, credentials, {
    ...channelOptions,
    'grpc.max_send_message_length': -1,
  });
  t.teardown(() => client.close());
  const refusal = (send: (call: ReturnType<typeof client.session>) => void) =>
    new Promise<Error>((resolve) => {
      const call = client.session();
      call.on('error', (error) => resolve(fromServiceError(error)));
      call.on('data', () => undefined);
      send(call);
    });
  t.match(await refusal((call) => call.write({ heartbeat: {} })), {
    code: 'invalid-argument',
    message: /first message must be Hello/,
  });
  t.match(await refusal((call) => call.write({ hello: { lowestVersion: 9, highestVersion: 9 } })), {
    code: 'version-mismatch',
    message: /9-9/,
  });
  const large = 'x'.repeat(maximumMessageBytes + 1);
  t.match(
    await refusal((call) =>
      call.write({ hello: { lowestVersion: 1, highestVersion: 1, agentVersion: large } }),
    ),
    { code: 'message-too-large' },
  );
  t.equal((await view('sim-001')).host?.name, 'sim-001');
});

t.test('a deleted host is out, and must join again', async (t) => {
  const two = await joinHost(2);
  await t.rejects(operatorCall(plane, 'Fleet', 'DeleteHost', { host: 'nobody' }), { code: 'not-found' });
  await operatorCall(plane, 'Fleet', 'DeleteHost', { host: 'sim-002' });
  await until(() => !two.session.connected, 10_000, 'its stream is ended');
  await t.rejects(view('sim-002'), { code: 'not-found', field: 'host' });
  await two.session.stop();
});

t.test('who is known joins again with a token of its own name alone', async (t) => {
  const joining = async (token: string) =>
    enrol({
      address: plane.enrolAddress,
      token,
      hostName: 'sim-001',
      labels: {},
      availabilityZone: '',
      machineId: 'sim-001',
      simulated: true,
    });
  const any = await operatorCall(plane, 'Fleet', 'CreateJoinToken', {});
  await t.rejects(joining(any.token), { code: 'unauthenticated', cure: /token create --host sim-001/ });
  const own = await operatorCall(plane, 'Fleet', 'CreateJoinToken', { hostName: 'sim-001' });
  await operatorCall(plane, 'Fleet', 'UpdateHost', {
    host: 'sim-001',
    updateMask: ['disabled'],
    disabled: true,
  });
  const identity = await joining(own.token);
  t.equal(identity.hostId, one.identity.hostId);
  t.match((await view('sim-001')).host, {
    disabled: true,
    labels: { kind: 'sim' },
    availabilityZone: 'az-1',
  });
  await operatorCall(plane, 'Fleet', 'UpdateHost', { host: 'sim-001', updateMask: ['disabled'] });
});

t.test('a control plane that can store nothing any more says so and closes', async (t) => {
  const store = new MemoryStore();
  const warnings: string[] = [];
  const log = { ...quiet, warn: (_: object, message: string) => void warnings.push(message) };
  const config = checkConfig(
    { state_directory: join(folder, 'fenced'), listen: '0.0.0.0:0', enrol_listen: '127.0.0.1:0' },
    'test',
  );
  const fenced = await startControlPlane(config, log, async () => store);
  t.teardown(() => fenced.close());
  t.match(warnings, [/set advertise to a name/]);
  await operatorCall(fenced, 'Fleet', 'CreateJoinToken', {});
  await store.commit([{ key: 'another', value: Buffer.from('writer') }], 1);
  await t.rejects(operatorCall(fenced, 'Fleet', 'CreateJoinToken', {}), { code: 'stale-revision' });
  t.match(await fenced.failed, { code: 'stale-revision' });
  t.match(warnings[1], /nothing can be stored any more/);
  await fenced.close();
  await t.rejects(operatorCall(fenced, 'Fleet', 'ListHosts', {}), { code: 'unavailable' });
});

t.test('a label decides which profile a host gets, at once', async (t) => {
  const { name, selector, tuners } = profile('special', {
    ksm: { run: 'off' },
    'transparent-hugepages': { enabled: 'never' },
  });
  await operatorCall(plane, 'Tuning', 'ApplyProfile', {
    profile: { name, selector: { ...selector, labels: { tier: 'gold' } }, tuners, priority: 5 },
  });
  t.match((await view('sim-001')).host, { profileName: 'base' }, 'not selected yet');
  const noop = await operatorCall(plane, 'Tuning', 'ApplyProfile', {
    profile: { name: 'low', tuners, priority: -1 },
    validateOnly: true,
  });
  t.same(noop.selectedHosts, [], 'a noop counts the hosts that would really get it');
  await operatorCall(plane, 'Fleet', 'UpdateHost', {
    host: 'sim-001',
    updateMask: ['labels.tier'],
    labels: { tier: 'gold' },
  });
  const isSpecial = async (): Promise<boolean> => {
    const { host } = await view('sim-001');
    return host?.profileName === 'special' && host.tuningState === 'in-sync';
  };
  await until(isSpecial, 10_000, 'special is in force');
  t.match(one.host.kernel.read('/sys/kernel/mm/transparent_hugepage/enabled'), '[never]');
  await operatorCall(plane, 'Fleet', 'UpdateHost', { host: 'sim-001', updateMask: ['labels.tier'] });
  await until(
    () => one.host.kernel.read('/sys/kernel/mm/transparent_hugepage/enabled')?.includes('[madvise]'),
    10_000,
    'and back',
  );
  t.match((await view('sim-001')).host, { labels: { kind: 'sim' }, profileName: 'base' });
});

t.test('the host has the last word on what is claimed on it', async (t) => {
  const two = await joinHost(2);
  const both = new Map([one, two].map((joined) => [joined.host.shape.name, joined]));
  const inPages = {
    vcpus: 1,
    memoryMb: 512,
    availabilityZone: 'az-1',
    extraSpecs: { 'hw:mem_page_size': '2048' },
  };
  const claim = (request: object) => operatorCall(plane, 'Placement', 'Claim', { request });
  const held = async (id: string | undefined) => {
    const { allocations } = await operatorCall(plane, 'Placement', 'ListAllocations', {});
    return allocations.find((allocation) => allocation.id === id);
  };
  const plain = await claim({ ...inPages, extraSpecs: {} });
  await until(async () => (await held(plain.allocation?.id))?.state === 'confirmed', 5_000, 'confirmed');

  const setPages = async ({ host: { kernel } }: Joined, pages: number): Promise<void> => {
    const pools = ['/sys/kernel/mm', '/sys/devices/system/node/node0', '/sys/devices/system/node/node1'];
    for (const pool of pools)
      for (const file of ['nr_hugepages', 'free_hugepages'])
        await kernel.write(`${pool}/hugepages/hugepages-2048kB/${file}`, String(pages));
  };
  for (const joined of both.values()) {
    await setPages(joined, 1024);
    await joined.host.agent.reconcile();
  }
  const order = await until(
    async () => {
      const asked = { request: inPages, alternates: 1 };
      const { destinations } = await operatorCall(plane, 'Placement', 'SelectDestinations', asked);
      return destinations.length === 2 ? destinations.map(({ hostName }) => hostName) : undefined;
    },
    10_000,
    'both have pages, as far as the control plane knows',
  );
  const [first = '', second = ''] = order;
  await setPages(both.get(first) as Joined, 0);
  const moved = await claim(inPages);
  t.equal(moved.allocation?.hostName, first);
  const taken = await until(
    async () => {
      const now = await held(moved.allocation?.id);
      return now?.state === 'confirmed' ? now : undefined;
    },
    10_000,
    'its alternate takes it',
  );
  t.match(taken, { hostName: second, attempts: 2 });
  await setPages(both.get(second) as Joined, 0);
  const nowhere = await claim(inPages);
  await until(async () => !(await held(nowhere.allocation?.id)), 10_000, 'no host has pages: given back');
  for (const id of [plain.allocation?.id, taken.id])
    await operatorCall(plane, 'Placement', 'Release', { allocationId: id });
});

t.test('a withdrawn profile is put back everywhere', async (t) => {
  await operatorCall(plane, 'Tuning', 'WithdrawProfile', { name: 'base' });
  await until(async () => (await view('sim-001')).host?.tuningState === 'unmanaged', 10_000, 'unmanaged');
  t.equal(one.host.kernel.read('/sys/kernel/mm/ksm/run'), '0');
  t.equal(one.host.ledger.size, 0);
});
