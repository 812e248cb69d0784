/** Every weigher, in the order in which weights are added, with Nova's default multiplier. */
import { cpuWeigher } from './cpu-weigher.js';
import { ramWeigher } from './ram-weigher.js';
import type { WeigherInUse } from './weigher.js';

export const weighers: readonly WeigherInUse[] = [
  { weigher: ramWeigher, multiplier: 1 },
  { weigher: cpuWeigher, multiplier: 1 },
];
