/** Looks at what the host has: network devices, and QEMU processes by the domain that they run. */
import { DroverError } from '../../../proto/wire/errors.js';
import { qemuProcesses } from '../../kernel/qemu-processes.js';
import type { KernelRoot } from '../../kernel/root.js';
import type { PortTable } from '../../openvswitch/ports.js';

/**
 * Names of network devices of the agent's network namespace. Errors: `failed-precondition` when there is not even a
 * loopback device, which every namespace has: then nothing is known.
 */
export function networkDevices(kernel: KernelRoot): ReadonlySet<string> {
  const names = new Set(kernel.list('/sys/class/net'));
  if (!names.has('lo'))
    throw new DroverError('failed-precondition', '/sys/class/net shows no network devices', {
      field: '/sys/class/net',
      cure: 'a mounted /sys',
    });
  return names;
}

/**
 * Bridges have a device of their own name. When Open vSwitch says that some work and not one of them is among the devices, it
 * runs in another network namespace than this process: no device that is missing here is missing there.
 */
export function isOtherNamespace({ bridges, ports }: PortTable, devices: ReadonlySet<string>): boolean {
  const working = bridges.filter((bridge) =>
    ports.some((port) => port.name === bridge && (port.interfaces[0]?.ofport ?? -1) > 0),
  );
  return working.length > 0 && !working.some((bridge) => devices.has(bridge));
}

/** UUIDs of domains for which a QEMU process runs, whether libvirt knows it or not. Errors: those of `qemuProcesses`. */
export function qemuUuids(kernel: KernelRoot): ReadonlySet<string> {
  return new Set(qemuProcesses(kernel).map(({ uuid }) => uuid));
}
