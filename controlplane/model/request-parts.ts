/** The parts of a wire request beside its amounts, each checked and in the form that filters see. Pure. */
import type { PciDeviceRequest } from '../../proto/gen/drover/v1/PciDeviceRequest.js';
import type { PlacementImage } from '../../proto/gen/drover/v1/PlacementImage.js';
import type { PlacementNetwork } from '../../proto/gen/drover/v1/PlacementNetwork.js';
import type { RequestedDestination } from '../../proto/gen/drover/v1/RequestedDestination.js';
import type { Values } from '../../proto/gen/drover/v1/Values.js';
import { invalid } from '../../proto/wire/errors.js';
import type { Image } from './flavor.js';
import type { NetworkMetadata } from './host-numa.js';
import { aliasKey } from './pci-alias.js';
import type { PciRequest } from './pci-request.js';
import { requestLimits as limits } from './request-limits.js';
import { atMost, checkKey, text, textMap, texts, whole } from './request-values.js';

/** Nova's `PCINUMAAffinityPolicy`. */
const numaPolicies = ['required', 'preferred', 'legacy', 'socket'];

const noHints: Readonly<Record<string, readonly string[]>> = {};

/** Errors: `invalid-argument` naming `field.properties` and the like. */
export function checkImage(image: PlacementImage | null, field: string): Image | null {
  if (image === null) return null;
  return {
    id: text(image.id, `${field}.id`, limits.textChars),
    name: text(image.name, `${field}.name`, limits.textChars),
    properties: textMap(image.properties, `${field}.properties`, limits.imageProperties, limits.textChars),
  };
}

/** Scheduler hints, each with its values; a hint without values is none. Errors: `invalid-argument` naming `field.HINT`. */
export function checkHints(
  hints: Readonly<Record<string, Values>>,
  field: string,
): Readonly<Record<string, readonly string[]>> {
  const entries = Object.entries(hints);
  if (entries.length === 0) return noHints;
  atMost(entries.length, field, limits.hints);
  const checked: Record<string, readonly string[]> = {};
  for (const [name, { values }] of entries) {
    checkKey(name, field, limits.textChars);
    atMost(values.length, `${field}.${name}`, limits.hintValues);
    for (const value of values) text(value, `${field}.${name}`, limits.hintChars);
    if (values.length > 0) checked[name] = values;
  }
  return checked;
}

/** Names of hosts or nodes. Errors: `invalid-argument`. */
export function checkHosts(names: readonly string[], field: string): readonly string[] {
  return texts(names, field, limits.hostNames, limits.textChars);
}

/** Where a request must go; null where it asks nothing. Errors: `invalid-argument`. */
export function checkDestination(given: RequestedDestination | null, field: string) {
  if (given === null) return null;
  const { host, node, cellUuid, allowCrossCellMove } = given;
  for (const [name, value] of Object.entries({ host, node, cell_uuid: cellUuid }))
    text(value, `${field}.${name}`, limits.textChars);
  if (host === '' && node === '' && cellUuid === '' && !allowCrossCellMove) return null;
  return { host: host || null, node: node || null, cellUuid: cellUuid || null, allowCrossCellMove };
}

/**
 * Devices that are asked for; `policy`: NUMA affinity of those that say none. Errors: `invalid-argument` naming
 * `field[INDEX].count` and the like.
 */
export function checkPciRequests(
  requests: readonly PciDeviceRequest[],
  field: string,
  policy: string | undefined,
): readonly PciRequest[] {
  checkAmount(requests, field, `${field}.specs`);
  return requests.map((request, index) => checkPciRequest(request, `${field}[${index}]`, policy));
}

/** Those that its flavor asks for by aliases, and then those of the request, as in Nova. Errors: `invalid-argument` for too many. */
export function checkDevices(
  own: readonly PciRequest[],
  byAlias: readonly PciRequest[],
  field: string,
): readonly PciRequest[] {
  if (byAlias.length === 0) return own;
  const all = [...byAlias, ...own];
  const where = `${field}.extra_specs.${aliasKey}`;
  checkAmount(all, where, where);
  for (const { count } of byAlias) whole(count, where, 1, limits.pciCount, 'devices');
  return all;
}

function checkAmount(
  requests: readonly { readonly specs: readonly unknown[] }[],
  field: string,
  specsField: string,
): void {
  atMost(requests.length, field, limits.pciRequests);
  let specs = 0;
  for (const request of requests) specs += request.specs.length;
  atMost(specs, specsField, limits.pciSpecs);
}

function checkPciRequest(
  { count, specs, numaPolicy }: PciDeviceRequest,
  field: string,
  policy: string | undefined,
): PciRequest {
  if (specs.length === 0) throw invalid(`${field}.specs`, 'nothing', 'at least one kind of device');
  atMost(specs.length, `${field}.specs`, limits.pciSpecs);
  if (numaPolicy !== '' && !numaPolicies.includes(numaPolicy))
    throw invalid(`${field}.numa_policy`, numaPolicy, `one of ${numaPolicies.join(', ')}`);
  return {
    count: whole(count, `${field}.count`, 1, limits.pciCount, 'devices'),
    specs: specs.map(({ keys }, at) =>
      textMap(keys, `${field}.specs[${at}].keys`, limits.pciKeys, limits.textChars),
    ),
    numaPolicy: numaPolicy || policy,
  };
}

/** Networks that should be near; null: not told. Errors: `invalid-argument`. */
export function checkNetwork(given: PlacementNetwork | null, field: string): NetworkMetadata | null {
  if (given === null) return null;
  const physnets = texts(given.physnets, `${field}.physnets`, limits.physnets, limits.textChars);
  return { physnets, tunneled: given.tunneled };
}
