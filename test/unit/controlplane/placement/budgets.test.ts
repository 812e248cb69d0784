/** What one request may take of everybody's time, and what must not change under a search that takes turns. */
import t from 'tap';
import { catalogLimits } from '../../../../controlplane/catalog/limits.js';
import { noDetails, type PciPool } from '../../../../controlplane/model/host-details.js';
import { type CheckedRequest, checkRequest, requestFor } from '../../../../controlplane/model/request.js';
import { requestLimits } from '../../../../controlplane/model/request-limits.js';
import { novaSettings } from '../../../../controlplane/model/scheduler-settings.js';
import { explain } from '../../../../controlplane/placement/explain.js';
import { mostDeviceLooks } from '../../../../controlplane/placement/pci/device-budget.js';
import { defaultRules, rulesOf, select } from '../../../../controlplane/placement/select.js';
import { simulation } from '../../../../controlplane/placement/simulate/simulate.js';
import type { HostAggregateInput } from '../../../../proto/gen/drover/v1/HostAggregate.js';
import { codec } from '../../../../proto/wire/load.js';
import { benchFleet } from '../../../../scripts/bench/fleet.js';
import { placementRequest } from '../../../support/placement-request.js';
import { openTestCatalog } from '../../../support/test-catalog.js';

const poolsOf = (count: number, host: number): PciPool[] =>
  Array.from({ length: count }, (_, kind) => ({
    ...{ vendorId: 'v', productId: `p${kind}`, numaCell: null, deviceType: 'type-PCI' },
    ...{ count: 1 + (host % 1_000), tags: {} },
  }));

function fleetWithDevices(hosts: number, pools: (host: number) => PciPool[]) {
  const registry = benchFleet(hosts);
  for (let row = 0; row < hosts; row++)
    registry.setDetails(registry.recordAt(row).id, { ...noDetails, pciPools: pools(row) });
  return registry;
}

const kinds = (count: number) => Array.from({ length: count }, (_, kind) => ({ product_id: `none-${kind}` }));
const devices = (specs: number, more: Partial<CheckedRequest> = {}): CheckedRequest =>
  requestFor({}, { pciRequests: [{ count: 1, specs: kinds(specs), numaPolicy: undefined }], ...more });
const withDevices = rulesOf({ ...novaSettings, enabledFilters: ['PciPassthroughFilter'] });

t.test('devices: hosts that report the same are asked once, and there is an end to the others', async (t) => {
  const alike = fleetWithDevices(2_000, () => poolsOf(20, 1));
  t.equal(select(alike, withDevices, devices(64), 1).destinations.length, 0, 'one look for all of them');
  const hosts = Math.ceil(mostDeviceLooks / (65 * 21)) + 1;
  const apart = fleetWithDevices(hosts, (host) => poolsOf(20, host));
  t.throws(() => select(apart, withDevices, devices(64), 1), {
    code: 'resource-exhausted',
    field: 'request.pci_requests',
  });
  t.equal(select(apart, withDevices, devices(4), 1).destinations.length, 0, 'few kinds are no matter');
});

t.test('devices: kinds of all requests together are limited', async (t) => {
  const specs = [{ keys: { vendor_id: 'v' } }];
  const ask = (count: number) =>
    checkRequest(
      placementRequest({
        vcpus: 1,
        memoryMb: 1,
        pciRequests: Array.from({ length: 2 }, () => ({
          count: 1,
          specs: Array.from({ length: count }, () => specs[0] ?? {}),
        })),
      }),
    );
  t.equal(ask(requestLimits.pciSpecs / 2).pciRequests.length, 2);
  t.throws(() => ask(requestLimits.pciSpecs / 2 + 1), {
    code: 'invalid-argument',
    field: 'request.pci_requests.specs',
  });
});

t.test('a host with two troubles is not promised back by curing one', async (t) => {
  const registry = benchFleet(3, () => 0.5);
  const [a, b] = [registry.recordAt(0), registry.recordAt(1)];
  registry.upsert({ ...a, disabled: true });
  registry.upsert({ ...b, disabled: true });
  registry.setLiveness(b.id, false, 1);
  const { relaxations } = explain(registry, defaultRules, requestFor({}), 0);
  t.match(relaxations, [{ filter: 'ComputeFilter', hosts: 1, text: /^enabling 1 host / }]);
  t.equal(relaxations.length, 1);
});

t.test('a simulation tells the revision that it began with, and takes ECUs', async (t) => {
  const registry = benchFleet(1, () => 0.5);
  const { id, capacity } = registry.recordAt(0);
  registry.setUnmanaged(id, { vcpus: 0, memoryMb: 0, diskMb: 0, count: 0 });
  const { revision } = registry;
  const settings = { ...novaSettings, enabledFilters: ['EcuFilter'] };
  const ecus = (capacity?.vcpus ?? 0) * 4;
  const request = placementRequest({ vcpus: 1, memoryMb: 1, extraSpecs: { 'drover:ecu': String(ecus / 2) } });
  const running = simulation(
    { registry, rules: rulesOf(settings), allocationsOf: () => [], settingsWith: () => settings },
    { changes: [], placements: [{ request, count: 3 }], seed: 1 },
  );
  running.next();
  registry.setLiveness(id, false, 2);
  registry.setForcedDown(id, true);
  for (;;) {
    const { done, value } = running.next();
    if (!done) continue;
    t.match(value, { revision, placed: 2, refused: 1 });
    break;
  }
});

t.test('the catalog: aggregates of one host, revisions of settings, weights without end', async (t) => {
  const { catalog, registry, join } = await openTestCatalog();
  await join('h');
  const put = (given: HostAggregateInput) =>
    catalog.aggregates.put(codec('HostAggregate').decode(codec('HostAggregate').encode(given)));
  for (let index = 0; index < catalogLimits.aggregatesPerHost; index++)
    await put({ name: `a${index}`, hosts: ['h'] });
  await t.rejects(put({ name: 'more', hosts: ['h'] }), { code: 'resource-exhausted', value: 'h' });
  await put({ name: 'a0', hosts: ['h'], metadata: { ram_weight_multiplier: '-2' } });
  t.equal(registry.columns.multipliers.get('ram_weight_multiplier')?.[0], -2, 'one that it is in may change');
  const before = registry.revision;
  await catalog.settings.update({ ram_weight_multiplier: '-1.0' });
  t.ok(registry.revision > before, 'the same seed may name another host now');
  for (const [name, value] of [
    ['ram_weight_multiplier', '1e308'],
    ['metrics.weight_of_unavailable', '-1e308'],
    ['metrics.weight_setting', 'cpu=1e308'],
  ] as const)
    await t.rejects(catalog.settings.update({ [name]: value }), { code: 'invalid-argument', field: name });
});
