/**
 * Placement as an operator has it: a control plane in a process of its own, agents' sessions and the command line over mutual
 * TLS. Flavors, aggregates, groups and settings; explain and simulate; bad input; and all of it after kill -9.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as grpc from '@grpc/grpc-js';
import t from 'tap';
import { enrol } from '../../agent/session/enrol.js';
import { Session } from '../../agent/session/session.js';
import { type Api, openApi } from '../../controlplane/cli/client.js';
import { findContext } from '../../controlplane/cli/context.js';
import { readCredentials } from '../../controlplane/cli/credentials.js';
import type { PlacementRequestInput } from '../../proto/gen/drover/v1/PlacementRequest.js';
import type { SimulatedChangeInput } from '../../proto/gen/drover/v1/SimulatedChange.js';
import { DroverError } from '../../proto/wire/errors.js';
import { channelOptions, maximumMessageBytes } from '../../proto/wire/limits.js';
import { loadContract } from '../../proto/wire/load.js';
import { fromServiceError } from '../../proto/wire/remote-error.js';
import { runDrover } from '../support/cli-run.js';
import { until } from '../support/poll.js';

// Three agents, a process that starts twice and some eighty command lines, on a machine that may be busy.
t.setTimeout(120_000);
const folder = mkdtempSync(join(tmpdir(), 'drover-placement-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const bin = fileURLToPath(new URL('../../controlplane/bin.js', import.meta.url));
const contextFile = join(folder, 'operator/context.json');
const configFile = join(folder, 'controlplane.yaml');

let child: ChildProcess;
let api: Api;

/** Starts the control plane; at the second start on the addresses of the first, where the agents look for it. */
async function start(listen: string, enrolListen: string): Promise<void> {
  const config = {
    ...{ state_directory: join(folder, 'state'), listen, enrol_listen: enrolListen },
    ...{ log_level: 'warn', claim_ttl_seconds: 0 },
  };
  writeFileSync(configFile, JSON.stringify(config));
  rmSync(contextFile, { force: true });
  const args = [bin, 'run', '--config', configFile, '--context', contextFile];
  child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
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

const nics = [1, 2].map((number) => ({
  ...{
    address: `0000:3b:00.${number}`,
    vendorId: '8086',
    productId: '154c',
    deviceType: 'type-VF',
    numaCell: 0,
  },
}));

/** Devices by host: PCIWeigher keeps hosts that have some for those who ask, so nobody has any until a test says so. */
const devicesOf = new Map<string, typeof nics>();

/** An agent's session with nothing behind it: the host has these CPUs and this memory, and no domain. */
async function joinHost(name: string, availabilityZone: string, memoryGib: number): Promise<() => void> {
  const { token } = await api.call('Fleet', 'CreateJoinToken', {});
  const address = context().enrolAddress;
  const given = { address, token, hostName: name, labels: {}, availabilityZone, machineId: name };
  const identity = await enrol({ ...given, simulated: true });
  const report = (): void => {
    session.report('facts', {
      facts: {
        cpu: { architecture: 'x86_64', online: '0-7', modelName: 'AMD EPYC 7543' },
        memory: { totalBytes: memoryGib * 2 ** 30 },
        diskTotalBytes: 2 ** 40,
        versions: { qemu: '7.2.13' },
        passthrough: { devices: devicesOf.get(name) ?? [] },
      },
    });
    session.report('domains', { domains: { domains: [] } });
  };
  const session: Session = new Session({
    identity: () => identity,
    agentVersion: '1.0',
    bootId: 'boot',
    desiredDigest: () => '',
    heartbeat: () => ({ hypervisorReachable: true }),
    onConnected: ({ resumed }) => (resumed ? undefined : report()),
    onDisconnected: () => undefined,
    onDesiredState: () => undefined,
    onOperation: () => undefined,
    onAllocations: () => undefined,
    now: Date.now,
    random: Math.random,
  });
  session.start();
  t.teardown(() => session.stop());
  return report;
}

const hosts = [
  ['kvm-a', 'az-1', 16],
  ['kvm-b', 'az-1', 32],
  ['kvm-c', '', 64],
] as const;
const inService = () =>
  until(
    async () => {
      const { zones } = await api.call('Catalog', 'ListAvailabilityZones', {});
      return zones.reduce((sum, zone) => sum + zone.hostsInService, 0) === hosts.length;
    },
    20_000,
    'every host is in service',
  );
const reports = new Map<string, () => void>();
for (const [name, zone, memoryGib] of hosts) reports.set(name, await joinHost(name, zone, memoryGib));
await inService();

const amounts = { vcpus: 1, memoryMb: 512 };
const best = async (request: PlacementRequestInput, seed = 1): Promise<string | undefined> => {
  const { destinations } = await api.call('Placement', 'SelectDestinations', { request, seed });
  return destinations[0]?.hostName;
};
const drover = (line: string) => runDrover(['--context', contextFile, ...line.split(' ')]);
/** A command that must succeed, as the message that it prints. */
async function said(line: string): Promise<Record<string, unknown>> {
  const { exit, stdout, stderr } = await drover(`--output json ${line}`);
  if (exit !== 0) throw new Error(`drover ${line}: ${stderr}`);
  return JSON.parse(stdout) as Record<string, unknown>;
}
/** Everything that is known, but what the clock moves. */
async function everything(): Promise<unknown[]> {
  const { hosts: known } = await api.call('Fleet', 'ListHosts', {});
  return [
    known.map((host) => ({ ...host, lastSeenUnixMs: 0 })),
    await api.call('Catalog', 'ListFlavors', {}),
    await api.call('Catalog', 'ListAggregates', {}),
    await api.call('Catalog', 'ListServerGroups', {}),
    await api.call('Catalog', 'GetSchedulerSettings', {}),
    await api.call('Placement', 'ListAllocations', {}),
  ];
}

t.test('flavors by the command line', async (t) => {
  await said('flavor set m1.small --vcpus 2 --memory 2GiB --disk 10GiB');
  const changed = await said('flavor set m1.small --memory 4GiB --extra-spec a:b=c');
  t.match(changed, { vcpus: 2, memory_mb: 4096, root_gb: 10, extra_specs: { 'a:b': 'c' } });
  t.match(await said('flavor list'), { total: 1, flavors: [{ name: 'm1.small' }] });
  t.equal(await best({ flavor: 'm1.small', availabilityZone: 'az-1' }), 'kvm-b', 'the one with most memory');
  const wrong = await drover('place --flavor m1.smal');
  t.same([wrong.exit, wrong.stdout], [3, '']);
  t.match(wrong.stderr, /request\.flavor: flavor m1\.smal is not known; did you mean m1\.small\?/);
  const claimed = await said('place --flavor m1.small --claim --key by-flavor');
  t.match(claimed, { allocation: { host_name: 'kvm-c', vcpus: 2, memory_mb: 4096, flavor: 'm1.small' } });
  await said('flavor set m1.small --memory 1GiB');
  const { allocations } = await api.call('Placement', 'ListAllocations', {});
  t.same(
    allocations.map(({ memoryMb }) => memoryMb),
    [4096],
    'what was placed keeps what it has',
  );
  await api.call('Placement', 'Release', { allocationId: String(allocations[0]?.id) });
});

t.test('aggregates make zones, and their metadata is in force at once', async (t) => {
  t.equal(await best({ ...amounts, availabilityZone: 'nova' }), 'kvm-c');
  await said('aggregate create rack --zone az-3 --host kvm-c');
  const { zones } = await api.call('Catalog', 'ListAvailabilityZones', {});
  t.same(
    zones.map(({ name, hosts: count }) => [name, count]),
    [
      ['az-1', 2],
      ['az-3', 1],
    ],
  );
  t.equal(await best({ ...amounts, availabilityZone: 'az-3' }), 'kvm-c');
  t.match(await said('host show kvm-c'), { host: { aggregates: ['rack'], availability_zone: 'az-3' } });
  t.match(await said('host list --zone az-3'), { total: 1, hosts: [{ name: 'kvm-c' }] });
  const twice = await drover('aggregate create other --zone az-4 --host kvm-c');
  t.match(
    [twice.exit, twice.stderr],
    [1, /kvm-c is in zone az-3 by aggregate rack.*take it out of rack first/],
  );
  await said('aggregate set rack --metadata ram_weight_multiplier=-5.0');
  t.not(await best(amounts), 'kvm-c', 'its weight is turned round');
  await said('aggregate set rack --unset ram_weight_multiplier');
  t.equal(await best(amounts), 'kvm-c');
  const two = await Promise.all([
    drover('aggregate add-host rack kvm-a'),
    drover('aggregate set rack --metadata ssd=true'),
  ]);
  t.same(
    two.map(({ exit }) => exit),
    [0, 0],
  );
  const { aggregates } = await api.call('Catalog', 'ListAggregates', {});
  t.match(
    aggregates,
    [{ name: 'rack', hosts: ['kvm-c', 'kvm-a'], metadata: { ssd: 'true' } }],
    'both changes last',
  );
  await said('aggregate remove-host rack kvm-a');
});

t.test('server groups keep their members apart', async (t) => {
  const { id } = (await said('group create web --policy anti-affinity')) as { id: string };
  const claim = (instanceUuid: string) =>
    api.call('Placement', 'Claim', {
      request: { ...amounts, serverGroup: 'web', instanceUuid },
      idempotencyKey: instanceUuid,
    });
  const placed = [];
  for (const uuid of ['u1', 'u2', 'u3']) placed.push((await claim(uuid)).allocation);
  t.equal(new Set(placed.map((one) => one?.hostName)).size, 3, 'each on a host of its own');
  await t.rejects(claim('u4'), { code: 'no-valid-host' });
  const shown = await said(`group show ${id}`);
  t.same((shown['members'] as string[]).toSorted(), ['u1', 'u2', 'u3']);
  const refused = await drover('group delete web');
  t.match([refused.exit, refused.stderr], [1, /server group web has 3 members/]);
  for (const one of placed) await api.call('Placement', 'Release', { allocationId: String(one?.id) });
  await said('group delete web');
  t.match(await said('group list'), { total: 0 });
});

t.test('settings are in force for the next request', async (t) => {
  t.equal(await best(amounts), 'kvm-c');
  await said('settings set ram_weight_multiplier -1.0');
  await said('settings set cpu_weight_multiplier 0');
  t.equal(await best(amounts), 'kvm-a', 'the fullest first');
  await said('settings unset ram_weight_multiplier');
  await said('settings unset cpu_weight_multiplier');
  t.equal(await best(amounts), 'kvm-c');
  await said('host set kvm-c --disable cleaning');
  t.equal(await best(amounts), 'kvm-b');
  await said('settings set enabled_filters RamFilter,CoreFilter');
  t.equal(await best(amounts), 'kvm-c', 'nobody asks any more whether the host is enabled');
  const { filters } = await api.call('Placement', 'SelectDestinations', { request: amounts });
  t.same(
    filters.map(({ filter }) => filter),
    ['RamFilter', 'CoreFilter'],
  );
  await said('settings unset enabled_filters');
  await said('host set kvm-c --enable');
  const listed = await said('settings list --changed');
  t.same(listed['settings'], []);
});

t.test('the same seed on the same revision names the same hosts', async (t) => {
  await said('settings set host_subset_size 3');
  const ask = (seed: number) =>
    api.call('Placement', 'SelectDestinations', { request: amounts, seed, alternates: 2 });
  const made = await ask(0);
  t.ok(made.seed > 0, 'a seed is made where none is given');
  const chosen = new Set<string>();
  for (let seed = 1; seed <= 40; seed++) {
    const [first, second] = [await ask(seed), await ask(seed)];
    t.same(second.destinations, first.destinations);
    chosen.add(first.destinations[0]?.hostName ?? '');
  }
  t.same([...chosen].toSorted(), ['kvm-a', 'kvm-b', 'kvm-c'], 'and other seeds name others');
  await said('settings unset host_subset_size');
});

t.test('explain: the verdict, what would help, and why', async (t) => {
  await said('host set kvm-b --forced-down');
  const { exit, stdout } = await drover('place --vcpus 2 --memory 20GiB --explain');
  t.equal(exit, 0);
  t.match(stdout, /^1 of 3 hosts fits\. /);
  t.match(stdout, /RamFilter +ram-[a-z-]+ +1 +1 +kvm-a/);
  const answer = await api.call('Placement', 'Explain', { request: { vcpus: 2, memoryMb: 20 * 1024 } });
  t.match(answer, { hostsConsidered: 3, hostsPassed: 1 });
  const of = (name: string) => answer.hosts.find(({ hostName }) => hostName === name);
  t.match(of('kvm-a'), { passes: false, firstFilter: 'RamFilter', soleFilter: 'RamFilter' });
  t.match(of('kvm-b'), { passes: false, refusals: [{ reason: 'host-forced-down' }] });
  t.match(of('kvm-c'), { passes: true, firstFilter: '', soleFilter: '' });
  t.ok(
    answer.relaxations.some(
      ({ filter, hosts: count, text }) => filter === 'RamFilter' && count === 1 && text !== '',
    ),
    JSON.stringify(answer.relaxations),
  );
  t.match(stdout, /Nearest changes that let more hosts take it\n {2}- /);
  const none = await drover('place --vcpus 2 --memory 200GiB --explain');
  t.match([none.exit, none.stdout], [1, /^0 of 3 hosts fit\. /]);
  await said('host set kvm-b --lift-forced-down');
});

t.test('simulate: what would be, and nothing is', async (t) => {
  const before = await everything();
  const much = { vcpus: 8, memoryMb: 1024 };
  const plain = await api.call('Placement', 'Simulate', {
    placements: [{ request: much, count: 20 }],
    seed: 5,
  });
  t.match(plain, { hosts: 3, placed: 12, refused: 8, seed: 5 }, 'four times 8 CPUs on each of three hosts');
  t.match(plain.results, [{ placed: 12, refused: 8, why: /no valid host|CoreFilter/ }]);
  const more = await api.call('Placement', 'Simulate', {
    changes: [
      { overcommit: { cpuAllocationRatio: 5 } },
      { addHosts: { count: 2, likeHost: 'kvm-a' } },
      { drain: { hosts: ['kvm-c'] } },
    ],
    placements: [{ request: much, count: 20 }],
    seed: 5,
  });
  t.match(more, { hosts: 5, placed: 20, refused: 0 }, 'five times on each of four');
  t.equal(more.results[0]?.hosts['kvm-c'], undefined);
  const ran = await drover('simulate --ratio cpu=1 --vcpus 8 --memory 1GiB --count 4');
  t.match([ran.exit, ran.stdout], [1, /^3 of 4 fit on 3 hosts, 1 does not\./]);
  for (const [changes, field, code = 'invalid-argument'] of [
    [[{ addHosts: { count: 1, likeHost: 'nobody' } }], 'changes[0].add_hosts.like_host', 'not-found'],
    [[{ addHosts: { count: 10_001, likeHost: 'kvm-a' } }], 'changes[0].add_hosts.count'],
    [[{ drain: { availabilityZone: 'az-9' } }], 'changes[0].drain.availability_zone', 'not-found'],
    [[{ drain: { aggregate: 'rak' } }], 'changes[0].drain.aggregate', 'not-found'],
    [[{ overcommit: { cpuAllocationRatio: -1 } }], 'changes[0].overcommit.cpu_allocation_ratio'],
    [[{ overcommit: { ramAllocationRatio: Number.NaN } }], 'changes[0].overcommit.ram_allocation_ratio'],
    [[{ settings: { enabled_filters: 'NoFilter' } }], 'enabled_filters'],
    [[{ settings: { enabled_filtres: 'RamFilter' } }], 'changes[0].settings'],
    [[{}], 'changes[0]'],
    [Array.from({ length: 101 }, () => ({ drain: {} })), 'changes'],
  ] as [SimulatedChangeInput[], string, string?][])
    await t.rejects(
      api.call('Placement', 'Simulate', { changes, placements: [] }),
      { code, field },
      JSON.stringify(changes).slice(0, 80),
    );
  const flood = { placements: [{ request: amounts, count: 10_000 }] };
  const [whole, alive] = await Promise.all([api.call('Placement', 'Simulate', flood), best(amounts)]);
  t.same([whole.placed + whole.refused, alive], [10_000, 'kvm-c'], 'others are answered meanwhile');
  await t.rejects(
    api.call('Placement', 'Simulate', { placements: [...flood.placements, ...flood.placements] }),
    {
      code: 'invalid-argument',
      field: 'placements',
    },
  );
  t.same(await everything(), before);
});

t.test('what is refused changes nothing, and says which field', async (t) => {
  const before = await everything();
  const map = (entries: number) =>
    Object.fromEntries(Array.from({ length: entries }, (_, n) => [`k${n}`, 'v']));
  const put = (flavor: object) =>
    api.call('Catalog', 'PutFlavor', { flavor: { name: 'f', ...amounts, ...flavor } });
  const aggregate = (given: object) =>
    api.call('Catalog', 'PutAggregate', { aggregate: { name: 'a', ...given } });
  const set = (settings: Record<string, string>) =>
    api.call('Catalog', 'UpdateSchedulerSettings', { settings });
  const ask = (given: PlacementRequestInput) =>
    api.call('Placement', 'SelectDestinations', { request: { ...amounts, ...given } });
  const claim = (given: PlacementRequestInput) =>
    api.call('Placement', 'Claim', { request: { ...amounts, ...given }, idempotencyKey: 'bad' });
  const table: [what: () => Promise<unknown>, code: string, field: string | RegExp][] = [
    [() => put({ vcpus: 0 }), 'invalid-argument', 'flavor.vcpus'],
    [() => put({ vcpus: -1 }), 'invalid-argument', 'flavor.vcpus'],
    [() => put({ memoryMb: 2 ** 52 }), 'invalid-argument', 'flavor.memory_mb'],
    [() => put({ name: '' }), 'invalid-argument', 'flavor.name'],
    [() => put({ extraSpecs: map(129) }), 'invalid-argument', 'flavor.extra_specs'],
    [() => api.call('Catalog', 'PutFlavor', {}), 'invalid-argument', 'flavor'],
    [() => api.call('Catalog', 'DeleteFlavor', { name: 'no' }), 'not-found', 'name'],
    [() => aggregate({ hosts: ['nobody'] }), 'not-found', 'host'],
    [() => aggregate({ hosts: ['kvm-a', 'kvm-a'] }), 'invalid-argument', 'aggregate.hosts[1]'],
    [
      () => aggregate({ metadata: { cpu_allocation_ratio: '0' } }),
      'invalid-argument',
      /cpu_allocation_ratio/,
    ],
    [
      () => aggregate({ metadata: { ram_allocation_ratio: 'NaN' } }),
      'invalid-argument',
      /ram_allocation_ratio/,
    ],
    [() => set({ enabled_filters: 'RamFilter,NoSuchFilter' }), 'invalid-argument', 'enabled_filters'],
    [() => set({ no_such_setting: '1' }), 'invalid-argument', 'settings'],
    [() => set({ cpu_weight_multiplier: 'NaN' }), 'invalid-argument', 'cpu_weight_multiplier'],
    [() => set({ max_attempts: '2', host_subset_size: '-1' }), 'invalid-argument', 'host_subset_size'],
    [() => ask({ vcpus: 0 }), 'invalid-argument', 'request.vcpus'],
    [() => ask({ availabilityZone: 'az-9' }), 'not-found', 'request.availability_zone'],
    [() => ask({ serverGroup: 'nobody' }), 'not-found', 'request.server_group'],
    [() => claim({ vcpus: 0, memoryMb: 0, flavor: 'no' }), 'not-found', 'request.flavor'],
    [() => claim({ flavor: 'm1.small' }), 'invalid-argument', 'request.vcpus'],
    [() => claim({ memoryMb: -1 }), 'invalid-argument', 'request.memory_mb'],
    [
      () => api.call('Placement', 'SelectDestinations', { request: amounts, alternates: 101 }),
      'invalid-argument',
      'alternates',
    ],
    [() => api.call('Placement', 'SelectDestinations', {}), 'invalid-argument', 'request'],
    [
      () => api.call('Placement', 'Explain', { request: amounts, limit: 10_001 }),
      'invalid-argument',
      'limit',
    ],
    [
      () => api.call('Fleet', 'UpdateHost', { host: 'kvm-a', updateMask: ['forcedDown'] }),
      'invalid-argument',
      'update_mask',
    ],
  ];
  for (const [what, code, field] of table) {
    const thrown: unknown = await what().catch((error: unknown) => error);
    t.match(thrown, { code, field }, `${code} ${field}`);
  }
  t.same(await everything(), before);
});

t.test('a request of 10 MB is refused, and holds nobody up', async (t) => {
  const { authority, key, certificate } = readCredentials(context());
  const { Placement } = loadContract();
  const client = new Placement(context().address, grpc.credentials.createSsl(authority, key, certificate), {
    ...channelOptions,
    'grpc.max_send_message_length': -1,
  });
  t.teardown(() => client.close());
  const call = (request: PlacementRequestInput) =>
    new Promise<unknown>((resolve, reject) =>
      client.SelectDestinations({ request }, { deadline: Date.now() + 10_000 }, (error, answer) =>
        error ? reject(fromServiceError(error)) : resolve(answer),
      ),
    );
  const huge = { ...amounts, schedulerHints: { query: { values: ['[' + '1,'.repeat(5_000_000) + '1]'] } } };
  const [sent, others] = await Promise.all([
    call(huge).catch((thrown: unknown) => thrown),
    Promise.all(Array.from({ length: 20 }, () => best(amounts))),
  ]);
  t.ok(sent instanceof DroverError);
  t.match(sent, {
    code: /^(message-too-large|resource-exhausted)$/,
    message: new RegExp(String(maximumMessageBytes)),
  });
  t.ok(others.every((name) => name === 'kvm-c'));
  const long = { ...amounts, schedulerHints: { query: { values: ['1'.repeat(1_000_000)] } } };
  await t.rejects(call(long), { code: 'invalid-argument', field: 'request.scheduler_hints.query' });
  const names = Array.from({ length: 100_000 }, (_, n) => `host-${n}`);
  await t.rejects(call({ ...amounts, ignoreHosts: names }), {
    code: 'invalid-argument',
    field: 'request.ignore_hosts',
  });
  t.match(await call({ ...amounts, ignoreHosts: names.slice(0, 10_000) }), {
    destinations: [{ hostName: 'kvm-c' }],
  });
});

t.test('a host that is forced down stays so when its removal is refused', async (t) => {
  const found = async () => {
    const request = { ...amounts, availabilityZone: 'az-1' };
    const { destinations } = await api.call('Placement', 'SelectDestinations', { request, alternates: 2 });
    return destinations.map(({ hostName }) => hostName).toSorted();
  };
  const { allocation } = await api.call('Placement', 'Claim', {
    request: { ...amounts, forceHosts: ['KVM-B'] },
    idempotencyKey: 'holder',
  });
  t.equal(allocation?.hostName, 'kvm-b', 'forced, in any case');
  await said('host set kvm-b --forced-down');
  t.match(await said('host show kvm-b'), { host: { forced_down: true } });
  await t.rejects(api.call('Fleet', 'DeleteHost', { host: 'kvm-b' }), { code: 'failed-precondition' });
  t.same(await found(), ['kvm-a']);
  await said('host set kvm-b --lift-forced-down');
  t.same(await found(), ['kvm-a', 'kvm-b']);
  await t.rejects(api.call('Fleet', 'DeleteHost', { host: 'kvm-b' }), { code: 'failed-precondition' });
  t.same(await found(), ['kvm-a', 'kvm-b'], 'and one that is not, is not');
  await api.call('Placement', 'Release', { allocationId: String(allocation?.id) });
});

t.test('devices: an alias, a flavor that asks for one, and no device twice', async (t) => {
  devicesOf.set('kvm-b', nics);
  reports.get('kvm-b')?.();
  const usageOf = async () => (await api.call('Fleet', 'GetHost', { host: 'kvm-b' })).host?.usage;
  await until(async () => (await usageOf())?.devices === 2, 5_000, 'the devices are told');
  const { settings } = await api.call('Catalog', 'GetSchedulerSettings', {});
  const usual = settings.find(({ name }) => name === 'enabled_filters')?.value ?? '';
  await said('settings set pci.alias {"name":"nic","vendor_id":"8086","device_type":"type-VF"}');
  await said('flavor set nic --vcpus 1 --memory 1GiB --extra-spec pci_passthrough:alias=nic:1');
  await said('settings set max_attempts 1');
  const unasked = await drover('place --flavor nic --claim');
  t.match(unasked, {
    exit: 1,
    stderr: /the best cannot give the devices.*enabled_filters lacks PciPassthroughFilter/,
  });
  for (const place of ['place --flavor nic', 'place --flavor nic --explain'])
    t.match(
      (await said(place))['warnings'],
      [/no filter looked at the devices.*PciPassthroughFilter/],
      place,
    );
  await said('settings unset max_attempts');
  await said(`settings set enabled_filters ${usual},PciPassthroughFilter`);
  const claim = async (key: string) =>
    said(`place --flavor nic --claim --key ${key} --image-property os_distro=debian`);
  t.match(await claim('n1'), {
    allocation: { host_name: 'kvm-b', devices: [{ address: '0000:3b:00.1', numa_cell: 0 }] },
  });
  t.match(await claim('n2'), { allocation: { host_name: 'kvm-b', devices: [{ address: '0000:3b:00.2' }] } });
  t.match(await claim('n1'), { existed: true, allocation: { devices: [{ address: '0000:3b:00.1' }] } });
  const refused = await drover('place --flavor nic --claim');
  t.match(refused, {
    exit: 1,
    stderr: /PciPassthroughFilter refuses 3 \(devices-short\).*no free passthrough devices/,
  });
  const shown = await drover('host show kvm-b');
  t.match(shown.stdout, /Devices +2 of 2 taken/);
  t.match(shown.stdout, /Passthrough +2 of 8086:154c type-VF, cell 0 \(0000:3b:00.1, 0000:3b:00.2\)/);
});

t.test('everything is there after kill -9', async (t) => {
  await said('group create keep --policy affinity');
  await said('settings set max_io_ops_per_host 5');
  await said('host set kvm-a --forced-down');
  await api.call('Placement', 'Claim', {
    request: { ...amounts, serverGroup: 'keep', instanceUuid: 'u9' },
    idempotencyKey: 'k9',
  });
  const { groups, ...before } = await known();
  t.match(groups, [{ name: 'keep', members: ['u9'] }]);
  const { address, enrolAddress } = context();
  await end('SIGKILL');
  await start(address, enrolAddress);
  const { groups: groupsAfter, ...after } = await known();
  t.same([after, groupsAfter], [before, groups]);
  t.match(await api.call('Fleet', 'GetHost', { host: 'kvm-a' }), { host: { forcedDown: true } });
  const devicesTaken = async () =>
    (await api.call('Fleet', 'GetHost', { host: 'kvm-b' })).host?.usage?.devicesTaken;
  await until(async () => (await devicesTaken()) === 2, 20_000, 'its agent is back, and no device is free');
  t.match(readFileSync(configFile, 'utf8'), address, 'on the same address');
});

async function known() {
  return {
    flavors: await api.call('Catalog', 'ListFlavors', {}),
    aggregates: await api.call('Catalog', 'ListAggregates', {}),
    groups: (await api.call('Catalog', 'ListServerGroups', {})).serverGroups,
    settings: await api.call('Catalog', 'GetSchedulerSettings', {}),
  };
}
