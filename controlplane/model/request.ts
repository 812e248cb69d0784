/** A placement request, checked once where it comes in; everything behind works with the checked form. Pure. */
import type { PlacementRequest } from '../../proto/gen/drover/v1/PlacementRequest.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { amountFields, checkExtraSpecs, checkFlavor, type Flavor, type Image } from './flavor.js';
import type { GuestNuma } from './guest-numa.js';
import type { Amounts } from './host.js';
import type { NetworkMetadata } from './host-numa.js';
import { aliasRequests, type PciAlias } from './pci-alias.js';
import type { PciRequest } from './pci-request.js';
import { type CheckedGuest, checkGuest } from './numa/checked-guest.js';
import { requestLimits } from './request-limits.js';
import * as parts from './request-parts.js';
import { text } from './request-values.js';

export type { Flavor, Image } from './flavor.js';
export { requestLimits } from './request-limits.js';

/** The server group of a request, as it stands when the request is decided. */
export interface GroupOfRequest {
  readonly id: string;
  /** affinity, anti-affinity, soft-affinity, soft-anti-affinity. */
  readonly policy: string;
  /** UUIDs of its servers. */
  readonly members: readonly string[];
  /** Names of the hosts that its servers are on. */
  readonly hosts: readonly string[];
  /** Nova's rule of anti-affinity; undefined: 1. */
  readonly maxServerPerHost: number | undefined;
}

/** Where a request must go. */
export interface RequestedDestination {
  readonly host: string | null;
  readonly node: string | null;
  readonly cellUuid: string | null;
  readonly allowCrossCellMove: boolean;
}

/** Hosts that were tried before. */
export interface Retry {
  readonly attempts: number;
  /** Host and node, null where not told. */
  readonly hosts: readonly (readonly (string | null)[])[];
}

/** What filters and weighers see of a request. Amounts are vCPUs and MiB. */
export interface CheckedRequest extends Amounts {
  readonly flavor: Flavor;
  readonly image: Image | null;
  /** null: not told. Nova tells the empty text from it. */
  readonly projectId: string | null;
  /** Empty: any zone. */
  readonly availabilityZone: string;
  readonly instanceUuid: string;
  /** The flavor's. */
  readonly extraSpecs: Readonly<Record<string, string>>;
  /** Scheduler hint to its values. */
  readonly hints: Readonly<Record<string, readonly string[]>>;
  readonly group: GroupOfRequest | null;
  readonly ignoreHosts: readonly string[];
  readonly forceHosts: readonly string[];
  readonly forceNodes: readonly string[];
  readonly destination: RequestedDestination | null;
  readonly retry: Retry | null;
  readonly pciRequests: readonly PciRequest[];
  readonly network: NetworkMetadata | null;
  /** Derived from flavor and image; null: none asked for. */
  readonly numa: GuestNuma | null;
  /** It boots from a volume. */
  readonly isVolumeBooted: boolean;
}

const plainFlavor: Flavor = {
  name: '',
  vcpus: 1,
  memoryMb: 512,
  rootGb: 0,
  ephemeralGb: 0,
  swapMb: 0,
  extraSpecs: {},
};

/** Of a request that says nothing of its image. null is for one that has none at all, on which Nova's NUMATopologyFilter raises. */
const plainImage: Image = { id: '', name: '', properties: {} };

/** Shared by all that have none. */
const nothingMore = {
  hints: {},
  ignoreHosts: [],
  forceHosts: [],
  forceNodes: [],
  pciRequests: [],
} as const;

/**
 * A request for a flavor, with whatever else is given and nothing besides. Disk is root and ephemeral GiB plus swap MiB, as
 * Nova's DiskFilter adds them. Nothing is checked here.
 */
export function requestFor(
  flavor: Partial<Flavor>,
  more: Partial<Omit<CheckedRequest, 'flavor' | 'extraSpecs' | keyof Amounts>> = {},
): CheckedRequest {
  const whole = isWhole(flavor) ? flavor : { ...plainFlavor, ...flavor };
  // One literal: spreading these costs ten times as much, and every claim comes through here.
  return {
    vcpus: whole.vcpus,
    memoryMb: whole.memoryMb,
    diskMb: 1024 * (whole.rootGb + whole.ephemeralGb) + whole.swapMb,
    flavor: whole,
    image: more.image ?? null,
    projectId: more.projectId ?? null,
    availabilityZone: more.availabilityZone ?? '',
    instanceUuid: more.instanceUuid ?? '',
    extraSpecs: whole.extraSpecs,
    hints: more.hints ?? nothingMore.hints,
    group: more.group ?? null,
    ignoreHosts: more.ignoreHosts ?? nothingMore.ignoreHosts,
    forceHosts: more.forceHosts ?? nothingMore.forceHosts,
    forceNodes: more.forceNodes ?? nothingMore.forceNodes,
    destination: more.destination ?? null,
    retry: more.retry ?? null,
    pciRequests: more.pciRequests ?? nothingMore.pciRequests,
    network: more.network ?? null,
    numa: more.numa ?? null,
    isVolumeBooted: more.isVolumeBooted ?? false,
  };
}

function isWhole(flavor: Partial<Flavor>): flavor is Flavor {
  const { name, vcpus, memoryMb, rootGb, ephemeralGb, swapMb, extraSpecs } = flavor;
  const given = name !== undefined && vcpus !== undefined && memoryMb !== undefined && rootGb !== undefined;
  return given && ephemeralGb !== undefined && swapMb !== undefined && extraSpecs !== undefined;
}

/** What a request may name; the catalog knows it. Errors of each: `not-found` naming the field and the nearest name. */
export interface KnownNames {
  flavor(name: string, field: string): Flavor;
  /** By id or name. */
  group(idOrName: string, field: string): GroupOfRequest;
  checkZone(zone: string, field: string): void;
  alias(name: string, field: string): PciAlias;
  /** What a flavor asks for without an image, as `read` found it the first time. */
  guestOf?(flavor: Flavor, read: () => CheckedGuest): CheckedGuest;
}

/** No flavor, no group and no alias; any zone. */
const nothingKnown: KnownNames = {
  flavor: (name, field) => unknown('flavor', name, field),
  group: (name, field) => unknown('server group', name, field),
  checkZone: () => undefined,
  alias: (name, field) => unknown('PCI alias', name, field),
};

/**
 * The checked form of a request: a flavor by name or amounts, never both, and everything else within its limits. Disk is
 * root and ephemeral GiB plus swap MiB, as Nova's DiskFilter adds them; it may be 0, for a machine that boots from a
 * volume. Errors: `invalid-argument` naming `field.vcpus` and so on; those of `known`.
 */
export function checkRequest(
  request: PlacementRequest | null,
  field = 'request',
  known: KnownNames = nothingKnown,
): CheckedRequest {
  if (request === null)
    throw invalid(field, 'nothing', 'a request with a flavor, or with vcpus and memory_mb');
  const group = request.serverGroup || (request.schedulerHints['group']?.values[0] ?? '');
  const zone = text(request.availabilityZone, `${field}.availability_zone`, requestLimits.textChars);
  if (zone !== '') known.checkZone(zone, `${field}.availability_zone`);
  const flavor = flavorOf(request, field, known);
  const image = parts.checkImage(request.image, `${field}.image`) ?? plainImage;
  const { numa, pciPolicy } = guestOf(flavor, image, field, known);
  const pciRequests = parts.checkDevices(
    parts.checkPciRequests(request.pciRequests, `${field}.pci_requests`, pciPolicy),
    aliasRequests(flavor.extraSpecs, `${field}.extra_specs`, known.alias, pciPolicy),
    field,
  );
  return requestFor(flavor, {
    image,
    numa,
    projectId: text(request.projectId, `${field}.project_id`, requestLimits.textChars) || null,
    availabilityZone: zone,
    instanceUuid: text(request.instanceUuid, `${field}.instance_uuid`, 64),
    hints: parts.checkHints(request.schedulerHints, `${field}.scheduler_hints`),
    group: group === '' ? null : known.group(group, `${field}.server_group`),
    ignoreHosts: parts.checkHosts(request.ignoreHosts, `${field}.ignore_hosts`),
    forceHosts: parts.checkHosts(request.forceHosts, `${field}.force_hosts`),
    forceNodes: parts.checkHosts(request.forceNodes, `${field}.force_nodes`),
    destination: parts.checkDestination(request.requestedDestination, `${field}.requested_destination`),
    pciRequests,
    network: parts.checkNetwork(request.network, `${field}.network`),
    isVolumeBooted: request.bootsFromVolume,
  });
}

/** Cells and device affinity that flavor and image ask for. Reading them costs more than all the rest of a request. */
function guestOf(flavor: Flavor, image: Image, field: string, known: KnownNames): CheckedGuest {
  const read = (): CheckedGuest => checkGuest(flavor, image, field);
  if (Object.keys(image.properties).length > 0) return read();
  if (Object.keys(flavor.extraSpecs).length === 0) return plainGuest;
  return flavor.name !== '' && known.guestOf ? known.guestOf(flavor, read) : read();
}

const plainGuest: CheckedGuest = { numa: null, pciPolicy: undefined };

/** The flavor that is named, with the request's extra specs added to its own, or the one that the amounts make. */
function flavorOf(request: PlacementRequest, field: string, known: KnownNames): Flavor {
  if (request.flavor === '') return checkFlavor(request, field, '');
  for (const [key, name] of amountFields)
    if (request[key] !== 0)
      throw invalid(`${field}.${name}`, request[key], 'nothing beside a flavor, which says it');
  const flavor = known.flavor(request.flavor, `${field}.flavor`);
  const added = `${field}.extra_specs`;
  if (Object.keys(checkExtraSpecs(request.extraSpecs, added)).length === 0) return flavor;
  return { ...flavor, extraSpecs: checkExtraSpecs({ ...flavor.extraSpecs, ...request.extraSpecs }, added) };
}

function unknown(kind: string, name: string, field: string): never {
  throw new DroverError('not-found', `${field}: ${kind} ${name} is not known`, { field, value: name });
}

/** An idempotency key, or the empty text for none. Errors: `invalid-argument` for more than 128 bytes. */
export function checkIdempotencyKey(key: string, field = 'idempotency_key'): string {
  if (Buffer.byteLength(key) > 128) throw invalid(field, key, 'at most 128 bytes');
  return key;
}
