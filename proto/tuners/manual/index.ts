/** The manuals of all tuners. */
import { DroverError } from '../../wire/errors.js';
import { nearest } from '../../wire/nearest.js';
import { manual as blockQos } from './block-qos.js';
import { manual as blockQueue } from './block-queue.js';
import { manual as blockWeight } from './block-weight.js';
import { manual as cpuGovernor } from './cpu-governor.js';
import { manual as cpuQos } from './cpu-qos.js';
import { manual as diskCache } from './disk-cache.js';
import { manual as hugepages } from './hugepages.js';
import { manual as interfaceQos } from './interface-qos.js';
import { manual as irqAffinity } from './irq-affinity.js';
import { manual as kernelCommandLine } from './kernel-command-line.js';
import { manual as ksm } from './ksm.js';
import { manual as machineSlice } from './machine-slice.js';
import { manual as numaMemory } from './numa-memory.js';
import { manual as owners } from './owners.js';
import { manual as qosClasses } from './qos-classes.js';
import { manual as sysctl } from './sysctl.js';
import { manual as transparentHugepages } from './transparent-hugepages.js';
import { manual as vcpuPinning } from './vcpu-pinning.js';
import { manual as vhostNet } from './vhost-net.js';
import { manual as virtualMemory } from './virtual-memory.js';
import type { TunerManual } from './manual.js';

/** Every manual, in the order of `tunerSettings`: that in which tuners run. */
export const manuals: readonly TunerManual[] = [
  qosClasses,
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

/** The manual of a tuner. Errors: `invalid-argument` for a name that there is not, with the nearest that there is. */
export function manualOf(name: string): TunerManual {
  const found = manuals.find((manual) => manual.name === name);
  if (found) return found;
  const known = manuals.map((manual) => manual.name);
  const near = nearest(name, known) ?? known.find((one) => name.length > 2 && one.includes(name));
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  throw new DroverError('invalid-argument', `tuner: ${name} is not known${hint}`, {
    field: 'tuner',
    value: name,
    cure: `one of ${known.join(', ')}`,
  });
}
