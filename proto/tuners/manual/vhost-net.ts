import type { TunerManual } from './manual.js';

export const manual: TunerManual = {
  name: 'vhost-net',
  summary: 'Tells which virtio interfaces the kernel serves itself (vhost-net). Writes nothing.',
  settings: [
    {
      name: 'require',
      what: 'Whether every virtio interface with a tap on the host is to be served by vhost-net.',
      values: 'true or false; false looks at nothing',
      default:
        'libvirt uses vhost-net where /dev/vhost-net is there and the XML does not say <driver name="qemu"/>',
      writes: 'nothing',
      since: 'Linux 2.6.34, libvirt 0.7.7',
      effect: 'domain-restart',
    },
  ],
  knobs: ['vhost MAC'],
  verify:
    'Counts the open files /dev/vhost-net of the QEMU process (one for each queue pair) and compares them with its interfaces. The evidence names the threads vhost-PID and the CPUs that they may use.',
  undo: 'Nothing is written, so nothing is undone.',
  limits: [
    'vhost-net is chosen when QEMU starts: an interface without it is deferred until the domain is started anew.',
    'On a kernel without vhost_net, or with the module not loaded, the knob is unsupported and says so.',
    'A QEMU that has some open files, but fewer than interfaces, does not tell which interface is without: all of them count as not used.',
    'The threads vhost-PID run in the group of the emulator threads, so vcpu-pinning places them with those. Since Linux 6.4 they are threads of the QEMU process, before they are threads of the kernel.',
    'vhost-user, macvtap of other models than virtio, and user-mode networks are left out.',
  ],
  owners: [],
  sources: [
    'Linux drivers/vhost/net.c and vhost.c',
    'libvirt 9.0 formatdomain, "Setting NIC driver-specific options"',
  ],
  example: 'vhost-net:\n  require: true',
};
