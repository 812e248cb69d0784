/** The control plane's configuration: /etc/drover/controlplane.yaml, checked key by key. Ratios carry Nova's names. */
import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { DroverError, invalid } from '../proto/wire/errors.js';
import { describeIssue, unknownKey } from '../proto/wire/profile.js';
import { heartbeatIntervalMs } from '../proto/wire/limits.js';

const ratio = z.number().positive().max(1000);
const amount = z
  .int()
  .min(0)
  .max(2 ** 40);
const address = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[^:\s]+):\d{1,5}$/, { error: 'HOST:PORT' });

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
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DroverError('not-found', `${file} cannot be read`, { field: file, cause });
  }
  return parseConfig(text, file);
}

/** As `loadConfig`, from text. */
export function parseConfig(text: string, source: string): ControlPlaneConfig {
  const document = parseDocument(text, { uniqueKeys: true });
  const fault = document.errors[0];
  if (fault)
    throw new DroverError('invalid-argument', `${source}: ${fault.message.split('\n')[0]}`, {
      field: source,
    });
  return checkConfig(document.toJS({ maxAliasCount: 10 }) as unknown, source);
}

/** Checks a configuration given as plain data. */
export function checkConfig(value: unknown, source: string): ControlPlaneConfig {
  const result = schema.safeParse(value ?? {}, { reportInput: true });
  if (result.success) return result.data;
  const issue = result.error.issues[0] as z.core.$ZodIssue;
  if (issue.code === 'unrecognized_keys')
    throw unknownKey([String(issue.keys[0])], configKeys, `${source}: `);
  throw invalid(`${source}: ${issue.path.join('.')}`, issue.input, describeIssue(issue));
}
