/** Every tuner, in the order in which they run. One line for each file of this folder. */
import { blockQos } from './block-qos.js';
import { cpuQos } from './cpu-qos.js';
import { ksm } from './ksm.js';
import { transparentHugepages } from './transparent-hugepages.js';
import type { Tuner } from './tuner.js';
import { vcpuPinning } from './vcpu-pinning.js';

/** Domains first: what guests may take is settled before the memory of the whole host. */
export const tuners: readonly Tuner[] = [vcpuPinning, cpuQos, blockQos, ksm, transparentHugepages];
