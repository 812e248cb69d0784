/** Every weigher, in the order in which weights are added. */
import { buildFailureWeigher } from './build-failure-weigher.js';
import { cpuWeigher } from './cpu-weigher.js';
import { crossCellWeigher } from './cross-cell-weigher.js';
import { diskWeigher } from './disk-weigher.js';
import { ioOpsWeigher } from './io-ops-weigher.js';
import { metricsWeigher } from './metrics-weigher.js';
import { pciWeigher } from './pci-weigher.js';
import { ramWeigher } from './ram-weigher.js';
import { softAffinityWeigher } from './soft-affinity-weigher.js';
import { softAntiAffinityWeigher } from './soft-anti-affinity-weigher.js';
import type { Weigher } from './weigher.js';

export const weighers: readonly Weigher[] = [
  ramWeigher,
  cpuWeigher,
  diskWeigher,
  ioOpsWeigher,
  metricsWeigher,
  pciWeigher,
  softAffinityWeigher,
  softAntiAffinityWeigher,
  buildFailureWeigher,
  crossCellWeigher,
];
