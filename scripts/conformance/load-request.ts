/** The request and the settings of a case. */
import { guestNumaOf } from '../../controlplane/model/numa/guest-numa-of.js';
import { type CheckedRequest, requestFor } from '../../controlplane/model/request.js';
import {
  type MetricRatio,
  novaSettings,
  type SchedulerSettings,
} from '../../controlplane/model/scheduler-settings.js';
import type { Vector, VectorRequest } from './vector.js';

/** The request as filters see it. A refusal by the rules of NUMA and pinning is thrown as they throw it. */
export function requestOf(given: VectorRequest = {}): CheckedRequest {
  const { flavor = {}, image = {}, instance_group: group, requested_destination: to, retry } = given;
  const request = requestFor(
    {
      name: flavor.name ?? 'm1.test',
      vcpus: flavor.vcpus ?? 1,
      memoryMb: flavor.memory_mb ?? 512,
      rootGb: flavor.root_gb ?? 0,
      ephemeralGb: flavor.ephemeral_gb ?? 0,
      swapMb: flavor.swap ?? 0,
      extraSpecs: flavor.extra_specs ?? {},
    },
    {
      image: image && { id: image.id ?? '', name: image.name ?? '', properties: image.properties ?? {} },
      projectId: given.project_id ?? null,
      availabilityZone: given.availability_zone ?? '',
      instanceUuid:
        given.instance_uuid ?? given.instance_uuids?.[0] ?? '00000000-0000-0000-0000-000000000000',
      hints: given.scheduler_hints ?? {},
      group: group
        ? {
            id: 'group',
            policy: group.policy ?? '',
            members: group.members ?? [],
            hosts: group.hosts ?? [],
            maxServerPerHost: group.rules?.max_server_per_host,
          }
        : null,
      ignoreHosts: given.ignore_hosts ?? [],
      forceHosts: given.force_hosts ?? [],
      forceNodes: given.force_nodes ?? [],
      destination: to
        ? {
            host: to.host ?? null,
            node: to.node ?? null,
            cellUuid: to.cell_uuid ?? null,
            allowCrossCellMove: to.allow_cross_cell_move ?? false,
          }
        : null,
      retry: retry ? { attempts: retry.num_attempts ?? 0, hosts: retry.hosts ?? [] } : null,
      pciRequests: (given.pci_requests ?? []).map(({ count, spec, numa_policy: policy }) => ({
        count,
        specs: spec,
        numaPolicy: policy ?? undefined,
      })),
      network: given.network_metadata
        ? {
            physnets: given.network_metadata.physnets ?? [],
            tunneled: given.network_metadata.tunneled ?? false,
          }
        : null,
      isVolumeBooted: given.is_bfv ?? false,
    },
  );
  return { ...request, numa: guestNumaOf(request.flavor, request.image) };
}

/** Nova's defaults with the options of a case. */
export function settingsOf({ options = {} }: Vector): SchedulerSettings {
  const read = <Value>(name: string, otherwise: Value): Value => (options[name] as Value) ?? otherwise;
  const of = <Value>(name: string, otherwise: Value): Value => read(`filter_scheduler.${name}`, otherwise);
  return {
    ...novaSettings,
    defaultAvailabilityZone: read('default_availability_zone', 'nova'),
    maxIoOpsPerHost: of('max_io_ops_per_host', novaSettings.maxIoOpsPerHost),
    maxInstancesPerHost: of('max_instances_per_host', novaSettings.maxInstancesPerHost),
    isolatedImages: of('isolated_images', novaSettings.isolatedImages),
    isolatedHosts: of('isolated_hosts', novaSettings.isolatedHosts),
    restrictIsolatedHostsToIsolatedImages: of('restrict_isolated_hosts_to_isolated_images', true),
    imagePropertiesDefaultArchitecture: of('image_properties_default_architecture', null),
    aggregateImagePropertiesIsolationNamespace: of('aggregate_image_properties_isolation_namespace', null),
    aggregateImagePropertiesIsolationSeparator: of('aggregate_image_properties_isolation_separator', '.'),
    weightMultipliers: multipliersOf(options),
    metricRatios: ratiosOf(read('metrics.weight_setting', [])),
    metricsRequired: read('metrics.required', true),
    weightOfUnavailable: read('metrics.weight_of_unavailable', novaSettings.weightOfUnavailable),
    packingHostNumaCellsAllocationStrategy: read(
      'compute.packing_host_numa_cells_allocation_strategy',
      false,
    ),
  };
}

/** `filter_scheduler.NAME_weight_multiplier`, and `metrics.weight_multiplier` under the name that aggregates use. */
function multipliersOf(options: Readonly<Record<string, unknown>>): Record<string, number> {
  const multipliers: Record<string, number> = {};
  for (const [name, value] of Object.entries(options)) {
    if (name === 'metrics.weight_multiplier') multipliers['metrics_weight_multiplier'] = Number(value);
    else if (name.endsWith('_weight_multiplier'))
      multipliers[name.slice(name.indexOf('.') + 1)] = Number(value);
  }
  return multipliers;
}

/** Entries `name=ratio`; one without a ratio that is a number is ignored, as Nova does with a warning. */
function ratiosOf(entries: readonly string[]): MetricRatio[] {
  return entries.flatMap((entry) => {
    const [name = '', ...rest] = entry.split('=');
    const text = rest.join('=');
    const ratio = text.trim() === '' ? Number.NaN : Number(text);
    return name !== '' && Number.isFinite(ratio) ? [{ name, ratio }] : [];
  });
}
