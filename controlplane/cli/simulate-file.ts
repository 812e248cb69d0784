/** A simulation in a YAML file, with the field names of the API. */
import { z } from 'zod';
import type { PlacementRequestInput } from '../../proto/gen/drover/v1/PlacementRequest.js';
import type { SimulateRequestInput } from '../../proto/gen/drover/v1/SimulateRequest.js';
import { invalid } from '../../proto/wire/errors.js';
import { parseConfigText } from '../../proto/wire/config-file.js';

/** Largest file. */
export const maximumSimulationBytes = 1024 * 1024;

const text = z.string().max(255);
const texts = z.array(text).max(10_000).default([]);
const map = z.record(z.string(), z.string()).default({});
const amount = z.int().min(0).default(0);
const ratio = z.number().positive().max(1000).default(0);
const hosts = z.strictObject({
  hosts: texts,
  availability_zone: text.default(''),
  aggregate: text.default(''),
  labels: map,
});
const change = z.strictObject({
  overcommit: z
    .strictObject({
      hosts: hosts.optional(),
      cpu_allocation_ratio: ratio,
      ram_allocation_ratio: ratio,
      disk_allocation_ratio: ratio,
    })
    .optional(),
  drain: hosts.optional(),
  add_hosts: z
    .strictObject({ count: z.int().min(1).max(10_000), like_host: text, availability_zone: text.default('') })
    .optional(),
  settings: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});
const placement = z.strictObject({
  count: z.int().min(1).max(10_000).default(1),
  flavor: text.default(''),
  vcpus: amount,
  memory_mb: amount,
  root_gb: amount,
  ephemeral_gb: amount,
  swap_mb: amount,
  availability_zone: text.default(''),
  extra_specs: map,
  scheduler_hints: z.record(z.string(), z.array(z.string())).default({}),
  server_group: text.default(''),
  project_id: text.default(''),
  image: z.strictObject({ id: text.default(''), name: text.default(''), properties: map }).optional(),
  ignore_hosts: texts,
  force_hosts: texts,
  boots_from_volume: z.boolean().default(false),
});
const schema = z.strictObject({
  changes: z.array(change).max(100).default([]),
  placements: z.array(placement).max(1_000).default([]),
  seed: z.int().min(0).default(0),
});

/** The request that a file describes. Errors: `invalid-argument` naming the file, the key, the value and what would be right. */
export function parseSimulation(yaml: string, source: string): SimulateRequestInput {
  const bytes = Buffer.byteLength(yaml);
  if (bytes > maximumSimulationBytes)
    throw invalid(source, `${bytes} bytes`, `at most ${maximumSimulationBytes} bytes`);
  const { changes, placements, seed } = parseConfigText(schema, yaml, source);
  return {
    seed,
    changes: changes.map((one, index) => changeOf(one, `${source}: changes.${index}`)),
    placements: placements.map(({ count, ...request }) => ({ count, request: requestOf(request) })),
  };
}

function changeOf(given: z.infer<typeof change>, field: string) {
  const named = Object.keys(given);
  if (named.length !== 1) throw invalid(field, named, 'one of overcommit, drain, add_hosts, settings');
  const { overcommit, drain, add_hosts: added, settings } = given;
  if (overcommit)
    return {
      overcommit: {
        hosts: choiceOf(overcommit.hosts),
        cpuAllocationRatio: overcommit.cpu_allocation_ratio,
        ramAllocationRatio: overcommit.ram_allocation_ratio,
        diskAllocationRatio: overcommit.disk_allocation_ratio,
      },
    };
  if (drain) return { drain: choiceOf(drain) };
  if (added)
    return {
      addHosts: {
        count: added.count,
        likeHost: added.like_host,
        availabilityZone: added.availability_zone,
      },
    };
  const asText = Object.entries(settings ?? {}).map(([name, value]) => [name, String(value)]);
  return { settings: Object.fromEntries(asText) as Record<string, string> };
}

function choiceOf(given: z.infer<typeof hosts> | undefined) {
  if (given === undefined) return null;
  const { hosts: names, availability_zone: availabilityZone, aggregate, labels } = given;
  return { hosts: names, availabilityZone, aggregate, labels };
}

function requestOf(given: Omit<z.infer<typeof placement>, 'count'>): PlacementRequestInput {
  const hints = Object.entries(given.scheduler_hints).map(([name, values]) => [name, { values }]);
  return {
    flavor: given.flavor,
    vcpus: given.vcpus,
    memoryMb: given.memory_mb,
    rootGb: given.root_gb,
    ephemeralGb: given.ephemeral_gb,
    swapMb: given.swap_mb,
    availabilityZone: given.availability_zone,
    extraSpecs: given.extra_specs,
    schedulerHints: Object.fromEntries(hints) as Record<string, { values: string[] }>,
    serverGroup: given.server_group,
    projectId: given.project_id,
    image: given.image ?? null,
    ignoreHosts: given.ignore_hosts,
    forceHosts: given.force_hosts,
    bootsFromVolume: given.boots_from_volume,
  };
}
