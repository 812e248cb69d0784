/** The control plane's configuration: /etc/drover/controlplane.yaml, checked key by key. Ratios carry Nova's names. */
import { z } from 'zod';
import { checkConfigData, parseConfigText, readConfigFile } from '../proto/wire/config-file.js';
import { heartbeatIntervalMs } from '../proto/wire/limits.js';

const ratio = z.number().positive().max(1000);
const amount = z
  .int()
  .min(0)
  .max(2 ** 40);
const address = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, { error: 'HOST:PORT' });

const startLimit = z.strictObject({
  label: z.string().min(1).max(63),
  most: z.int().min(1).max(10_000),
});

const schema = z.strictObject({
  state_directory: z.string().startsWith('/').default('/var/lib/drover/controlplane'),
  listen: address.default('0.0.0.0:7643'),
  enrol_listen: address.default('0.0.0.0:7644'),
  advertise: z.array(z.string().min(1).max(253)).max(32).default([]),
  service_down_time: z
    .int()
    .min(3 * (heartbeatIntervalMs / 1000))
    .max(86_400)
    .default(60),
  cpu_allocation_ratio: ratio.default(4.0),
  ram_allocation_ratio: ratio.default(1.0),
  disk_allocation_ratio: ratio.default(1.0),
  reserved_host_cpus: amount.default(0),
  reserved_host_memory_mb: amount.default(512),
  reserved_host_disk_mb: amount.default(0),
  claim_ttl_seconds: z.int().min(0).max(86_400).default(120),
  release_orphans: z.boolean().default(false),
  start_limits: z
    .array(startLimit)
    .max(16)
    .refine((limits) => new Set(limits.map(({ label }) => label)).size === limits.length, {
      error: 'each label once',
    })
    .default([]),
  default_availability_zone: z.string().min(1).max(63).default('nova'),
  certificate_hours: z
    .int()
    .min(1)
    .max(24 * 365)
    .default(24),
  log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

export type ControlPlaneConfig = z.infer<typeof schema>;

/** Every key that the file may have, in the order of docs/reference/configuration.md. */
export const configKeys: readonly string[] = Object.keys(schema.shape);

/** Reads a configuration file. Errors: `invalid-argument` naming file, key, value and cure; `not-found` for the file. */
export function loadConfig(file: string): ControlPlaneConfig {
  return parseConfig(readConfigFile(file), file);
}

/** As `loadConfig`, from text. */
export function parseConfig(text: string, source: string): ControlPlaneConfig {
  return parseConfigText(schema, text, source);
}

/** Checks a configuration given as plain data. */
export function checkConfig(value: unknown, source: string): ControlPlaneConfig {
  return checkConfigData(schema, value, source);
}
