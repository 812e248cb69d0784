/** What a host has on its disk before its first boot: who it is, and what a host in namespaces needs beside Debian's own. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * With cgroup v1 nspawn mounts the controllers read-only. The device is made, not bound: a bound one is the machine's own, and
 * the host's services would change its owner.
 */
const unit = `[Unit]
Description=What a host in namespaces needs: writable control groups, a device for KVM
DefaultDependencies=no
Before=sysinit.target systemd-tmpfiles-setup-dev.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'for c in /sys/fs/cgroup/*; do [ -L $c ] || mount -o remount,rw,bind $c || true; done'
ExecStart=/bin/sh -c 'mknod /dev/kvm c 10 232 && chgrp kvm /dev/kvm && chmod 660 /dev/kvm'
[Install]
WantedBy=sysinit.target
`;

/** Writes it below `root`. An empty machine id would make systemd take every boot for its first. */
export function furnish(root: string, name: string, machineId: string): void {
  const write = (file: string, text: string): void => writeFileSync(join(root, file), text);
  write('etc/hostname', `${name}\n`);
  write('etc/hosts', `127.0.0.1 localhost ${name}\n`);
  write('etc/machine-id', `${machineId.replaceAll('-', '')}\n`);
  write('etc/fstab', '');
  write('etc/systemd/system/drover-bed.service', unit);
  enable(root, 'sysinit.target', 'drover-bed.service', '..');
  // Debian's Open vSwitch comes before libvirt by way of network.target, which is there only when something brings it in.
  enable(root, 'multi-user.target', 'systemd-networkd.service', '/lib/systemd/system');
}

function enable(root: string, target: string, unit: string, folder: string): void {
  const wants = join(root, `etc/systemd/system/${target}.wants`);
  mkdirSync(wants, { recursive: true });
  symlinkSync(join(folder, unit), join(wants, unit));
}
