/** The hosts of a case, put into a registry: row `n` is host `n` of the case. */
import { liveness } from '../../controlplane/fleet/liveness.js';
import { Registry } from '../../controlplane/fleet/registry.js';
import { type HostDetails, noDetails, type PciPool } from '../../controlplane/model/host-details.js';
import type { HostCell, HostNuma } from '../../controlplane/model/host-numa.js';
import type { SchedulerSettings } from '../../controlplane/model/scheduler-settings.js';
import type { VectorCell, VectorHost } from './vector.js';

const nowMs = 1_700_000_000_000;
/** What stands in a case counts; nothing is added by default. */
const nothingReserved = {
  cpuAllocationRatio: 1,
  ramAllocationRatio: 1,
  diskAllocationRatio: 1,
  reservedHostCpus: 0,
  reservedHostMemoryMb: 0,
  reservedHostDiskMb: 0,
};

/** A registry with these hosts. `serviceDownTimeS`: Nova's `service_down_time`. */
export function registryOf(
  hosts: readonly VectorHost[],
  settings: SchedulerSettings,
  serviceDownTimeS: number,
): Registry {
  const { defaultAvailabilityZone } = settings;
  const registry = new Registry({ defaults: nothingReserved, defaultAvailabilityZone });
  hosts.forEach((host, row) => addHost(registry, host, row, serviceDownTimeS));
  return registry;
}

function addHost(registry: Registry, host: VectorHost, row: number, serviceDownTimeS: number): void {
  const id = String(row);
  const memoryMb = host.total_usable_ram_mb ?? 0;
  const diskGb = host.total_usable_disk_gb ?? 0;
  registry.upsert(recordOf(host, id), host.aggregates ?? []);
  setRatios(registry, host, row);
  registry.setUnmanaged(id, {
    vcpus: host.vcpus_used ?? 0,
    memoryMb: memoryMb - (host.free_ram_mb ?? 0),
    diskMb: diskGb * 1024 - (host.free_disk_mb ?? 0),
    count: host.num_instances ?? 0,
  });
  registry.setDetails(id, detailsOf(host));
  registry.setCounts(id, {
    servers: host.num_instances ?? 0,
    ioOps: host.num_io_ops ?? 0,
    failedBuilds: host.failed_builds ?? 0,
  });
  for (const uuid of host.instances ?? []) registry.columns.instances.add(uuid, row);
  setService(registry, host, id, serviceDownTimeS);
}

function recordOf(host: VectorHost, id: string) {
  return {
    id,
    name: host.host,
    availabilityZone: '',
    labels: {},
    disabled: host.service?.disabled ?? false,
    disabledReason: host.service?.disabled_reason ?? '',
    overcommit: null,
    machineId: '',
    certificateSerial: '',
    enrolledUnixMs: 0,
    forcedDown: false,
    maintenance: null,
    lock: null,
    simulated: true,
    capacity: {
      vcpus: host.vcpus_total ?? 0,
      memoryBytes: (host.total_usable_ram_mb ?? 0) * 2 ** 20,
      diskBytes: (host.total_usable_disk_gb ?? 0) * 2 ** 30,
    },
  };
}

/** Straight into the columns: Nova allows a ratio of 0, which a record of ours cannot say. */
function setRatios({ columns }: Registry, host: VectorHost, row: number): void {
  columns.vcpus.ratio[row] = host.cpu_allocation_ratio ?? 1;
  columns.memoryMb.ratio[row] = host.ram_allocation_ratio ?? 1;
  columns.diskMb.ratio[row] = host.disk_allocation_ratio ?? 1;
}

function setService(registry: Registry, host: VectorHost, id: string, serviceDownTimeS: number): void {
  const { seconds_since_last_seen_up: seen, seconds_since_created: created = 86_400 } = host.service ?? {};
  const lastSeenMs = nowMs - 1000 * (seen === null ? created : (seen ?? 0));
  const up = liveness(lastSeenMs, nowMs, { serviceDownTimeMs: serviceDownTimeS * 1000 }) === 'up';
  registry.setLiveness(id, up, lastSeenMs);
  registry.setForcedDown(id, host.service?.forced_down ?? false);
}

function detailsOf(host: VectorHost): HostDetails {
  return {
    ...noDetails,
    nodeName: host.nodename ?? host.host,
    cellUuid: host.cell_uuid ?? null,
    hostIp: host.host_ip ?? null,
    hypervisorType: host.hypervisor_type ?? null,
    hypervisorHostname: host.hypervisor_hostname ?? null,
    hypervisorVersion: host.hypervisor_version ?? null,
    supportedInstances: host.supported_instances ?? null,
    cpuInfo: host.cpu_info ?? null,
    stats: host.stats ?? {},
    metrics: host.metrics ?? [],
    numa: numaOf(host),
    pciPools: host.pci_pools?.map((pool): PciPool => ({
      vendorId: pool.vendor_id,
      productId: pool.product_id,
      numaCell: pool.numa_node ?? null,
      count: pool.count,
      deviceType: pool.dev_type ?? 'type-PCI',
      tags: pool.tags ?? {},
    })),
  };
}

function numaOf({ numa_topology: topology }: VectorHost): HostNuma | null {
  return topology ? { cells: topology.cells.map(cellOf) } : null;
}

function cellOf(cell: VectorCell): HostCell {
  const { physnets = [], tunneled = false } = cell.network_metadata ?? {};
  return {
    id: cell.id,
    sharedCpus: cell.cpuset ?? [],
    dedicatedCpus: cell.pcpuset ?? [],
    memoryMb: cell.memory ?? 0,
    memoryUsedMb: cell.memory_usage ?? 0,
    vcpusUsed: cell.cpu_usage ?? 0,
    pinnedCpus: cell.pinned_cpus ?? [],
    siblings: cell.siblings ?? [],
    socket: cell.socket ?? null,
    pages: (cell.mempages ?? []).map(({ size_kb: sizeKb, total, used = 0, reserved = 0 }) => ({
      sizeKb,
      total,
      used,
      reserved,
    })),
    network: { physnets, tunneled },
  };
}
