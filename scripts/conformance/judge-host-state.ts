/** Kind `host_state`: the figures that a hypervisor's report leaves in the registry's columns. */
import { novaSettings } from '../../controlplane/model/scheduler-settings.js';
import type { Columns } from '../../controlplane/fleet/registry-resources.js';
import { agree, disagree, type Judgement } from './judgement.js';
import { registryOf } from './load-hosts.js';
import type { Vector, VectorHost } from './vector.js';

type Report = Readonly<Record<string, number | null>> & {
  readonly stats?: Readonly<Record<string, string>> | null;
};

/**
 * Nova keeps `disk_mb_used` beside what is free; the registry has one figure for both. A ratio
 * of null is that of a host that has not reported, which has the fleet's here.
 */
export function judgeHostState(vector: Vector): Judgement {
  const { columns } = registryOf([hostOf(vector['compute_node'] as Report)], novaSettings, 60);
  const theirs = (vector.expect as { host_state: Readonly<Record<string, number | null>> }).host_state;
  const differences = Object.entries(figuresOf(columns)).filter(
    ([name, ours]) => theirs[name] !== null && ours !== theirs[name],
  );
  return differences.length === 0
    ? agree
    : disagree(differences.map(([name, ours]) => `${name} ${ours}, Nova ${theirs[name]}`).join('; '));
}

/** A report as a host of a case. One without `free_disk_gb` has told nothing, as Nova sees it. */
function hostOf(report: Report): VectorHost {
  if (report['free_disk_gb'] === null) return { host: 'h' };
  const number = (key: string): number => report[key] ?? 0;
  const stat = (key: string): number => Number(report.stats?.[key] ?? 0);
  return {
    host: 'h',
    vcpus_total: number('vcpus'),
    vcpus_used: number('vcpus_used'),
    total_usable_ram_mb: number('memory_mb'),
    free_ram_mb: number('free_ram_mb'),
    total_usable_disk_gb: number('local_gb'),
    free_disk_mb: Math.min(number('free_disk_gb'), report['disk_available_least'] ?? Infinity) * 1024,
    cpu_allocation_ratio: number('cpu_allocation_ratio'),
    ram_allocation_ratio: number('ram_allocation_ratio'),
    disk_allocation_ratio: number('disk_allocation_ratio'),
    num_instances: stat('num_instances'),
    num_io_ops: stat('io_workload'),
    failed_builds: stat('failed_builds'),
  };
}

function figuresOf({ vcpus, memoryMb, diskMb, servers, ioOps, failedBuilds }: Columns) {
  return {
    vcpus_total: vcpus.total[0],
    vcpus_used: vcpus.used(0),
    total_usable_ram_mb: memoryMb.total[0],
    free_ram_mb: memoryMb.free.values[0],
    total_usable_disk_gb: (diskMb.total[0] as number) / 1024,
    free_disk_mb: diskMb.free.values[0],
    num_instances: servers.values[0],
    num_io_ops: ioOps.values[0],
    failed_builds: failedBuilds.values[0],
    cpu_allocation_ratio: vcpus.ratio[0],
    ram_allocation_ratio: memoryMb.ratio[0],
    disk_allocation_ratio: diskMb.ratio[0],
  };
}
