/** Cache mode of domain disks, looked at only. libvirt: formatdomain, <driver cache>. */
import { z } from 'zod';
import { common } from './common.js';

export const diskCache = z.strictObject({
  cache: z
    .enum(['none', 'writethrough', 'writeback', 'directsync', 'unsafe'])
    .describe('cache mode that every disk of a domain should have'),
  ...common('disk-cache'),
});

export type DiskCacheSettings = z.infer<typeof diskCache>;
