/** What this machine can do for domains: hardware virtualisation, the kernel's switch, systemd. */
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { commandName } from './processes.js';
import { type Run, runner, succeeds } from './command.js';

/** libvirt's domain type: `kvm` where /dev/kvm opens for reading and writing, else `qemu` (emulated, some 20 times slower). */
export function domainType(): 'kvm' | 'qemu' {
  try {
    closeSync(openSync('/dev/kvm', 'r+'));
    return 'kvm';
  } catch {
    return 'qemu';
  }
}

/**
 * Open vSwitch's datapath type: `system` where the kernel has its generic netlink family `ovs_datapath` (as a module or
 * built in), else `netdev`, the switch in user space.
 */
export async function datapathType(run: Run = runner()): Promise<'system' | 'netdev'> {
  await succeeds(run, ['modprobe', '--quiet', 'openvswitch']);
  return (await succeeds(run, ['genl', 'ctrl', 'get', 'name', 'ovs_datapath'])) ? 'system' : 'netdev';
}

/** True when systemd runs as PID 1 (sd_booted(3)): services are then its business. */
export function systemdRuns(): boolean {
  return existsSync('/run/systemd/system') && commandName(1) === 'systemd';
}

/**
 * Gives /dev/kvm to the group kvm, to which QEMU's user belongs. On most machines udev has done so (its rule: mode 0666 or
 * 0660, group kvm); where no udev runs, the device is root's alone and every KVM domain fails with "Permission denied".
 */
export async function allowKvm(run: Run): Promise<void> {
  if (!existsSync('/dev/kvm') || (statSync('/dev/kvm').mode & 0o060) === 0o060) return;
  await run(['chgrp', 'kvm', '/dev/kvm']);
  await run(['chmod', '0660', '/dev/kvm']);
}
