/** Every filter, in the order in which they run: whole sets first, then one column after the other. */
import { aggregateCoreFilter } from './aggregate-core-filter.js';
import { aggregateDiskFilter } from './aggregate-disk-filter.js';
import { aggregateImagePropertiesIsolation } from './aggregate-image-properties-isolation.js';
import { aggregateInstanceExtraSpecsFilter } from './aggregate-instance-extra-specs-filter.js';
import { aggregateIoOpsFilter } from './aggregate-io-ops-filter.js';
import { aggregateMultiTenancyIsolation } from './aggregate-multi-tenancy-isolation.js';
import { aggregateNumInstancesFilter } from './aggregate-num-instances-filter.js';
import { aggregateRamFilter } from './aggregate-ram-filter.js';
import { aggregateTypeAffinityFilter } from './aggregate-type-affinity-filter.js';
import { allHostsFilter } from './all-hosts-filter.js';
import { availabilityZoneFilter } from './availability-zone-filter.js';
import { computeCapabilitiesFilter } from './compute-capabilities-filter.js';
import { computeFilter } from './compute-filter.js';
import { coreFilter } from './core-filter.js';
import { differentHostFilter } from './different-host-filter.js';
import { diskFilter } from './disk-filter.js';
import { ecuFilter } from './ecu-filter.js';
import type { Filter } from './filter.js';
import { imagePropertiesFilter } from './image-properties-filter.js';
import { ioOpsFilter } from './io-ops-filter.js';
import { isolatedHostsFilter } from './isolated-hosts-filter.js';
import { jsonFilter } from './json-filter.js';
import { metricsFilter } from './metrics-filter.js';
import { numInstancesFilter } from './num-instances-filter.js';
import { numaTopologyFilter } from './numa-topology-filter.js';
import { pciPassthroughFilter } from './pci-passthrough-filter.js';
import { ramFilter } from './ram-filter.js';
import { retryFilter } from './retry-filter.js';
import { sameHostFilter } from './same-host-filter.js';
import { serverGroupAffinityFilter } from './server-group-affinity-filter.js';
import { serverGroupAntiAffinityFilter } from './server-group-anti-affinity-filter.js';
import { simpleCidrAffinityFilter } from './simple-cidr-affinity-filter.js';

export const filters: readonly Filter[] = [
  allHostsFilter,
  retryFilter,
  availabilityZoneFilter,
  computeFilter,
  ramFilter,
  coreFilter,
  diskFilter,
  ioOpsFilter,
  numInstancesFilter,
  aggregateRamFilter,
  aggregateCoreFilter,
  aggregateDiskFilter,
  aggregateIoOpsFilter,
  aggregateNumInstancesFilter,
  ecuFilter,
  aggregateTypeAffinityFilter,
  aggregateMultiTenancyIsolation,
  aggregateImagePropertiesIsolation,
  aggregateInstanceExtraSpecsFilter,
  computeCapabilitiesFilter,
  isolatedHostsFilter,
  sameHostFilter,
  differentHostFilter,
  serverGroupAffinityFilter,
  serverGroupAntiAffinityFilter,
  simpleCidrAffinityFilter,
  imagePropertiesFilter,
  metricsFilter,
  jsonFilter,
  pciPassthroughFilter,
  numaTopologyFilter,
];
