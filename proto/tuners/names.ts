/**
 * Names of tuners without their schemas, for help and completion, which load no schema. A test compares them with
 * `tunerSettings`.
 */
import type { TunerName } from '../wire/tuner-settings.js';

export const tunerNames: readonly TunerName[] = [
  'qos-classes',
  'owners',
  'vcpu-pinning',
  'numa-memory',
  'cpu-qos',
  'block-qos',
  'block-weight',
  'interface-qos',
  'disk-cache',
  'vhost-net',
  'machine-slice',
  'irq-affinity',
  'cpu-governor',
  'ksm',
  'transparent-hugepages',
  'hugepages',
  'virtual-memory',
  'block-queue',
  'sysctl',
  'kernel-command-line',
];
