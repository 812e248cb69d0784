/** Variables of a host in a query: the fields of Nova's `HostState` that hold numbers, texts, lists of texts or maps. */
import { hasBit } from '../../fleet/registry-columns.js';
import type { HostRecord } from '../../../proto/gen/drover/v1/HostRecord.js';
import type { Columns } from '../../fleet/registry-resources.js';
import { maintenanceWords } from '../../model/out-of-placement.js';
import type { HostDetails } from '../../model/host-details.js';
import { cpuInfoText } from './host-attributes.js';
import { type Answer, type Node, raised } from './json-query.js';
import { isMap, type Value } from './json-values.js';

type Read = (columns: Columns, row: number) => Value;

const detail =
  (read: (details: HostDetails) => unknown): Read =>
  (columns, row) =>
    read(columns.detailsOf(row)) as Value;

const variables: Readonly<Record<string, Read>> = {
  host: ({ records }, row) => records[row]?.name,
  uuid: ({ records }, row) => records[row]?.id,
  nodename: detail(({ nodeName }) => nodeName),
  cell_uuid: detail(({ cellUuid }) => cellUuid),
  host_ip: detail(({ hostIp }) => hostIp),
  hypervisor_type: detail(({ hypervisorType }) => hypervisorType),
  hypervisor_version: detail(({ hypervisorVersion }) => hypervisorVersion),
  hypervisor_hostname: detail(({ hypervisorHostname }) => hypervisorHostname),
  supported_instances: detail(({ supportedInstances }) => supportedInstances),
  cpu_info: cpuInfoText,
  stats: detail(({ stats }) => stats),
  service,
  vcpus_total: ({ vcpus }, row) => vcpus.total[row],
  vcpus_used: ({ vcpus }, row) => vcpus.used(row),
  total_usable_ram_mb: ({ memoryMb }, row) => memoryMb.total[row],
  free_ram_mb: ({ memoryMb }, row) => memoryMb.free.values[row],
  total_usable_disk_gb: ({ diskMb }, row) => (diskMb.total[row] ?? 0) / 1024,
  free_disk_mb: ({ diskMb }, row) => diskMb.free.values[row],
  disk_mb_used: ({ diskMb }, row) => diskMb.used(row),
  cpu_allocation_ratio: ({ vcpus }, row) => vcpus.ratio[row],
  ram_allocation_ratio: ({ memoryMb }, row) => memoryMb.ratio[row],
  disk_allocation_ratio: ({ diskMb }, row) => diskMb.ratio[row],
  num_instances: ({ servers }, row) => servers.values[row],
  num_io_ops: ({ ioOps }, row) => ioOps.values[row],
  failed_builds: ({ failedBuilds }, row) => failedBuilds.values[row],
};

/**
 * Reads a variable on a row: `['stats', 'gpu']` is `$stats.gpu`. null or undefined: the host has no such thing. `raised`
 * where a name follows something that is no map.
 */
export function hostVariable(columns: Columns, [name = '', ...keys]: readonly string[]): Node {
  if (!Object.hasOwn(variables, name)) return () => null;
  const read = variables[name] as Read;
  return keys.length === 0 ? (row) => read(columns, row) : (row) => follow(read(columns, row), keys);
}

function follow(start: Value, keys: readonly string[]): Answer {
  let value = start;
  for (const key of keys) {
    if (value === null || value === undefined) return null;
    if (!isMap(value)) return raised;
    value = Object.hasOwn(value, key) ? value[key] : null;
  }
  return value;
}

/** Its own reason, or that of its drain or maintenance. */
function disabledReason(record: HostRecord | undefined): string | null {
  return record?.disabledReason || (record && maintenanceWords(record)) || null;
}

function service({ records, enabled, forcedDown }: Columns, row: number): Value {
  return {
    host: records[row]?.name,
    disabled: !hasBit(enabled, row),
    disabled_reason: disabledReason(records[row]),
    forced_down: hasBit(forcedDown, row),
  };
}
