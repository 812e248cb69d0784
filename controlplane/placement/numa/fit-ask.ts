/** What is asked of one host when a guest is fitted to its cells, and how much work that may take. */
import type { GuestNuma } from '../../model/guest-numa.js';
import type { PciPool } from '../../model/host-details.js';
import type { HostCell, HostNuma, NetworkMetadata } from '../../model/host-numa.js';
import type { PciRequest } from '../../model/pci-request.js';
import { supportsDevices } from '../pci/claim-devices.js';
import { deviceWork } from '../pci/device-budget.js';
import type { CellLimits } from './fit-cell.js';
import { supportsNetworks } from './network-affinity.js';

/**
 * Choices of cells that are looked at. Nova looks at all of them, however long it takes: 16 guest cells on 16 host cells are
 * 2 x 10^13. Here a host that does not fit within its share does not fit.
 */
export const fitLimits = {
  /** All orders of 8 cells. */
  choicesPerHost: 40_320,
  /** About half a second of one CPU, for all hosts that a request asks. */
  choicesPerRequest: 400_000,
} as const;

/** Looks at devices that take as long as one choice of cells. */
const workOfChoice = 32;

/** Choices that are left to a request. */
export interface FitBudget {
  choices: number;
}

export interface FitAsk {
  readonly guest: GuestNuma;
  /** null: no limits, as when Nova's NUMATopologyFilter did not run. Networks count only with limits, as in Nova. */
  readonly limits: CellLimits | null;
  /** Fill one cell before the next. */
  readonly packs: boolean;
  readonly network: NetworkMetadata | null;
  readonly pciRequests: readonly PciRequest[];
  /** The host's; undefined: it reports none, and devices are then not looked at here. */
  readonly pciPools: readonly PciPool[] | undefined;
  readonly budget: FitBudget;
}

/** Whether devices or networks bind the guest to some of the host's cells. */
export function isBound({ limits, network, pciRequests, pciPools }: FitAsk): boolean {
  return (pciRequests.length > 0 && pciPools !== undefined) || (limits !== null && network !== null);
}

/** Whether devices and networks are near the chosen cells. */
export function isNear(host: HostNuma, chosen: readonly HostCell[], ask: FitAsk): boolean {
  const { limits, network, pciRequests, pciPools } = ask;
  const nearness = { cells: chosen.map(({ id }) => id), host };
  ask.budget.choices -= Math.floor(deviceWork(pciRequests, pciPools) / workOfChoice);
  if (pciRequests.length > 0 && pciPools && !supportsDevices(pciPools, pciRequests, nearness)) return false;
  return limits === null || network === null || supportsNetworks(host.cells, chosen, network);
}
