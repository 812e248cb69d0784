/** What a claim gets on the host that was chosen: its NUMA cells there, and the very devices. Pure. */
import type { GuestCellPlacement } from '../../proto/gen/drover/v1/GuestCellPlacement.js';
import type { PciDevice } from '../../proto/gen/drover/v1/PciDevice.js';
import type { Columns } from '../fleet/registry-resources.js';
import type { HostDetails } from '../model/host-details.js';
import { pickDevices } from '../model/host-devices.js';
import type { CheckedRequest } from '../model/request.js';
import type { SchedulerSettings } from '../model/scheduler-settings.js';
import { placementsOf } from '../placement/numa/cell-usage.js';
import { fitLimits } from '../placement/numa/fit-ask.js';
import { placeGuest } from '../placement/numa/place-guest.js';
import { claimDevices } from '../placement/pci/claim-devices.js';

export interface ChosenRoom {
  readonly cells: readonly GuestCellPlacement[];
  readonly devices: readonly PciDevice[];
}

/** Nothing asked for. */
export const noRoom: ChosenRoom = { cells: [], devices: [] };

/**
 * Cells and devices of a request on a host, none of what it does not ask for. Undefined: they do not fit after all. Nova's
 * filters let pass what its accounting then refuses, and where the host was named none of them is asked.
 */
export function roomOn(
  columns: Columns,
  row: number,
  request: CheckedRequest,
  settings: SchedulerSettings,
): ChosenRoom | undefined {
  if (request.numa === null && request.pciRequests.length === 0) return noRoom;
  const cells = cellsOn(columns, row, request, settings);
  const devices = cells && devicesOn(columns.detailsOf(row), request, cells);
  return devices && { cells, devices };
}

/** None where the request asks for none, or the host tells none. */
function cellsOn(
  columns: Columns,
  row: number,
  { numa: guest, network, pciRequests }: CheckedRequest,
  settings: SchedulerSettings,
): readonly GuestCellPlacement[] | undefined {
  const { numa: host, pciPools } = columns.detailsOf(row);
  if (guest === null || host === null) return [];
  const isLimited = settings.enabledFilters.includes('NUMATopologyFilter');
  const cpuAllocationRatio = columns.vcpus.ratio[row] as number;
  const ramAllocationRatio = columns.memoryMb.ratio[row] as number;
  const fitted = placeGuest(host, {
    ...{ guest, network, pciRequests, pciPools },
    limits: isLimited ? { cpuAllocationRatio, ramAllocationRatio } : null,
    packs: settings.packingHostNumaCellsAllocationStrategy,
    budget: { choices: fitLimits.choicesPerHost },
  });
  return fitted && placementsOf(host, fitted);
}

/** Near the cells, where there are any. A host that does not tell its devices one by one has none to give. */
function devicesOn(
  { devices, pciPools, numa }: HostDetails,
  { pciRequests }: CheckedRequest,
  cells: readonly GuestCellPlacement[],
): readonly PciDevice[] | undefined {
  if (pciRequests.length === 0) return [];
  if (!devices || !pciPools) return undefined;
  const near = cells.length > 0 && numa ? { cells: cells.map(({ hostCell }) => hostCell), host: numa } : null;
  const claim = claimDevices(pciPools, pciRequests, near);
  return claim && pickDevices(devices.free, claim.taken);
}
