/** Whether domain interfaces are served by vhost in the kernel, looked at only. Kernel: drivers/vhost. */
import { z } from 'zod';
import { common } from './common.js';

export const vhostNet = z.strictObject({
  require: z.boolean().describe('true: every virtio interface with a device on the host is to use vhost-net'),
  ...common('vhost-net'),
});

export type VhostNetSettings = z.infer<typeof vhostNet>;
