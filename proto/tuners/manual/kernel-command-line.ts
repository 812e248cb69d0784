import type { TunerManual } from './manual.js';

export const manual: TunerManual = {
  name: 'kernel-command-line',
  summary:
    'Arguments that the kernel takes only at its start: written for GRUB, reported until the host has started with them.',
  settings: [
    {
      name: 'arguments',
      what: 'Arguments in their order.',
      values:
        '1 to 64 of name or name=value, letters, digits and _ . , : = @ + / * % ^ ~ -, 255 characters each and 1024 together',
      default: 'what the boot loader passes',
      writes: '/etc/default/grub.d/90-drover.cfg',
      since: 'each as kernel-parameters.txt says',
      effect: 'host-reboot',
    },
    {
      name: 'update_bootloader',
      what: 'Whether update-grub is run after each change of the file, for at most 120 s.',
      values: 'true or false',
      default: 'false: the operator runs it',
      writes: '/usr/sbin/update-grub, which writes /boot/grub/grub.cfg',
      since: 'Debian 6, Ubuntu 10.04',
      effect: 'host-reboot',
    },
  ],
  knobs: ['boot file', 'running kernel'],
  verify:
    'The boot file is read back; the evidence tells whether the first entry of /boot/grub/grub.cfg has the arguments. The running kernel is read from /proc/cmdline: arguments that it has are in sync, others are deferred until the host is started anew. Of an argument that is there twice the last one counts; hugepages belongs to the hugepagesz before it.',
  undo: 'The file as it was, to the byte, or none; also after restarts of the host. With update_bootloader update-grub is run again; else the operator does. The running kernel keeps its arguments until the next start.',
  limits: [
    'The host is never restarted by the agent: the operator does that.',
    'Arguments that may keep the host from starting or that switch its protection off are refused: init, rdinit, root and its kind, single, rescue, systemd.unit, selinux, apparmor, lsm, lockdown and more, each with the reason.',
    'No spaces, quotes, $ and backslashes: the file is read by a shell and by GRUB.',
    'They go into GRUB_CMDLINE_LINUX_DEFAULT, which recovery entries leave out: a host that does not start with them can be started without.',
    'Where there is neither /etc/default/grub.d nor update-grub the file is unsupported, and the reason says what to do (grubby on Fedora and its likes).',
    'update-grub runs os-prober where that is installed, which mounts block devices of the host, also disks of running guests: with update_bootloader the file is held, and a write refused, until GRUB_DISABLE_OS_PROBER=true stands in /etc/default/grub (or in a file of /etc/default/grub.d) or os-prober is removed. Undo is refused in the same way.',
    'When update-grub fails the file is put back as it was, and the setting has failed.',
    'The service of the agent has /etc and /boot read-only: a drop-in with ReadWritePaths=/etc/default/grub.d (and /boot for update_bootloader) lets it write.',
  ],
  owners: [
    'tuned with its bootloader plugin',
    'grubby, kernelstub and other tools that edit the same variable',
  ],
  sources: [
    'Linux 6.12 Documentation/admin-guide/kernel-parameters.rst',
    'GRUB 2.06 manual, "Simple configuration handling"; Debian grub-mkconfig reads /etc/default/grub.d/*.cfg',
  ],
  example:
    'kernel-command-line:\n  arguments: [hugepagesz=1G, hugepages=16, "isolcpus=managed_irq,domain,4-15"]',
};
