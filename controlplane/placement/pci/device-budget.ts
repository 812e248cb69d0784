/**
 * How much of passthrough devices one request may look at: kinds that it names times pools of devices, host by host. A fleet
 * of a few kinds of host needs little of it, since hosts that report the same are asked once.
 */
import { DroverError } from '../../../proto/wire/errors.js';
import type { PciPool } from '../../model/host-details.js';
import type { PciRequest } from '../../model/pci-request.js';

/** Looks of one request, each some 50 to 150 ns: below 0.1 s, since nobody else is answered meanwhile. */
export const mostDeviceLooks = 500_000;

/** Looks that one host takes: each kind of each request at each pool. */
export function deviceWork(requests: readonly PciRequest[], pools: readonly PciPool[] | undefined): number {
  let kinds = 0;
  for (const { specs } of requests) kinds += 1 + specs.length;
  return kinds * (1 + (pools?.length ?? 0));
}

/** The looks that are left to a request. */
export class DeviceBudget {
  readonly #requests: readonly PciRequest[];
  #left = mostDeviceLooks;

  constructor(requests: readonly PciRequest[]) {
    this.#requests = requests;
  }

  /** Pays for one host. Errors: `resource-exhausted` once the budget is used up. */
  spend(pools: readonly PciPool[] | undefined): void {
    this.#left -= deviceWork(this.#requests, pools);
    if (this.#left >= 0) return;
    throw new DroverError(
      'resource-exhausted',
      `request.pci_requests: comparing these devices with those of every host takes more than ${mostDeviceLooks} looks; ask for fewer kinds of device, or for a zone`,
      { field: 'request.pci_requests', cure: 'fewer kinds of device' },
    );
  }
}
