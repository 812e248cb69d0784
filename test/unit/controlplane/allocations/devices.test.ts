import t from 'tap';
import { Claims } from '../../../../controlplane/allocations/claims.js';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import { noDetails } from '../../../../controlplane/model/host-details.js';
import {
  devicesOf,
  devicesWithout,
  pickDevices,
  poolsOf,
} from '../../../../controlplane/model/host-devices.js';
import type { HostCell } from '../../../../controlplane/model/host-numa.js';
import { guestNumaOf } from '../../../../controlplane/model/numa/guest-numa-of.js';
import { type CheckedRequest, requestFor } from '../../../../controlplane/model/request.js';
import { novaSettings } from '../../../../controlplane/model/scheduler-settings.js';
import { freshDetails } from '../../../../controlplane/placement/simulate/fresh-host.js';
import { rulesOf } from '../../../../controlplane/placement/select.js';
import { Writer } from '../../../../controlplane/store/group-commit.js';
import { MemoryStore } from '../../../../controlplane/store/memory.js';
import type { PciDevice } from '../../../../proto/gen/drover/v1/PciDevice.js';

const devicesFilter = 'PciPassthroughFilter';
const filters = [...novaSettings.enabledFilters, 'NUMATopologyFilter', devicesFilter];

const address = (number: number): string => `0000:3b:00.${number}`;

function device(number: number, more: Partial<PciDevice> = {}): PciDevice {
  const kind = { vendorId: '8086', productId: '154c', deviceType: 'type-VF', numaCell: 0 };
  return { address: address(number), ...kind, tags: {}, ...more };
}

const cell = (id: number): HostCell => ({
  ...{ id, sharedCpus: [], dedicatedCpus: [4 * id, 4 * id + 1, 4 * id + 2, 4 * id + 3], socket: id },
  ...{ memoryMb: 8_192, memoryUsedMb: 0, vcpusUsed: 0, pinnedCpus: [] },
  siblings: [0, 1, 2, 3].map((cpu) => [4 * id + cpu]),
  pages: [{ sizeKb: 4, total: 2_097_152, used: 0, reserved: 0 }],
  network: { physnets: [], tunneled: false },
});

/** Hosts with devices over a store in memory; `again`: a control plane that starts over it, and is told the same. */
function world(hosts: readonly (readonly PciDevice[])[], store = new MemoryStore(), revision = 0) {
  const registry = new Registry();
  const writer = new Writer(store, revision);
  let ids = 0;
  const claims = new Claims({
    ...{ registry, commits: writer, now: () => 1_000_000, newId: () => `a${Date.now()}-${ids++}` },
    rules: rulesOf({ ...novaSettings, enabledFilters: filters, maxAttempts: 3 }),
  });
  hosts.forEach((_, index) => {
    registry.upsert({
      ...{ id: `h${index}`, name: `kvm-${index}`, availabilityZone: '', labels: {}, overcommit: null },
      ...{ disabled: false, disabledReason: '', machineId: '', certificateSerial: '', enrolledUnixMs: 0 },
      ...{ forcedDown: false, maintenance: null, lock: null, simulated: true },
      capacity: { vcpus: 64 - index, memoryBytes: (64 - index) * 2 ** 30, diskBytes: 2 ** 40 },
    });
    registry.setLiveness(`h${index}`, true, 1);
  });
  const tell = (index: number, all = hosts[index] ?? []): void => {
    const supportedInstances = [['x86_64', 'kvm', 'hvm']];
    const told = { ...noDetails, supportedInstances, numa: { cells: [cell(0), cell(1)] }, ...devicesOf(all) };
    registry.setDetails(`h${index}`, claims.detailsWith(`h${index}`, told));
  };
  const free = (index: number): string[] =>
    registry.columns.detailsOf(index).devices?.free.map((one) => one.address) ?? [];
  const pools = (index: number): number[] =>
    registry.columns.detailsOf(index).pciPools?.map(({ count }) => count) ?? [];
  hosts.forEach((_, index) => tell(index));
  const again = async () => {
    const records = await store.load();
    const next = world(hosts, store, records.revision);
    next.claims.load(records);
    hosts.forEach((_, index) => next.tell(index));
    return next;
  };
  /** A domain of the first host has these. */
  const reports = (pciAddresses: string[]): void => {
    const domain = { uuid: 'vm', allocationId: '', state: 'shutoff', pciAddresses };
    claims.domainsReported('h0', [domain], undefined);
  };
  return { registry, store, claims, tell, free, pools, again, reports };
}

const noImage = { id: '', name: '', properties: {} };
const asks = (count: number, spec: Record<string, string> = { vendor_id: '8086' }, numaPolicy?: string) => ({
  pciRequests: [{ count, specs: [spec], numaPolicy }],
});
const wanted = (more: Partial<CheckedRequest> = {}): CheckedRequest =>
  requestFor({ vcpus: 1, memoryMb: 1024 }, { image: noImage, ...more });
const addresses = ({ devices }: { devices: readonly PciDevice[] }): string[] =>
  devices.map((one) => one.address);

t.test('each claim gets devices of its own, and a release gives them back', async (t) => {
  const w = world([[device(0), device(1), device(2)]]);
  const [one, other] = await Promise.all([
    w.claims.claim(wanted(asks(1)), 'one'),
    w.claims.claim(wanted(asks(2)), 'other'),
  ]);
  t.same(addresses(one.allocation), [address(0)]);
  t.same(addresses(other.allocation), [address(1), address(2)]);
  t.same([w.free(0), w.pools(0)], [[], []]);
  const refused = w.claims.claim(wanted(asks(1)), '');
  await t.rejects(refused, {
    code: 'no-valid-host',
    message: /PciPassthroughFilter refuses 1 \(devices-short\)/,
  });
  t.equal((await w.claims.claim(wanted(), 'plain')).allocation.devices.length, 0, 'others find room');
  await w.claims.release(one.allocation.id);
  t.same([w.free(0), w.pools(0)], [[address(0)], [1]]);
  t.same(addresses((await w.claims.claim(wanted(asks(1)), '')).allocation), [address(0)]);
});

t.test('what the store refuses gives its devices back', async (t) => {
  const w = world([[device(0)]]);
  const failing = new Claims({
    registry: w.registry,
    commits: { submit: () => Promise.reject(new Error('no')) },
    ...{ now: () => 0, newId: () => 'x', rules: rulesOf(novaSettings) },
  });
  w.registry.setDetails('h0', failing.detailsWith('h0', { ...noDetails, ...devicesOf([device(0)]) }));
  await t.rejects(failing.claim(wanted(asks(1)), 'k'));
  t.same(w.free(0), [address(0)]);
});

t.test('a device that a domain has is nobody else’s, nor one that is there no more', async (t) => {
  const w = world([[device(0), device(1)]]);
  w.reports([address(0), '0000:ff:00.0']);
  const { allocation } = await w.claims.claim(wanted(asks(1)), '');
  t.same(addresses(allocation), [address(1)]);
  w.reports([address(1)]);
  t.same(w.free(0), [address(0)], 'the domain of the allocation has come, the other one is gone');
  w.tell(0, [device(0), device(2)]);
  t.same(w.free(0), [address(0), address(2)], 'facts anew, the allocation stays');
  w.tell(0, [device(0), device(1), device(2)]);
  t.same(w.free(0), [address(0), address(2)]);
  w.reports([]);
  await w.claims.release(allocation.id);
  t.equal(w.free(0).length, 3);
});

t.test('devices are counted off after a restart, and a move asks for all that was asked for', async (t) => {
  const gpu = { productId: '20b0', deviceType: 'type-PCI' };
  const before = world([[device(0, gpu), device(1)], [device(3), device(4, gpu)], [device(5)]]);
  const image = { id: 'img', name: 'debian', properties: { hw_architecture: 'x86_64' } };
  const hints = { different_host: ['somebody'] };
  const network = { physnets: ['dc1'], tunneled: true };
  const more = { image, hints, network, isVolumeBooted: true };
  const request = wanted({ ...asks(1, { product_id: '20b0' }), ...more });
  const { allocation } = await before.claims.claim(request, 'gpu');
  t.match(allocation, { hostName: 'kvm-0', alternates: ['kvm-1'] });
  t.same(addresses(allocation), [address(0)]);
  const w = await before.again();
  t.same(w.free(0), [address(1)]);
  t.match(w.claims.get(allocation.id), { requestRest: { image, schedulerHints: { different_host: {} } } });
  t.match(await w.claims.claim(request, 'gpu'), { existed: true, allocation: { id: allocation.id } });
  const less = [{ image: noImage }, { hints: {} }, { network: null }, { isVolumeBooted: false }];
  for (const other of [wanted(), ...less.map((one) => ({ ...request, ...one }))])
    await t.rejects(
      w.claims.claim(other, 'gpu'),
      { code: 'already-exists' },
      'the key is of another request',
    );
  const move = { allocationId: allocation.id, hostId: '', key: '', by: '', reason: '' };
  const moved = await w.claims.move(move);
  t.equal(moved.allocation.hostName, 'kvm-1');
  t.same(addresses(moved.allocation), [address(4)]);
  t.same([w.free(0), w.free(1)], [[address(0), address(1)], [address(3)]]);
  await t.rejects(w.claims.move({ ...move, hostId: 'h2' }), { code: 'no-valid-host' });
  t.same(addresses(w.claims.get(allocation.id) ?? { devices: [] }), [address(4)]);
  const last = await w.again();
  t.same([last.free(0), last.free(1)], [[address(0), address(1)], [address(3)]]);
});

t.test('a claim that its host rejects takes devices of the next', async (t) => {
  const w = world([[device(0)], [device(1)]]);
  const { allocation } = await w.claims.claim(wanted(asks(1)), '');
  w.claims.report('h0', {
    generation: 1,
    confirmedIds: [],
    rejected: [{ id: allocation.id, reason: 'it is not there' }],
  });
  for (let turn = 0; turn < 1_000 && w.claims.get(allocation.id)?.hostId !== 'h1'; turn++)
    await new Promise(setImmediate);
  t.same(addresses(w.claims.get(allocation.id) ?? { devices: [] }), [address(1)]);
  t.same([w.free(0), w.free(1)], [[address(0)], []]);
});

t.test('devices near the cells of the guest', async (t) => {
  const w = world([[device(0, { numaCell: 0 }), device(1, { numaCell: 1 }), device(2, { numaCell: 1 })]]);
  const flavor = { vcpus: 2, memoryMb: 1024, extraSpecs: { 'hw:cpu_policy': 'dedicated' } };
  const pinned = (count: number): CheckedRequest => {
    const plain = requestFor(flavor, { image: noImage, ...asks(count, {}, 'required') });
    return { ...plain, numa: guestNumaOf(plain.flavor, noImage) };
  };
  const two = (await w.claims.claim(pinned(2), '')).allocation;
  t.same([two.cells.map(({ hostCell }) => hostCell), addresses(two)], [[1], [address(1), address(2)]]);
  const one = (await w.claims.claim(pinned(1), '')).allocation;
  t.same([one.cells.map(({ hostCell }) => hostCell), addresses(one)], [[0], [address(0)]]);
});

t.test('a host that is named gets no claim that its devices cannot serve', async (t) => {
  const w = world([[device(0)]]);
  const forced = wanted({ ...asks(2), forceHosts: ['kvm-0'] });
  await t.rejects(w.claims.claim(forced, ''), {
    code: 'no-valid-host',
    message: /Of the 1 that passed, the best cannot give the devices that are asked for$/,
  });
  t.same([w.free(0), w.claims.list()], [[address(0)], []]);
});

t.test('what an allocation keeps of its request has a bound', async (t) => {
  const w = world([[]]);
  const query = (length: number) => wanted({ hints: { query: ['x'.repeat(length)] } });
  await t.rejects(w.claims.claim(query(131_072), 'k'), {
    code: 'invalid-argument',
    message: /request: got "131\d+ characters of image, hints, devices and networks"; want at most 131072/,
  });
  t.same(w.claims.list(), []);
  await w.claims.claim(query(100_000), 'k');
  t.equal(w.claims.list()[0]?.requestRest?.schedulerHints['query']?.values[0]?.length, 100_000);
});

t.test('pools are of one kind and one cell, and a host that is added has all devices', (t) => {
  const tagged = { tags: { b: '1', a: '2' } };
  const all = [
    device(0),
    device(1, tagged),
    device(2, { tags: { a: '2', b: '1' } }),
    { ...device(3), numaCell: undefined } as unknown as PciDevice,
    device(4),
    device(5, { deviceType: 'type-PF' }),
  ];
  t.match(poolsOf(all), [
    { numaCell: 0, count: 2, tags: {} },
    { numaCell: 0, count: 2, tags: tagged.tags },
    { numaCell: null, count: 1 },
    { deviceType: 'type-PF', count: 1 },
  ]);
  const picked = pickDevices(
    all,
    poolsOf(all).map((pool) => ({ ...pool, count: 1 })),
  );
  t.same(
    picked?.map((one) => one.address),
    [0, 1, 3, 5].map(address),
  );
  const [pool] = poolsOf(all);
  t.equal(pickDevices([device(0)], pool ? [{ ...pool, count: 2 }] : []), undefined, 'there are fewer');
  const taken = devicesWithout({ all, free: [] }, new Set([address(1)]));
  t.equal(taken.devices?.free.length, 5);
  const fresh = freshDetails({ ...noDetails, ...taken }, 'new');
  t.same([fresh.devices?.free.length, fresh.pciPools], [6, poolsOf(all)]);
  t.end();
});
