/** A host as it would be with nothing on it. Pure. */
import type { HostDetails, PciPool } from '../../model/host-details.js';
import { devicesOf } from '../../model/host-devices.js';
import type { HostCell } from '../../model/host-numa.js';

/**
 * What a host tells of itself, with every NUMA cell and every device free. Where it does not tell its devices one by one, they
 * are those that are free on the host.
 */
export function freshDetails(details: HostDetails, name: string): HostDetails {
  const { numa, pciPools, devices } = details;
  return {
    ...details,
    nodeName: name,
    hostIp: null,
    hypervisorHostname: name,
    numa: numa && { ...numa, cells: numa.cells.map(freshCell) },
    ...(devices ? devicesOf(devices.all) : { pciPools: pciPools?.map((pool): PciPool => ({ ...pool })) }),
  };
}

function freshCell(cell: HostCell): HostCell {
  const pages = cell.pages.map((pool) => ({ ...pool, used: 0 }));
  return { ...cell, memoryUsedMb: 0, vcpusUsed: 0, pinnedCpus: [], pages };
}
