/** Programs that write the same settings and are to stop doing so. systemd: org.freedesktop.systemd1(5). */
import { z } from 'zod';
import { common } from './common.js';

/**
 * Units that may be stopped. libvirt-guests.service is not among them on purpose: stopping it shuts all guests down.
 */
export const ownerUnits = [
  'ksmtuned.service',
  'tuned.service',
  'irqbalance.service',
  'numad.service',
  'momd.service',
  'mom-vdsm.service',
  'power-profiles-daemon.service',
] as const;

export type OwnerUnit = (typeof ownerUnits)[number];

export const owners = z.strictObject({
  take_over: z
    .array(
      z.enum(ownerUnits, {
        error: ({ input }) =>
          input === 'libvirt-guests.service'
            ? 'not libvirt-guests.service: stopping it shuts all guests down'
            : `one of ${ownerUnits.join(', ')}`,
      }),
    )
    .max(ownerUnits.length)
    .refine((units) => new Set(units).size === units.length, { error: 'each unit once' })
    .describe('units that are stopped while this profile is in force'),
  ...common('owners'),
});

export type OwnersSettings = z.infer<typeof owners>;
