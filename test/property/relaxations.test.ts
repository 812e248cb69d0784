/** Relaxations are true: each is made on a copy of the fleet or on the request, and as many hosts more pass as it says. */
import fc from 'fast-check';
import t from 'tap';
import { forkRegistry } from '../../controlplane/fleet/registry-fork.js';
import { hasBit, rowsOf } from '../../controlplane/fleet/registry-columns.js';
import type { Registry } from '../../controlplane/fleet/registry.js';
import { novaDefaults } from '../../controlplane/model/host.js';
import { type CheckedRequest, requestFor } from '../../controlplane/model/request.js';
import { novaSettings, type SchedulerSettings } from '../../controlplane/model/scheduler-settings.js';
import { explain } from '../../controlplane/placement/explain.js';
import { rulesOf } from '../../controlplane/placement/select.js';
import { benchFleet, seeded } from '../../scripts/bench/fleet.js';

const passed = (registry: Registry, settings: SchedulerSettings, request: CheckedRequest): number =>
  explain(registry, rulesOf(settings), request, 0).hostsPassed;

const keys = {
  cpu_allocation_ratio: 'cpuAllocationRatio',
  ram_allocation_ratio: 'ramAllocationRatio',
  disk_allocation_ratio: 'diskAllocationRatio',
} as const;
const resourceOf = { vCPU: 'vcpus', CPUs: 'vcpus', memory: 'memoryMb', disk: 'diskMb' } as const;
const inMb = (amount: string, unit: string): number => Number(amount) * (unit === 'GiB' ? 1024 : 1);
type Change = [Registry, SchedulerSettings, CheckedRequest];

/** The change that a text speaks of, made; undefined: a text that this test does not know. */
function made(text: string, [registry, settings, request]: Change): Change | undefined {
  const fork = forkRegistry(registry);
  const { columns } = fork;
  const ids = rowsOf(columns.present).map((row) => [row, fork.recordAt(row)] as const);
  const is = (pattern: RegExp): RegExpExecArray | null => pattern.exec(text);
  let found = is(/^(\w+_allocation_ratio) ([\d.]+) -> ([\d.]+) admits/);
  if (found) {
    const key = keys[found[1] as keyof typeof keys];
    for (const [, record] of ids)
      if ((record.overcommit ?? novaDefaults)[key] === Number(found[2]))
        fork.upsert({
          ...record,
          overcommit: { ...(record.overcommit ?? novaDefaults), [key]: Number(found[3]) },
        });
    return [fork, settings, request];
  }
  found = is(/^asking ([\d.]+) (\w+) instead of/);
  if (found) {
    const amount = inMb(found[1] as string, found[2] as string);
    const isCpu = found[2]?.startsWith('vCPU');
    const kind = isCpu ? 'vcpus' : text.includes('disk') || is(/#disk/) ? 'diskMb' : 'memoryMb';
    return [fork, settings, { ...request, [kind]: amount }];
  }
  found = is(/^\+(\d+) (\w+) of (\w+) per host admits/);
  if (found) {
    const kind = resourceOf[found[3] as keyof typeof resourceOf];
    for (const [row] of ids) {
      columns[kind].total[row] =
        (columns[kind].total[row] as number) + inMb(found[1] as string, found[2] as string);
      columns[kind].derive(row);
    }
    return [fork, settings, request];
  }
  found = is(/^(max_\w+) \d+ -> (\d+) admits/);
  if (found) {
    const key = found[1] === 'max_io_ops_per_host' ? 'maxIoOpsPerHost' : 'maxInstancesPerHost';
    return [fork, { ...settings, [key]: Number(found[2]) }, request];
  }
  if (is(/^any zone/)) return [fork, settings, { ...request, availabilityZone: '' }];
  found = is(/^zone (\S+) admits/);
  if (found) return [fork, settings, { ...request, availabilityZone: found[1] as string }];
  found = is(/^without what (\w+) asks for/);
  if (found) {
    const enabledFilters = settings.enabledFilters.filter((name) => name !== found?.[1]);
    return [fork, { ...settings, enabledFilters }, request];
  }
  const lift = (id: string, row: number): unknown => {
    if (text.startsWith('enabling')) return fork.upsert({ ...fork.recordAt(row), disabled: false });
    if (text.startsWith('taking forced_down')) return fork.setForcedDown(id, false);
    if (text.includes('coming up')) return hasBit(columns.up, row) || fork.setLiveness(id, true, 1);
    return text.startsWith('libvirt') ? fork.setLiveness(id, hasBit(columns.up, row), 1, true) : undefined;
  };
  if (!is(/^enabling|^taking forced_down|coming up|^libvirt/)) return undefined;
  for (const [row, { id }] of ids) lift(id, row);
  return [fork, settings, request];
}

t.test('what a relaxation says comes true', async (t) => {
  const seen = new Map<string, number>();
  const property = fc.property(fc.integer({ min: 0, max: 2 ** 31 }), (seed) => {
    const random = seeded(seed);
    const registry = benchFleet(60, random);
    for (const row of rowsOf(registry.columns.present)) {
      const record = registry.recordAt(row);
      const overcommit = {
        cpuAllocationRatio: [1, 4, 1.15][Math.floor(random() * 3)] as number,
        ramAllocationRatio: [1, 1.5, 0.9][Math.floor(random() * 3)] as number,
        diskAllocationRatio: 1,
        reservedHostCpus: Math.floor(random() * 4),
        reservedHostMemoryMb: Math.floor(random() * 4) * 700,
        reservedHostDiskMb: Math.floor(random() * 3) * 1000,
      };
      registry.upsert({ ...record, disabled: random() < 0.15, overcommit });
      registry.setLiveness(record.id, random() < 0.85, 1, random() < 0.85);
      registry.setForcedDown(record.id, random() < 0.1);
    }
    const settings = {
      ...novaSettings,
      enabledFilters: [
        ...novaSettings.enabledFilters,
        'IoOpsFilter',
        'NumInstancesFilter',
        'SameHostFilter',
        'JsonFilter',
      ],
      maxIoOpsPerHost: 1 + Math.floor(random() * 3),
      maxInstancesPerHost: random() < 0.2 ? 1 : 50,
    };
    const request = requestFor(
      {
        vcpus: 1 + Math.floor(random() * 140),
        memoryMb: 1 + Math.floor(random() * 300_000),
        rootGb: Math.floor(random() * 3000),
      },
      {
        availabilityZone: ['', '', 'az0', 'az1'][Math.floor(random() * 4)] as string,
        hints: random() < 0.2 ? { query: ['["<", "$num_io_ops", 3]'] } : {},
      },
    );
    const before = passed(registry, settings, request);
    for (const { filter, text, hosts } of explain(registry, rulesOf(settings), request, 0).relaxations) {
      const marked = filter === 'DiskFilter' && text.startsWith('asking') ? `${text}#disk` : text;
      const change = made(marked, [registry, settings, request]);
      if (!change) throw new Error(`what does ${text} mean?`);
      // Of another zone only its own hosts count.
      const more = passed(...change) - (text.startsWith('zone ') ? 0 : before);
      if (more !== hosts) throw new Error(`${filter}: ${text}: ${more} hosts more, not ${hosts}`);
      seen.set(filter, (seen.get(filter) ?? 0) + 1);
    }
  });
  fc.assert(property, { numRuns: 200 });
  t.ok(seen.size >= 6, JSON.stringify([...seen]));
});
