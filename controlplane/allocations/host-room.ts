/**
 * NUMA cells and passthrough devices of hosts as their agents report them, and as they are with what allocations take of them.
 * The registry has the latter; whatever changes, they are worked out from the former anew, so nothing adds up wrongly. A
 * device that a domain has is taken too, whoever gave it.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { Registry } from '../fleet/registry.js';
import type { HostDetails } from '../model/host-details.js';
import { devicesWithout } from '../model/host-devices.js';
import { consume } from '../placement/numa/cell-usage.js';
import type { RunningDomain } from './domain-set.js';

type Room = Pick<HostDetails, 'numa' | 'devices' | 'pciPools'>;

const noAddresses: ReadonlySet<string> = new Set();

export class HostRoom {
  readonly #registry: Registry;
  readonly #allocationsOn: (hostId: string) => Iterable<Allocation>;
  readonly #reported = new Map<string, Room>();
  /** Addresses of the devices that the domains of a host have; none: no entry. */
  readonly #inDomains = new Map<string, ReadonlySet<string>>();

  /** `allocationsOn`: durable and marked. */
  constructor(registry: Registry, allocationsOn: (hostId: string) => Iterable<Allocation>) {
    this.#registry = registry;
    this.#allocationsOn = allocationsOn;
  }

  /** A host's details as they are with its allocations; `reported`: as its agent told them. */
  detailsWith(hostId: string, reported: HostDetails): HostDetails {
    const { numa, devices, pciPools } = reported;
    const room = { numa, devices, pciPools };
    this.#reported.set(hostId, room);
    return { ...reported, ...this.#left(hostId, room) };
  }

  /** An allocation with cells or devices came or went. */
  changed(hostId: string): void {
    const row = this.#registry.rowOf(hostId);
    if (row === undefined) return;
    const details = this.#registry.columns.detailsOf(row);
    // What was told without an agent, before the first allocation, is as it was told.
    const { numa, devices, pciPools } = this.#reported.get(hostId) ?? details;
    const reported = { numa, devices, pciPools };
    this.#reported.set(hostId, reported);
    if (numa !== null || devices !== undefined)
      this.#registry.setDetails(hostId, { ...details, ...this.#left(hostId, reported) });
  }

  /** The domains of a host, as its agent now reports them. */
  domains(hostId: string, now: readonly Pick<RunningDomain, 'pciAddresses'>[]): void {
    const addresses = new Set(now.flatMap(({ pciAddresses = [] }) => pciAddresses));
    const before = this.#inDomains.get(hostId) ?? noAddresses;
    if (before.size === addresses.size && [...addresses].every((address) => before.has(address))) return;
    if (addresses.size === 0) this.#inDomains.delete(hostId);
    else this.#inDomains.set(hostId, addresses);
    this.changed(hostId);
  }

  forget(hostId: string): void {
    this.#reported.delete(hostId);
    this.#inDomains.delete(hostId);
  }

  /** Cells that a host can no longer give, because a CPU of theirs is gone, take nothing: its agent will say so. */
  #left(hostId: string, reported: Room): Room {
    let { numa } = reported;
    const taken = new Set(this.#inDomains.get(hostId));
    for (const { cells, devices } of this.#allocationsOn(hostId)) {
      if (numa !== null && cells.length > 0) numa = consume(numa, cells) ?? numa;
      for (const { address } of devices) taken.add(address);
    }
    return { ...reported, ...(reported.devices && devicesWithout(reported.devices, taken)), numa };
  }
}
