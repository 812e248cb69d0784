/**
 * The settings of every tuner, as a profile may give them: the part of the contract that both sides check with the same
 * code. Names are the kernel's and libvirt's own, units last. A tuner that is absent is not touched.
 */
import type { z } from 'zod';
import { blockQos } from '../tuners/block-qos.js';
import { blockQueue } from '../tuners/block-queue.js';
import { blockWeight } from '../tuners/block-weight.js';
import { cpuGovernor } from '../tuners/cpu-governor.js';
import { cpuQos } from '../tuners/cpu-qos.js';
import { diskCache } from '../tuners/disk-cache.js';
import { hugepages } from '../tuners/hugepages.js';
import { interfaceQos } from '../tuners/interface-qos.js';
import { irqAffinity } from '../tuners/irq-affinity.js';
import { kernelCommandLine } from '../tuners/kernel-command-line.js';
import { ksm } from '../tuners/ksm.js';
import { machineSlice } from '../tuners/machine-slice.js';
import { numaMemory } from '../tuners/numa-memory.js';
import { owners } from '../tuners/owners.js';
import { qosClasses } from '../tuners/qos-classes.js';
import { sysctl } from '../tuners/sysctl.js';
import { transparentHugepages } from '../tuners/transparent-hugepages.js';
import { vcpuPinning } from '../tuners/vcpu-pinning.js';
import { vhostNet } from '../tuners/vhost-net.js';
import { virtualMemory } from '../tuners/virtual-memory.js';

/**
 * Tuner name to the schema of its settings, in the order in which tuners run: other programs stop first; what guests may
 * take is settled before the memory of the whole host; what waits for a restart comes last. `qos-classes` has no knobs.
 */
export const tunerSettings = {
  'qos-classes': qosClasses,
  owners,
  'vcpu-pinning': vcpuPinning,
  'numa-memory': numaMemory,
  'cpu-qos': cpuQos,
  'block-qos': blockQos,
  'block-weight': blockWeight,
  'interface-qos': interfaceQos,
  'disk-cache': diskCache,
  'vhost-net': vhostNet,
  'machine-slice': machineSlice,
  'irq-affinity': irqAffinity,
  'cpu-governor': cpuGovernor,
  ksm,
  'transparent-hugepages': transparentHugepages,
  hugepages,
  'virtual-memory': virtualMemory,
  'block-queue': blockQueue,
  sysctl,
  'kernel-command-line': kernelCommandLine,
} as const;

export type TunerName = keyof typeof tunerSettings;
export type SettingsOf<Name extends TunerName> = z.infer<(typeof tunerSettings)[Name]>;
export type VcpuPinningSettings = SettingsOf<'vcpu-pinning'>;
export type CpuQosSettings = SettingsOf<'cpu-qos'>;
export type BlockQosSettings = SettingsOf<'block-qos'>;
export type KsmSettings = SettingsOf<'ksm'>;
export type TransparentHugepagesSettings = SettingsOf<'transparent-hugepages'>;

/** Settings by tuner, as a profile holds them. */
export type TunerSettings = { [Name in TunerName]?: SettingsOf<Name> };
