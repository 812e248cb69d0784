/**
 * The NUMA cells of hosts as their agents report them, and as they are with what allocations take of them. The registry has
 * the latter; whatever changes, they are worked out from the former anew, so nothing adds up wrongly.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { Registry } from '../fleet/registry.js';
import type { HostDetails } from '../model/host-details.js';
import type { HostNuma } from '../model/host-numa.js';
import { consume } from '../placement/numa/cell-usage.js';

export class HostCells {
  readonly #registry: Registry;
  readonly #allocationsOn: (hostId: string) => Iterable<Allocation>;
  readonly #reported = new Map<string, HostNuma | null>();

  /** `allocationsOn`: durable and marked. */
  constructor(registry: Registry, allocationsOn: (hostId: string) => Iterable<Allocation>) {
    this.#registry = registry;
    this.#allocationsOn = allocationsOn;
  }

  /** A host's details as they are with its allocations; `reported`: as its agent told them. */
  detailsWith(hostId: string, reported: HostDetails): HostDetails {
    this.#reported.set(hostId, reported.numa);
    return { ...reported, numa: this.#taken(hostId, reported.numa) };
  }

  /** An allocation with cells came or went. */
  changed(hostId: string): void {
    const row = this.#registry.rowOf(hostId);
    if (row === undefined) return;
    const details = this.#registry.columns.detailsOf(row);
    // What was told without an agent, before the first allocation, is as it was told.
    const known = this.#reported.get(hostId);
    const reported = known === undefined ? details.numa : known;
    this.#reported.set(hostId, reported);
    if (reported !== null)
      this.#registry.setDetails(hostId, { ...details, numa: this.#taken(hostId, reported) });
  }

  forget(hostId: string): void {
    this.#reported.delete(hostId);
  }

  /** Placements that a host can no longer have, because a CPU of theirs is gone, take nothing: their agent will say so. */
  #taken(hostId: string, reported: HostNuma | null): HostNuma | null {
    let numa = reported;
    for (const { cells } of this.#allocationsOn(hostId))
      if (numa !== null && cells.length > 0) numa = consume(numa, cells) ?? numa;
    return numa;
  }
}
