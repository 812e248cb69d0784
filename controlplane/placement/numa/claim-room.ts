/** What a claim takes of a host's cells and devices, and what a release puts back. */
import type { GuestCellPlacement } from '../../../proto/gen/drover/v1/GuestCellPlacement.js';
import type { HostDetails, PciPool } from '../../model/host-details.js';
import type { CheckedRequest } from '../../model/request.js';
import { claimDevices, returnDevices } from '../pci/claim-devices.js';
import { consume, giveBack, placementsOf } from './cell-usage.js';
import type { CellLimits } from './fit-cell.js';
import { fitLimits } from './fit-ask.js';
import { placeGuest } from './place-guest.js';

/** What was taken; both empty where a request asks for neither cells nor devices. */
export interface TakenRoom {
  readonly cells: readonly GuestCellPlacement[];
  readonly devices: readonly PciPool[];
}

export interface RoomClaim extends TakenRoom {
  /** The host's details with all of it taken. */
  readonly details: HostDetails;
}

/**
 * Takes cells, pCPUs, pages and devices for a request; undefined where the host has no room, also where Nova's filters would
 * let it pass. `packs`: fill one cell before the next. Details that nothing is taken of come back as they are.
 */
export function takeRoom(
  details: HostDetails,
  request: CheckedRequest,
  limits: CellLimits,
  packs: boolean,
): RoomClaim | undefined {
  const { network, numa: guest, pciRequests } = request;
  const { numa: host, pciPools } = details;
  if (guest === null) return takeDevices(details, request, []);
  const budget = { choices: fitLimits.choicesPerHost };
  const fitted = host && placeGuest(host, { guest, limits, packs, network, pciRequests, pciPools, budget });
  if (!fitted) return undefined;
  const cells = placementsOf(host, fitted);
  const numa = consume(host, cells);
  return numa && takeDevices({ ...details, numa }, request, cells);
}

function takeDevices(
  details: HostDetails,
  { pciRequests }: CheckedRequest,
  cells: readonly GuestCellPlacement[],
): RoomClaim | undefined {
  if (pciRequests.length === 0) return { details, cells, devices: [] };
  const { numa: host, pciPools } = details;
  const near = host && cells.length > 0 ? { cells: cells.map(({ hostCell }) => hostCell), host } : null;
  const claim = pciPools && claimDevices(pciPools, pciRequests, near);
  return claim && { details: { ...details, pciPools: claim.left }, cells, devices: claim.taken };
}

/** The details without what a claim took; what the host no longer has is passed over. */
export function returnRoom(details: HostDetails, { cells, devices }: TakenRoom): HostDetails {
  const { numa, pciPools } = details;
  return {
    ...details,
    numa: numa && cells.length > 0 ? giveBack(numa, cells) : numa,
    pciPools: pciPools && devices.length > 0 ? returnDevices(pciPools, devices) : pciPools,
  };
}
