/** Manual of the tuner disk-cache. */
import type { TunerManual } from './manual.js';

export const manual: TunerManual = {
  name: 'disk-cache',
  summary: 'Shows which disks of domains have another cache mode than they should; it writes nothing.',
  settings: [
    {
      name: 'cache',
      what: 'Cache mode that every disk should have. none and directsync go past the page cache of the host, so that limits and weights of control groups see what the guest writes.',
      values: 'none, writethrough, writeback, directsync, unsafe',
      default: 'writeback, where the definition names none or default',
      writes: 'nothing: <driver cache> in the definition belongs to its owner',
      since: 'libvirt 0.6.0; directsync and unsafe 0.9.5',
      effect: 'domain-restart',
    },
  ],
  knobs: ['cache vda'],
  verify: 'Read from the live XML of the domain.',
  undo: 'Nothing was written.',
  limits: [
    'A disk with another mode is reported as deferred: change the definition (virsh edit, or disk_cachemodes in nova.conf) and restart the domain.',
    'Empty CD-ROM and floppy drives are left out.',
  ],
  owners: ['Nova (disk_cachemodes)', 'whoever wrote the definition'],
  sources: ['libvirt 9.0 formatdomain, <driver cache>', 'QEMU 7.2 qemu-system(1), -drive cache'],
  example: 'disk-cache:\n  cache: none\n',
};
