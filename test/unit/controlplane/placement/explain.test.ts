import t from 'tap';
import { hasBit, writeBit } from '../../../../controlplane/fleet/registry-columns.js';
import type { Registry } from '../../../../controlplane/fleet/registry.js';
import { type CheckedRequest, requestFor } from '../../../../controlplane/model/request.js';
import { novaSettings, type SchedulerSettings } from '../../../../controlplane/model/scheduler-settings.js';
import { explain, type Explanation } from '../../../../controlplane/placement/explain.js';
import { noValidHost } from '../../../../controlplane/placement/no-valid-host.js';
import { defaultRules, rulesOf } from '../../../../controlplane/placement/select.js';
import { benchFleet } from '../../../../scripts/bench/fleet.js';

const settings: SchedulerSettings = {
  ...novaSettings,
  enabledFilters: [...novaSettings.enabledFilters, 'IoOpsFilter', 'NumInstancesFilter'],
  maxIoOpsPerHost: 2,
  maxInstancesPerHost: 2,
};

function made(): Registry {
  const registry = benchFleet(400);
  for (let row = 0; row < 400; row++) {
    const { id } = registry.recordAt(row);
    registry.setCounts(id, { ioOps: row % 40 === 0 ? 2 + (row % 3) : 0, servers: row % 50 === 0 ? 2 : 1 });
  }
  return registry;
}

function passedWith(registry: Registry, asked: CheckedRequest, given = settings): number {
  return explain(registry, rulesOf(given), asked, 0).hostsPassed;
}

const ratioKeys = {
  cpu_allocation_ratio: 'cpuAllocationRatio',
  ram_allocation_ratio: 'ramAllocationRatio',
  disk_allocation_ratio: 'diskAllocationRatio',
} as const;
const amountKeys = { RamFilter: 'memoryMb', CoreFilter: 'vcpus', DiskFilter: 'diskMb' } as const;

/** How many more hosts pass once the change that a relaxation names is made; undefined: a text that nobody knows. */
function admitted(asked: CheckedRequest, filter: string, text: string): number | undefined {
  const registry = made();
  const before = passedWith(registry, asked);
  const [, option, from, to] = /^(\w+) ([\d.]+) -> ([\d.]+)/.exec(text) ?? [];
  if (option !== undefined && option in ratioKeys) {
    const key = ratioKeys[option as keyof typeof ratioKeys];
    for (let row = 0; row < 400; row++) {
      const record = registry.recordAt(row);
      const resource = {
        cpuAllocationRatio: 'vcpus',
        ramAllocationRatio: 'memoryMb',
        diskAllocationRatio: 'diskMb',
      } as const;
      if (registry.columns[resource[key]].ratio[row] !== Number(from)) continue;
      registry.upsert({ ...record, overcommit: { ...record.overcommit, [key]: Number(to) } });
    }
    return passedWith(registry, asked) - before;
  }
  if (option === 'max_io_ops_per_host')
    return passedWith(registry, asked, { ...settings, maxIoOpsPerHost: Number(to) }) - before;
  if (option === 'max_instances_per_host')
    return passedWith(registry, asked, { ...settings, maxInstancesPerHost: Number(to) }) - before;
  const amountKey = amountKeys[filter as keyof typeof amountKeys];
  const less = /^asking (\d+) (\w+)/.exec(text);
  if (less) return passedWith(registry, { ...asked, [amountKey]: inUnits(less) }) - before;
  const more = /^\+(\d+) (\w+)/.exec(text);
  if (more) {
    for (let row = 0; row < 400; row++) {
      const record = registry.recordAt(row);
      const capacity = record.capacity ?? { vcpus: 0, memoryBytes: 0, diskBytes: 0 };
      const added = inUnits(more);
      registry.upsert({
        ...record,
        capacity: {
          vcpus: capacity.vcpus + (amountKey === 'vcpus' ? added : 0),
          memoryBytes: capacity.memoryBytes + (amountKey === 'memoryMb' ? added * 2 ** 20 : 0),
          diskBytes: capacity.diskBytes + (amountKey === 'diskMb' ? added * 2 ** 20 : 0),
        },
      });
    }
    return passedWith(registry, asked) - before;
  }
  const zone = /^(any zone|zone (\S+)) admits/.exec(text);
  if (zone?.[2] !== undefined) return passedWith(registry, { ...asked, availabilityZone: zone[2] });
  if (zone) return passedWith(registry, { ...asked, availabilityZone: '' }) - before;
  if (text.startsWith('enabling') || text.includes('coming up')) {
    const { columns } = registry;
    for (let row = 0; row < 400; row++) {
      if (text.startsWith('enabling')) writeBit(columns.enabled, row, true);
      else if (hasBit(columns.enabled, row)) registry.setLiveness(registry.recordAt(row).id, true, 1);
      columns.deriveService(row);
    }
    return passedWith(registry, asked) - before;
  }
  return undefined;
}

function inUnits([, amount, unit]: RegExpExecArray): number {
  return Number(amount) * (unit === 'GiB' ? 1024 : 1);
}

const requests = {
  little: requestFor({ vcpus: 1, memoryMb: 512 }),
  'much memory': requestFor({ vcpus: 2, memoryMb: 450_000, rootGb: 10 }),
  'many vCPUs': requestFor({ vcpus: 128, memoryMb: 1024, rootGb: 10 }),
  'much disk': requestFor({ vcpus: 2, memoryMb: 1024, rootGb: 6_200 }),
  'a zone': requestFor({ vcpus: 16, memoryMb: 65_536, rootGb: 320 }, { availabilityZone: 'az1' }),
  'a zone that is not': requestFor({ vcpus: 1, memoryMb: 512 }, { availabilityZone: 'nowhere' }),
};

t.test('what a relaxation says comes true when it is made', async (t) => {
  const kinds = new Set<string>();
  for (const [name, asked] of Object.entries(requests)) {
    const { relaxations } = explain(made(), rulesOf(settings), asked, 10);
    t.ok(relaxations.length > 0 && relaxations.length <= 10, name);
    for (const { filter, text, hosts } of relaxations) {
      t.equal(admitted(asked, filter, text), hosts, `${name}: ${text}`);
      kinds.add(text.replace(/[\d.]+/g, 'N').replace(/az\d/, 'az'));
    }
  }
  for (const word of ['ratio', 'asking', 'per host', 'any zone', 'enabling', 'max_io_ops_per_host'])
    t.ok(
      [...kinds].some((kind) => kind.includes(word)),
      word,
    );
});

t.test('first, all and sole filters of each host agree with the counts', async (t) => {
  const registry = made();
  const asked = requests['a zone'];
  const { hosts, refusals, hostsPassed } = explain(registry, rulesOf(settings), asked, 400);
  t.equal(hosts.length, 400);
  t.equal(hosts.filter(({ passes }) => passes).length, hostsPassed);
  for (const { refusals: own, firstFilter, soleFilter } of hosts) {
    t.equal(firstFilter, own[0]?.filter ?? '');
    t.equal(soleFilter, own.length === 1 ? own[0]?.filter : '');
    for (const { observed, wanted } of own) t.ok(observed !== '' && wanted !== '');
  }
  for (const { filter, reason, hosts: count, soleHosts } of refusals) {
    const refused = hosts.filter(({ refusals: own }) =>
      own.some((one) => one.filter === filter && one.reason === reason),
    );
    t.equal(refused.length, count, `${filter} ${reason}`);
    t.equal(
      refused.filter(({ soleFilter }) => soleFilter === filter).length,
      soleHosts,
      `${filter} ${reason} alone`,
    );
  }
});

t.test('hosts that are named: forced ones skip the filters, ignored ones are left out', async (t) => {
  const registry = made();
  const names = registry.recordAt(3).name;
  const forced: Explanation = explain(
    registry,
    defaultRules,
    requestFor({ memoryMb: 2 ** 26 }, { forceHosts: [names.toUpperCase()] }),
    9,
  );
  t.match(forced, { hostsPassed: 1, filters: [], refusals: [], relaxations: [] });
  const ignored = explain(registry, defaultRules, requestFor({}, { ignoreHosts: [names] }), 400);
  t.notOk(ignored.hosts.some(({ hostName, passes }) => hostName === names && passes));
});

t.test('no valid host says the nearest change', async (t) => {
  const error = noValidHost(made(), defaultRules, requests['much disk']);
  t.match(error, { code: 'no-valid-host', field: 'request' });
  t.match(
    error.message,
    /^no valid host among 400: AvailabilityZoneFilter left 400, .* Most frequent: DiskFilter refuses/,
  );
  t.match(error.message, /Nearest change: (asking|\+|disk_allocation_ratio) ?\d+/);
});
