import type { PciPool } from '../../model/host-details.js';
import { isEven, KeptColumns } from './raw-values.js';
import type { Weigher } from './weigher.js';

/** Nova's `MAX_DEVS`: more free devices than this, less one, make no difference. */
const mostDevices = 100;

const kept = new KeptColumns();

/**
 * Fewest free passthrough devices first, whether the request asks for some or not: hosts with devices are kept for those
 * who need them, and hosts with many for those who need many. 100 - free devices, 1 at least. Nova `weights/pci.py`.
 */
export const pciWeigher: Weigher = {
  name: 'PCIWeigher',
  multiplierKey: 'pci_weight_multiplier',
  multiplier: 1,
  prepare: (_request, columns) => {
    const column = kept.of(columns, undefined, (row) => rawOf(columns.detailsOf(row).pciPools));
    return isEven(column, undefined) ? undefined : { column, floor: undefined };
  },
};

function rawOf(pools: readonly PciPool[] = []): number {
  const free = pools.reduce((sum, { count }) => sum + count, 0);
  return mostDevices - Math.min(free, mostDevices - 1);
}
