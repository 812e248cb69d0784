/** Filters, weighers, host accounting and capacity against answers of the real Nova and Placement. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import t from 'tap';
import { liveness } from '../../../../controlplane/fleet/liveness.js';
import { hasBit } from '../../../../controlplane/fleet/registry-columns.js';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import type { Aggregate } from '../../../../controlplane/model/aggregate.js';
import { Candidates } from '../../../../controlplane/placement/candidates.js';
import {
  allocationRefusal,
  capacity,
  inventoryDefaults,
  isInventory,
} from '../../../../controlplane/placement/capacity.js';
import { filters } from '../../../../controlplane/placement/filters/index.js';
import { narrow } from '../../../../controlplane/placement/narrow.js';
import { rank } from '../../../../controlplane/placement/rank.js';
import { prepareTerms, termAt } from '../../../../controlplane/placement/weigh.js';
import { weighers } from '../../../../controlplane/placement/weighers/index.js';

interface VectorHost {
  host: string;
  vcpus_total?: number | null;
  vcpus_used?: number;
  total_usable_ram_mb?: number;
  free_ram_mb?: number;
  total_usable_disk_gb?: number;
  free_disk_mb?: number;
  cpu_allocation_ratio?: number;
  ram_allocation_ratio?: number;
  disk_allocation_ratio?: number;
  aggregates?: Aggregate[];
  service?: {
    disabled?: boolean;
    forced_down?: boolean;
    seconds_since_last_seen_up?: number | null;
    seconds_since_created?: number;
  };
}

interface VectorCase {
  id: string;
  name: string;
  options?: Record<string, number | string>;
  hosts: VectorHost[];
  request: {
    flavor?: Record<string, number>;
    availability_zone?: string;
    resources?: Record<string, number>;
  };
  compute_node: Record<string, number | null>;
  inventory: Record<string, Record<string, number>>;
  used?: Record<string, number>;
  expect: {
    passes: boolean[];
    weights: number[];
    order: number[][];
    host_state: Record<string, number>;
    inventory_status: number;
    put_status: number;
    put_reason?: string;
    candidate?: boolean;
    summary?: Record<string, { capacity: number }>;
  };
}

const folder = resolve(process.env['DROVER_SHARED'] ?? resolve(process.cwd(), '../shared'), 'nova-vectors');
const found = existsSync(folder);
const skip = found ? {} : { skip: 'needs the Nova vectors: set DROVER_SHARED' };

function cases(name: string): VectorCase[] {
  const text = gunzipSync(readFileSync(resolve(folder, `${name}.jsonl.gz`))).toString();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as VectorCase);
}

const nowMs = 1_700_000_000_000;
const noReserve = {
  cpuAllocationRatio: 1,
  ramAllocationRatio: 1,
  diskAllocationRatio: 1,
  reservedHostCpus: 0,
  reservedHostMemoryMb: 0,
  reservedHostDiskMb: 0,
};

function registryOf({ hosts, options = {} }: VectorCase): Registry {
  const registry = new Registry({
    defaults: noReserve,
    defaultAvailabilityZone: String(options['default_availability_zone'] ?? 'nova'),
  });
  hosts.forEach((host, index) =>
    addHost(registry, host, String(index), Number(options['service_down_time'] ?? 60)),
  );
  return registry;
}

function addHost(registry: Registry, host: VectorHost, id: string, serviceDownTimeS: number): void {
  const vcpus = host.vcpus_total ?? 0;
  const memoryMb = host.total_usable_ram_mb ?? 0;
  const diskGb = host.total_usable_disk_gb ?? 0;
  const {
    disabled = false,
    forced_down: forced = false,
    seconds_since_last_seen_up: seen,
    seconds_since_created: created = 86_400,
  } = host.service ?? {};
  const record = {
    id,
    name: `${host.host}/${id}`,
    availabilityZone: '',
    labels: {},
    disabled,
    disabledReason: '',
    overcommit: null,
    machineId: '',
  };
  const capacityOfHost = { vcpus, memoryBytes: memoryMb * 2 ** 20, diskBytes: diskGb * 2 ** 30 };
  registry.upsert(
    { ...record, capacity: capacityOfHost, certificateSerial: '', enrolledUnixMs: 0, simulated: true },
    host.aggregates,
  );
  setRatios(registry, host, id);
  registry.setUnmanaged(id, {
    vcpus: host.vcpus_used ?? 0,
    memoryMb: memoryMb - (host.free_ram_mb ?? 0),
    diskMb: diskGb * 1024 - (host.free_disk_mb ?? 0),
    count: 1,
  });
  const lastSeenMs = nowMs - 1000 * (seen === null ? created : (seen ?? 0));
  registry.setLiveness(
    id,
    liveness(lastSeenMs, nowMs, { serviceDownTimeMs: serviceDownTimeS * 1000 }) === 'up',
    lastSeenMs,
  );
  registry.setForcedDown(id, forced);
}

/** Straight into the columns: Nova allows a ratio of 0, which a record of ours cannot say. */
function setRatios({ columns }: Registry, host: VectorHost, id: string): void {
  const row = Number(id);
  columns.vcpus.ratio[row] = host.cpu_allocation_ratio ?? 1;
  columns.memoryMb.ratio[row] = host.ram_allocation_ratio ?? 1;
  columns.diskMb.ratio[row] = host.disk_allocation_ratio ?? 1;
}

function requestOf({ request }: VectorCase) {
  const {
    vcpus = 1,
    memory_mb: memoryMb = 512,
    root_gb: rootGb = 0,
    ephemeral_gb: ephemeralGb = 0,
    swap = 0,
  } = request.flavor ?? {};
  const diskMb = 1024 * (rootGb + ephemeralGb) + swap;
  return {
    vcpus,
    memoryMb,
    diskMb,
    availabilityZone: request.availability_zone ?? '',
    instanceUuid: '',
    extraSpecs: {},
  };
}

const filterFiles: [string, number][] = [
  ['filter-availability-zone', 70],
  ['filter-compute', 60],
  ['filter-ram', 70],
  ['filter-core', 70],
  ['filter-disk', 70],
];

for (const [file, count] of filterFiles) {
  t.test(file, skip, async (t) => {
    const all = cases(file);
    t.equal(all.length, count, 'every case is asked');
    for (const one of all) {
      const registry = registryOf(one);
      const filter = filters.find(({ name }) => name === one.name);
      if (!filter) throw new Error(`no filter ${one.name}`);
      const prepared = filter.prepare(requestOf(one), registry.columns);
      const rows = registry.columns.present.slice();
      narrow(rows, prepared);
      const passes = one.hosts.map((_, row) => hasBit(rows, row));
      if (!t.strictSame(passes, one.expect.passes, one.id)) return;
      passes.forEach((pass, row) => {
        if (pass) return;
        const { observed, wanted } = prepared.wordsOf(row);
        t.ok(
          observed.length > 0 && wanted.length > 0 && !`${observed}${wanted}`.includes('undefined'),
          `${one.id} host ${row}: ${observed}; ${wanted}`,
        );
      });
    }
  });
}

const weighFiles: [string, number][] = [
  ['weigh-ram', 44],
  ['weigh-cpu', 50],
];

for (const [file, count] of weighFiles) {
  t.test(file, skip, async (t) => {
    const all = cases(file);
    t.equal(all.length, count, 'every case is asked');
    for (const one of all) {
      const { columns } = registryOf(one);
      const inUse = weighers.find(({ weigher }) => weigher.name === one.name);
      if (!inUse) throw new Error(`no weigher ${one.name}`);
      const multiplier = Number(
        one.options?.[`filter_scheduler.${inUse.weigher.multiplierKey}`] ?? inUse.multiplier,
      );
      const candidates = new Candidates([], requestOf(one), columns);
      const terms =
        one.hosts.length < 2
          ? []
          : prepareTerms(candidates, [{ ...inUse, multiplier }], requestOf(one), columns);
      const weights = one.hosts.map((_, row) => (terms[0] ? termAt(terms[0], row) : 0));
      weights.forEach((weight, row) => {
        const expected = one.expect.weights[row] as number;
        t.ok(
          Math.abs(weight - expected) <= 1e-9 * Math.max(1, Math.abs(expected)),
          `${one.id} host ${row}: ${weight} is ${expected}`,
        );
      });
      const order = Array.from(rank(candidates, terms, one.hosts.length).rows);
      if (
        !t.strictSame(
          order,
          one.expect.order.flatMap((group) => group.toSorted((a, b) => a - b)),
          `${one.id}: order`,
        )
      )
        return;
    }
  });
}

t.test('host-state: totals, free and used as the scheduler sees them', skip, async (t) => {
  const all = cases('host-state');
  t.equal(all.length, 50);
  for (const { id, compute_node: node, expect } of all) {
    const number = (key: string): number => node[key] ?? 0;
    const leastGb = node['disk_available_least'] ?? Infinity;
    const registry = new Registry({ defaults: noReserve });
    const host: VectorHost = {
      host: 'h',
      vcpus_total: number('vcpus'),
      vcpus_used: number('vcpus_used'),
      total_usable_ram_mb: number('memory_mb'),
      free_ram_mb: number('memory_mb') - number('memory_mb_used'),
      total_usable_disk_gb: number('local_gb'),
      free_disk_mb: Math.min(number('free_disk_gb'), leastGb) * 1024,
    };
    // Nova takes nothing from a report without free_disk_gb: the host then offers nothing, as one that has not reported.
    addHost(registry, node['free_disk_gb'] === null ? { host: 'h' } : host, '0', 60);
    const { vcpus, memoryMb, diskMb } = registry.columns;
    const state = expect.host_state;
    const ours = [
      vcpus.total[0],
      vcpus.used(0),
      memoryMb.total[0],
      memoryMb.free.values[0],
      (diskMb.total[0] ?? 0) / 1024,
      diskMb.free.values[0],
    ];
    t.strictSame(
      ours,
      [
        'vcpus_total',
        'vcpus_used',
        'total_usable_ram_mb',
        'free_ram_mb',
        'total_usable_disk_gb',
        'free_disk_mb',
      ].map((key) => state[key]),
      id,
    );
  }
});

t.test('capacity: Placement', skip, async (t) => {
  const all = cases('capacity');
  t.equal(all.length, 220);
  for (const { id, inventory, used = {}, request, expect } of all) {
    const inventories = new Map(Object.entries(inventory).map(([name, given]) => [name, inventoryOf(given)]));
    const valid = [...inventories.values()].every(isInventory);
    t.equal(valid, expect.inventory_status === 200, `${id}: inventory`);
    if (!valid) continue;
    const refusals = Object.entries(request.resources ?? {}).map(([name, amount]) => {
      const one = inventories.get(name);
      return one ? allocationRefusal(one, used[name] ?? 0, amount) : 'no_inventory';
    });
    t.equal(
      refusals.every((refusal) => refusal === undefined),
      expect.put_status === 204,
      `${id}: allocation`,
    );
    if (expect.put_reason)
      t.ok(refusals.includes(expect.put_reason as 'capacity'), `${id}: ${expect.put_reason}`);
    for (const [name, { capacity: whole }] of Object.entries(expect.summary ?? {})) {
      const one = inventories.get(name);
      t.equal(one && Math.trunc(capacity(one)), whole, `${id}: capacity of ${name}`);
    }
  }
});

function inventoryOf(given: Record<string, number>) {
  const {
    total = 0,
    reserved,
    allocation_ratio: allocationRatio,
    min_unit: minUnit,
    max_unit: maxUnit,
    step_size: stepSize,
  } = given;
  const said = Object.entries({ reserved, allocationRatio, minUnit, maxUnit, stepSize }).filter(
    ([, value]) => value !== undefined,
  );
  return { ...inventoryDefaults, total, ...(Object.fromEntries(said) as Partial<typeof inventoryDefaults>) };
}
