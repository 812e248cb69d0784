/** Every filter, in the order in which they run: whole sets first, then one column after the other. */
import { availabilityZoneFilter } from './availability-zone-filter.js';
import { computeFilter } from './compute-filter.js';
import { coreFilter } from './core-filter.js';
import { diskFilter } from './disk-filter.js';
import type { Filter } from './filter.js';
import { ramFilter } from './ram-filter.js';

export const filters: readonly Filter[] = [
  availabilityZoneFilter,
  computeFilter,
  ramFilter,
  coreFilter,
  diskFilter,
];
