/**
 * `make bench-nova`: Nova's own filters and weighers beside Drover's search, same hosts and requests, in turn on the same
 * machine. Needs Debian's python3-nova; without it, it says so in one line and is done.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasBit } from '../controlplane/fleet/registry-columns.js';
import type { Registry } from '../controlplane/fleet/registry.js';
import { novaSettings } from '../controlplane/model/scheduler-settings.js';
import { defaultRules, select } from '../controlplane/placement/select.js';
import { print, quantile } from './bench/figure.js';
import { benchFleet, request } from './bench/fleet.js';

/** The interpreter that Debian's packages belong to, whatever else is first in PATH. */
const python = '/usr/bin/python3';
const script = fileURLToPath(new URL('../../scripts/bench/nova/select-hosts.py', import.meta.url));

interface NovaAnswer {
  readonly version: string;
  readonly requests: readonly {
    readonly ms: readonly number[];
    readonly left: number;
    readonly best: readonly string[];
  }[];
}

const asked = [
  [1, ''],
  [4, 'az0'],
  [8, 'az1'],
  [16, 'az2'],
] as const;

if (spawnSync(python, ['-c', 'import nova.scheduler.weights'], { stdio: 'ignore' }).status !== 0) {
  process.stdout.write(
    'bench-nova: python3-nova is not installed (apt-get install python3-nova); nothing was measured\n',
  );
  process.exit(0);
}
const sizes = process.argv.slice(2).map(Number);
for (const hosts of sizes.length > 0 ? sizes : [1_000, 10_000]) compare(hosts);

/** Measures both, checks that the best hosts are the same, prints medians and the ratio. */
function compare(hosts: number): void {
  const registry = benchFleet(hosts);
  const nova = askNova(registry, hosts > 2_000 ? 3 : 9);
  const ours = asked.map((_, index) => searches(registry, index));
  for (const [index, { best }] of nova.requests.entries()) {
    const [vcpus, zone] = asked[index] as (typeof asked)[number];
    const names = select(registry, defaultRules, request(vcpus, zone), 5).destinations.map(
      ({ hostName }) => hostName,
    );
    if (JSON.stringify(names) !== JSON.stringify(best))
      process.stdout.write(`bench-nova: request ${index}: Nova ${best.join()}, Drover ${names.join()}\n`);
  }
  const novaUs =
    quantile(
      nova.requests.flatMap(({ ms }) => [...ms]),
      0.5,
    ) * 1000;
  const oursUs = quantile(ours.flat(), 0.5);
  print({ name: `nova.select.${hosts}.p50`, value: novaUs / 1000, unit: 'ms' });
  print({ name: `nova.select.${hosts}.drover.p50`, value: oursUs, unit: 'us' });
  print({ name: `nova.select.${hosts}.ratio`, value: novaUs / oursUs, unit: 'x' });
}

function askNova(registry: Registry, repeats: number): NovaAnswer {
  const folder = mkdtempSync(join(tmpdir(), 'drover-bench-nova-'));
  const file = join(folder, 'fleet.json');
  const requests = asked.map(([vcpus, zone]) => ({
    vcpus,
    memory_mb: vcpus * 4096,
    root_gb: vcpus * 20,
    zone,
  }));
  try {
    writeFileSync(
      file,
      JSON.stringify({ filters: novaSettings.enabledFilters, hosts: hostsOf(registry), requests }),
    );
    const answer = execFileSync(python, [script, file, String(repeats)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return JSON.parse(answer) as NovaAnswer;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function hostsOf(registry: Registry): object[] {
  const { columns } = registry;
  return Array.from(registry.rowsByName(), (row) => ({
    name: registry.recordAt(row).name,
    zone: registry.recordAt(row).availabilityZone,
    disabled: registry.recordAt(row).disabled,
    up: hasBit(columns.up, row),
    vcpus: columns.vcpus.total[row],
    vcpus_used: columns.vcpus.used(row),
    memory_mb: columns.memoryMb.total[row],
    memory_used_mb: columns.memoryMb.used(row),
    disk_mb: columns.diskMb.total[row],
    disk_used_mb: columns.diskMb.used(row),
    cpu_allocation_ratio: columns.vcpus.ratio[row],
    ram_allocation_ratio: columns.memoryMb.ratio[row],
    disk_allocation_ratio: columns.diskMb.ratio[row],
    servers: columns.servers.values[row],
    io_ops: columns.ioOps.values[row],
    failed_builds: columns.failedBuilds.values[row],
  }));
}

/** Microseconds of single searches. */
function searches(registry: Registry, index: number): number[] {
  const [vcpus, zone] = asked[index] as (typeof asked)[number];
  const wanted = request(vcpus, zone);
  const times: number[] = [];
  for (let call = 0; call < 4_000; call++) {
    const start = performance.now();
    select(registry, defaultRules, wanted, 5);
    if (call >= 2_000) times.push((performance.now() - start) * 1000);
  }
  return times;
}
