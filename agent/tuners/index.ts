/** Every tuner, in the order in which they run (that of `tunerSettings`). One line for each file of this folder. */
import { blockQos } from './block-qos.js';
import { blockQueue } from './block-queue.js';
import { blockWeight } from './block-weight.js';
import { cpuGovernor } from './cpu-governor.js';
import { cpuQos } from './cpu-qos.js';
import { diskCache } from './disk-cache.js';
import { hugepages } from './hugepages.js';
import { interfaceQos } from './interface-qos.js';
import { irqAffinity } from './irq-affinity.js';
import { kernelCommandLine } from './kernel-command-line.js';
import { ksm } from './ksm.js';
import { machineSlice } from './machine-slice.js';
import { numaMemory } from './numa-memory.js';
import { owners } from './owners.js';
import { sysctl } from './sysctl.js';
import { transparentHugepages } from './transparent-hugepages.js';
import { vcpuPinning } from './vcpu-pinning.js';
import { vhostNet } from './vhost-net.js';
import { virtualMemory } from './virtual-memory.js';
import type { Tuner } from './tuner.js';

export const tuners: readonly Tuner[] = [
  owners,
  vcpuPinning,
  numaMemory,
  cpuQos,
  blockQos,
  blockWeight,
  interfaceQos,
  diskCache,
  vhostNet,
  machineSlice,
  irqAffinity,
  cpuGovernor,
  ksm,
  transparentHugepages,
  hugepages,
  virtualMemory,
  blockQueue,
  sysctl,
  kernelCommandLine,
];
