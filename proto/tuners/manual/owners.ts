import type { TunerManual } from './manual.js';

export const manual: TunerManual = {
  name: 'owners',
  summary: 'Stops other programs that write the same settings, as long as the profile says so.',
  settings: [
    {
      name: 'take_over',
      what: 'Units that are stopped and kept stopped.',
      values:
        'ksmtuned.service, tuned.service, irqbalance.service, numad.service, momd.service, mom-vdsm.service, power-profiles-daemon.service',
      default: 'none: while such a unit is active, the settings that it owns are held',
      writes: 'org.freedesktop.systemd1.Manager StopUnit, and StartUnit to undo (mode replace)',
      since: 'systemd 183',
      effect: 'now',
    },
  ],
  knobs: ['UNIT.service'],
  verify:
    'ActiveState by ListUnitsByNames: active, activating, reloading and deactivating count as active, inactive and failed as inactive. A unit that is not installed is inactive. Without systemd the processes of the host are looked at by name.',
  undo: 'Started again where it was active before; everything else is put back before, as undoing goes newest first.',
  limits: [
    'A start or stop has 30 s. systemd goes on with it after that; the next pass sees how it ended.',
    'A unit is stopped and not disabled: it starts with the host again, and is stopped again by the first pass.',
    'What the other program had set stays, except for tuned, which takes its own settings back when it stops. The first pass has read them before; the next pass puts right what differs.',
    'Without systemd a program that runs is unsupported: it has to be stopped by hand.',
    'libvirt-guests.service cannot be named: stopping it shuts all guests down.',
  ],
  owners: [
    'ksmtuned: ksm',
    'tuned: transparent-hugepages, virtual-memory, sysctl, cpu-governor, block-queue; with a cpu-partitioning or realtime profile (/etc/tuned/active_profile) also irq-affinity and vcpu-pinning',
    'irqbalance: irq-affinity',
    'numad: vcpu-pinning, numa-memory',
    'momd (also as mom-vdsm): ksm, cpu-qos, block-qos',
    'power-profiles-daemon: cpu-governor',
  ],
  sources: ['systemd 252 org.freedesktop.systemd1(5)', 'tuned(8)', 'irqbalance(1)', 'numad(8)'],
  example: 'owners:\n  take_over: [ksmtuned.service, tuned.service]',
};
