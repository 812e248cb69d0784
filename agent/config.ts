/** The agent's configuration: /etc/drover/agent.yaml, checked key by key. */
import { z } from 'zod';
import { parseConfigText, readConfigFile } from '../proto/wire/config-file.js';
import { checkHostName, checkLabels } from '../proto/wire/names.js';
import { deviceSpecs } from './passthrough-config.js';

const schema = z.strictObject({
  host_name: z.string().optional(),
  state_directory: z.string().startsWith('/').default('/var/lib/drover/agent'),
  image_directory: z.string().startsWith('/').default('/var/lib/libvirt/images'),
  libvirt_uri: z.string().default('qemu:///system'),
  libvirt_pid_directory: z.string().startsWith('/').default('/run/libvirt/qemu'),
  kernel_root: z.string().startsWith('/').default('/'),
  labels: z.record(z.string(), z.string()).default({}),
  availability_zone: z.string().max(63).default(''),
  passthrough: deviceSpecs.default([]),
  plan_only: z.boolean().default(false),
  reconcile_interval_seconds: z.int().min(1).max(3600).default(28),
  log_level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

export type AgentConfig = z.infer<typeof schema>;

/** Every key that the file may have, in the order of docs/reference/configuration.md. */
export const configKeys: readonly string[] = Object.keys(schema.shape);

/** Reads a configuration file. Errors: `invalid-argument` naming file, key, value and cure; `not-found` for the file. */
export function loadConfig(file: string): AgentConfig {
  return parseConfig(readConfigFile(file), file);
}

/** As `loadConfig`, from text. */
export function parseConfig(text: string, source: string): AgentConfig {
  const config = parseConfigText(schema, text, source);
  if (config.host_name !== undefined) checkHostName(config.host_name, `${source}: host_name`);
  checkLabels(config.labels, `${source}: labels`);
  return config;
}
