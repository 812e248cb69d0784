/** Settings of placement, with Nova's names and defaults (`nova.conf`, `[filter_scheduler]`, `[metrics]`, `[compute]`, `[pci]`). */

import type { PciAlias } from './pci-alias.js';

/** One `weight_setting` entry: a metric's name and its ratio. */
export interface MetricRatio {
  readonly name: string;
  readonly ratio: number;
}

export interface SchedulerSettings {
  /** Filters that run, in order. */
  readonly enabledFilters: readonly string[];
  /** The host is chosen among this many of the best, by the seed. */
  readonly hostSubsetSize: number;
  /** Hosts that a claim may be rejected by before it fails. */
  readonly maxAttempts: number;
  readonly shuffleBestSameWeighedHosts: boolean;
  readonly defaultAvailabilityZone: string;
  readonly maxIoOpsPerHost: number;
  readonly maxInstancesPerHost: number;
  readonly isolatedImages: readonly string[];
  readonly isolatedHosts: readonly string[];
  readonly restrictIsolatedHostsToIsolatedImages: boolean;
  /** null: none. */
  readonly imagePropertiesDefaultArchitecture: string | null;
  readonly aggregateImagePropertiesIsolationNamespace: string | null;
  readonly aggregateImagePropertiesIsolationSeparator: string;
  /** Option such as `ram_weight_multiplier` to its value; absent: the weigher's own default. */
  readonly weightMultipliers: Readonly<Record<string, number>>;
  readonly metricRatios: readonly MetricRatio[];
  readonly metricsRequired: boolean;
  readonly weightOfUnavailable: number;
  /** Fill one NUMA cell before the next, where false spreads. */
  readonly packingHostNumaCellsAllocationStrategy: boolean;
  /** ECUs that one pCPU stands for, where neither host nor aggregate says. */
  readonly ecusPerPcpu: number;
  /** Names for kinds of device that flavors may ask for. */
  readonly pciAliases: readonly PciAlias[];
}

/** Nova 26.2's defaults; the filters are its default ones, and Ram, Core and Disk, which Placement decides for Nova. */
export const novaSettings: SchedulerSettings = {
  enabledFilters: [
    'AvailabilityZoneFilter',
    'ComputeFilter',
    'RamFilter',
    'CoreFilter',
    'DiskFilter',
    'ComputeCapabilitiesFilter',
    'ImagePropertiesFilter',
    'ServerGroupAntiAffinityFilter',
    'ServerGroupAffinityFilter',
  ],
  hostSubsetSize: 1,
  maxAttempts: 3,
  shuffleBestSameWeighedHosts: false,
  defaultAvailabilityZone: 'nova',
  maxIoOpsPerHost: 8,
  maxInstancesPerHost: 50,
  isolatedImages: [],
  isolatedHosts: [],
  restrictIsolatedHostsToIsolatedImages: true,
  imagePropertiesDefaultArchitecture: null,
  aggregateImagePropertiesIsolationNamespace: null,
  aggregateImagePropertiesIsolationSeparator: '.',
  weightMultipliers: {},
  metricRatios: [],
  metricsRequired: true,
  weightOfUnavailable: -10_000,
  packingHostNumaCellsAllocationStrategy: false,
  ecusPerPcpu: 1,
  pciAliases: [],
};
