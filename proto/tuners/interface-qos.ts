/** Bandwidth of domain interfaces. libvirt: virDomainSetInterfaceParameters; formatdomain, "Quality of service". */
import { z } from 'zod';
import { common, override } from './common.js';

/** Kilobytes a second that Open vSwitch can police: it keeps kilobits in 32 bits. */
export const highestRateKilobytesSec = 536_870_911;

/** tc keeps a burst in 32 bits of bytes. */
export const highestBurstKilobytes = 4_194_303;

const kilobytesSec = z.int().min(1).max(highestRateKilobytesSec);

const direction = z
  .strictObject({
    average: kilobytesSec
      .or(z.literal(0))
      .describe('kilobytes a second that the interface keeps on average; 0 lifts the limit'),
    peak: kilobytesSec.optional().describe('kilobytes a second at most; only inbound has one'),
    burst: z
      .int()
      .min(1)
      .max(highestBurstKilobytes)
      .optional()
      .describe('kilobytes that may go at once; absent: sized to the rate'),
  })
  .refine(({ average, peak, burst }) => average > 0 || (peak === undefined && burst === undefined), {
    error: 'average 0 lifts the limit: without peak and burst',
  })
  .refine(({ average, peak }) => peak === undefined || peak >= average, {
    error: 'a peak of at least the average',
    path: ['peak'],
  });

export const interfaceQos = z.strictObject({
  inbound: direction.optional().describe('what the guest receives'),
  outbound: direction
    .refine(({ peak }) => peak === undefined, {
      error: 'no peak: what a guest sends is policed at its average',
      path: ['peak'],
    })
    .optional()
    .describe('what the guest sends'),
  override_explicit: override,
  ...common('interface-qos'),
});

export type InterfaceQosSettings = z.infer<typeof interfaceQos>;
