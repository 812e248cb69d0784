/** Allocations: who holds what on which host. Pure. */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { GuestCellPlacement } from '../../proto/gen/drover/v1/GuestCellPlacement.js';
import type { PciDevice } from '../../proto/gen/drover/v1/PciDevice.js';
import type { Amounts } from './host.js';
import { changed, held } from './held-allocation.js';
import { guestNumaOf } from './numa/guest-numa-of.js';
import { type CheckedRequest, requestFor } from './request.js';
import { isSameRest, partsOf, restOf } from './request-rest.js';

/** What is taken on a host in sum; `count` is how many allocations or domains take it. */
export interface Totals extends Amounts {
  readonly count: number;
}

export const nothingTaken: Totals = { vcpus: 0, memoryMb: 0, diskMb: 0, count: 0 };

/** Where an allocation was put, and how that came about. */
export interface Choice {
  /** Of the host in the registry, where that is at hand: where to look first, no more. */
  readonly row?: number;
  readonly hostId: string;
  readonly hostName: string;
  /** Names of the next best hosts. */
  readonly alternates: readonly string[];
  /** Of the fleet's state that was searched, and what decided between equals. */
  readonly revision: number;
  readonly seed: number;
  readonly cells: readonly GuestCellPlacement[];
  readonly devices: readonly PciDevice[];
}

/** What is known of an allocation besides its request and its place. */
export interface Origin {
  readonly id: string;
  readonly idempotencyKey: string;
  readonly createdUnixMs: number;
  readonly createdBy: string;
  /** 0: never. */
  readonly lapsesUnixMs: number;
}

/**
 * The allocation that a request becomes on a host. Its host has not confirmed it. A literal: spreading costs ten times as much.
 * Errors: those of `restOf`.
 */
export function newAllocation(request: CheckedRequest, choice: Choice, origin: Origin): Allocation {
  return held({
    id: origin.id,
    hostId: choice.hostId,
    hostName: choice.hostName,
    vcpus: request.vcpus,
    memoryMb: request.memoryMb,
    diskMb: request.diskMb,
    idempotencyKey: origin.idempotencyKey,
    createdUnixMs: origin.createdUnixMs,
    instanceUuid: request.instanceUuid,
    extraSpecs: request.extraSpecs, // one for all claims of a flavor
    createdBy: origin.createdBy,
    availabilityZone: request.availabilityZone,
    state: 'claimed',
    lapsesUnixMs: origin.lapsesUnixMs,
    flavor: request.flavor.name,
    projectId: request.projectId ?? '',
    serverGroupId: request.group?.id ?? '',
    alternates: choice.alternates as string[], // held as it is, and never written to
    attempts: 1,
    revision: choice.revision,
    seed: choice.seed,
    cells: choice.cells as GuestCellPlacement[],
    hostGeneration: 0,
    movedFrom: '',
    moveKey: '',
    devices: choice.devices as PciDevice[],
    requestRest: restOf(request),
  });
}

/** The allocation once its host has said that it holds. */
export function confirmed(allocation: Allocation): Allocation {
  return changed(allocation, { state: 'confirmed', lapsesUnixMs: 0, alternates: [] });
}

/** The allocation on another host, which has not confirmed it. */
export function movedTo(allocation: Allocation, choice: Choice, more: Partial<Allocation>): Allocation {
  const { hostId, hostName, revision, seed, alternates, cells, devices } = choice;
  const room = { alternates: [...alternates], cells: [...cells], devices: [...devices] };
  return changed(allocation, { hostId, hostName, revision, seed, ...room, state: 'claimed', ...more });
}

/** True when `allocation` answers `request`: the same request for the same virtual machine. */
export function answers(allocation: Allocation, request: CheckedRequest): boolean {
  return (
    allocation.vcpus === request.vcpus &&
    allocation.memoryMb === request.memoryMb &&
    allocation.diskMb === request.diskMb &&
    allocation.instanceUuid === request.instanceUuid &&
    allocation.availabilityZone === request.availabilityZone &&
    allocation.flavor === request.flavor.name &&
    allocation.projectId === (request.projectId ?? '') &&
    allocation.serverGroupId === (request.group?.id ?? '') &&
    sameTexts(allocation.extraSpecs, request.extraSpecs) &&
    isSameRest(allocation.requestRest, restOf(request))
  );
}

function sameTexts(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  let count = 0;
  for (const key in one) {
    if (other[key] !== one[key]) return false;
    count++;
  }
  for (const _key in other) count--;
  return count === 0;
}

/**
 * What an allocation says of its request, for when it needs another host: amounts, zone, extra specs, image, hints, devices,
 * networks, project, and the NUMA cells that follow from them. The group is resolved anew by whoever asks.
 */
export function requestOf(allocation: Allocation): CheckedRequest {
  const { flavor: name, vcpus, memoryMb, diskMb, extraSpecs, serverGroupId: id } = allocation;
  const { availabilityZone, instanceUuid } = allocation;
  const projectId = allocation.projectId || null;
  const flavor = { name, vcpus, memoryMb, rootGb: 0, ephemeralGb: 0, swapMb: diskMb, extraSpecs };
  const parts = partsOf(allocation.requestRest);
  const group = id === '' ? null : { id, policy: '', members: [], hosts: [], maxServerPerHost: undefined };
  const numa = allocation.cells.length === 0 ? null : guestNumaOf(flavor, parts.image);
  return requestFor(flavor, { ...parts, numa, availabilityZone, instanceUuid, projectId, group });
}
