/**
 * QoS classes: named bundles of flavor extra specs. A domain has the class that its extra spec `drover:qos_class` or its
 * metadata names, or else the default one; its own extra specs count before those of its class.
 */
import { z } from 'zod';

const extraSpecs = z
  .record(
    z.string().min(1).max(255),
    z.union([z.string().max(255), z.number(), z.boolean()]).transform(String),
  )
  .refine((specs) => Object.keys(specs).length <= 64, { error: 'at most 64 extra specs' });

export const qosClasses = z.strictObject({
  default: z.string().min(1).max(64).optional().describe('class of domains that name none'),
  classes: z
    .record(z.string().min(1).max(64), extraSpecs)
    .refine((classes) => Object.keys(classes).length <= 64, { error: 'at most 64 classes' })
    .describe('class name to its extra specs, such as {gold: {"quota:cpu_shares": 4096}}'),
});

export type QosClassesSettings = z.infer<typeof qosClasses>;
