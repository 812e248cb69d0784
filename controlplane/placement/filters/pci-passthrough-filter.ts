import type { Columns } from '../../fleet/registry-resources.js';
import type { PciPool } from '../../model/host-details.js';
import type { PciRequest } from '../../model/pci-request.js';
import { supportsDevices } from '../pci/claim-devices.js';
import { DeviceBudget } from '../pci/device-budget.js';
import { keptText } from '../requirements/host-attributes.js';
import { Verdicts } from '../requirements/verdicts.js';
import { asksNothing, type Filter } from './filter.js';

/** The host has the passthrough devices that a request asks for, near or far. Nova `pci_passthrough_filter.py`. */
export const pciPassthroughFilter: Filter = {
  name: 'PciPassthroughFilter',
  reasons: ['devices-unknown', 'devices-short'],
  prepare({ pciRequests }, columns) {
    if (pciRequests.length === 0) return asksNothing;
    const poolsOf = (row: number) => columns.detailsOf(row).pciPools;
    const wanted = pciRequests.map(requestInWords).join('; ');
    const passes = asker(pciRequests, columns);
    return {
      passes: (row) => passes(poolsOf(row)),
      reasonOf: (row) => (poolsOf(row) === undefined ? 0 : 1),
      wordsOf: (row) => ({ observed: poolsInWords(poolsOf(row)), wanted }),
    };
  },
};

/** Asks pools, those that read the same once: a fleet has few kinds of them. */
function asker(requests: readonly PciRequest[], columns: Columns) {
  const budget = new DeviceBudget(requests);
  const verdicts = new Verdicts<string, boolean>((text) => {
    const pools = JSON.parse(text) as PciPool[];
    budget.spend(pools);
    return supportsDevices(pools, requests, null);
  });
  return (pools: readonly PciPool[] | undefined): boolean =>
    pools !== undefined && verdicts.of(keptText(pools, columns, JSON.stringify));
}

const shownPools = 8;

function poolsInWords(pools: readonly PciPool[] | undefined): string {
  if (pools === undefined) return 'no passthrough devices reported';
  if (pools.length === 0) return 'no free passthrough devices';
  const shown = pools.slice(0, shownPools).map(({ count, vendorId, productId, deviceType, tags }) => {
    const more = Object.entries(tags).map(([key, value]) => ` ${key}=${value}`);
    return `${count} free of ${vendorId}:${productId} ${deviceType}${more.join('')}`;
  });
  const more = pools.length - shown.length;
  return more > 0 ? `${shown.join('; ')}; and ${more} kinds more` : shown.join('; ');
}

function requestInWords({ count, specs }: PciRequest): string {
  const kinds = specs.map((spec) =>
    Object.entries(spec)
      .map(([key, value]) => `${key}=${value}`)
      .join(' '),
  );
  return `${count} ${count === 1 ? 'device' : 'devices'} of ${kinds.join(' or ') || 'any kind'}`;
}
