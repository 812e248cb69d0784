/** What Nova's `HostState` has under its attributes' names, read from the registry: numbers, texts, and what they hold. */
import type { Columns } from '../../fleet/registry-resources.js';
import { jsonText } from '../../model/python-json.js';
import { floatText, valueText } from '../../model/python-text.js';

/** The value of a host's row; null and undefined: not told. */
export type Attribute = (columns: Columns, row: number) => unknown;

/** Attributes that are floats in Nova, so that 1 is written 1.0. */
const floats = ['ram_allocation_ratio', 'cpu_allocation_ratio', 'disk_allocation_ratio'];

/** Objects inside Nova that no text describes: the name is known, and nothing is told under it. */
const untold: Attribute = () => undefined;

const attributes = new Map<string, Attribute>([
  ['host', (columns, row) => columns.records[row]?.name],
  ['nodename', (columns, row) => columns.detailsOf(row).nodeName || columns.records[row]?.name],
  ['uuid', (columns, row) => columns.records[row]?.id],
  ['total_usable_ram_mb', ({ memoryMb }, row) => memoryMb.total[row]],
  ['free_ram_mb', ({ memoryMb }, row) => memoryMb.free.values[row]],
  ['total_usable_disk_gb', ({ diskMb }, row) => (diskMb.total[row] as number) / 1024],
  ['free_disk_mb', ({ diskMb }, row) => diskMb.free.values[row]],
  ['disk_mb_used', ({ diskMb }, row) => diskMb.used(row)],
  ['vcpus_total', ({ vcpus }, row) => vcpus.total[row]],
  ['vcpus_used', ({ vcpus }, row) => vcpus.used(row)],
  ['num_instances', ({ servers }, row) => servers.values[row]],
  ['num_io_ops', ({ ioOps }, row) => ioOps.values[row]],
  ['failed_builds', ({ failedBuilds }, row) => failedBuilds.values[row]],
  ['ram_allocation_ratio', ({ memoryMb }, row) => memoryMb.ratio[row]],
  ['cpu_allocation_ratio', ({ vcpus }, row) => vcpus.ratio[row]],
  ['disk_allocation_ratio', ({ diskMb }, row) => diskMb.ratio[row]],
  ['host_ip', (columns, row) => columns.detailsOf(row).hostIp],
  ['hypervisor_type', (columns, row) => columns.detailsOf(row).hypervisorType],
  ['hypervisor_version', (columns, row) => columns.detailsOf(row).hypervisorVersion],
  ['hypervisor_hostname', (columns, row) => columns.detailsOf(row).hypervisorHostname],
  ['cell_uuid', (columns, row) => columns.detailsOf(row).cellUuid],
  ['supported_instances', (columns, row) => columns.detailsOf(row).supportedInstances],
  ['cpu_info', (columns, row) => columns.detailsOf(row).cpuInfo],
  ['stats', (columns, row) => columns.detailsOf(row).stats],
  ...['aggregates', 'instances', 'limits', 'metrics', 'numa_topology', 'pci_stats', 'service', 'updated'].map(
    (name): [string, Attribute] => [name, untold],
  ),
]);

/** The attribute of a name; undefined: Nova's HostState has none. */
export function attributeOf(name: string): Attribute | undefined {
  return attributes.get(name);
}

/** The text of an attribute's value. */
export function attributeText(name: string, value: unknown): string {
  return typeof value === 'number' && floats.includes(name) ? floatText(value) : valueText(value);
}

/** `cpu_info` as Nova keeps it: a JSON text. Written once for each object. */
export function cpuInfoText(columns: Columns, row: number): string | undefined {
  const { cpuInfo } = columns.detailsOf(row);
  if (cpuInfo === null || cpuInfo === undefined) return undefined;
  return typeof cpuInfo === 'object' ? keptText(cpuInfo, columns, jsonText) : valueText(cpuInfo);
}

/** The text of a list or an object that a host told: long ones are not written anew with every request. */
export function keptText(value: object, { detailTexts }: Columns, write: (value: object) => string): string {
  const known = detailTexts.get(value);
  if (known !== undefined) return known;
  const text = write(value);
  detailTexts.set(value, text);
  return text;
}
