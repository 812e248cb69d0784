/** What the agent has seen of allocations and domains since it started, and since when each suspect is one. */
import type { DomainView } from '../../libvirt/hypervisor.js';
import type { Suspect } from './compare.js';

/** Most domains and suspects that are remembered; the oldest go first. */
export const memoryLimits = { domains: 8192, suspects: 1024 } as const;

/** Since when something is suspect, and how often it was found. */
export interface Sighting {
  readonly firstMs: number;
  readonly passes: number;
}

export class CoveredDomains {
  readonly #limit: number;
  readonly #uuids = new Set<string>();

  constructor(limit: number = memoryLimits.domains) {
    this.#limit = limit;
  }

  has(uuid: string): boolean {
    return this.#uuids.has(uuid);
  }

  /** Notes domains that an allocation covers now. */
  note(covered: readonly Pick<DomainView, 'uuid'>[]): void {
    for (const { uuid } of covered) {
      this.#uuids.delete(uuid);
      this.#uuids.add(uuid);
    }
    for (const uuid of this.#uuids) {
      if (this.#uuids.size <= this.#limit) return;
      this.#uuids.delete(uuid);
    }
  }
}

export class Sightings {
  #known = new Map<string, Sighting>();

  /** Notes what was found in this pass; what was not found is forgotten, so that a suspect is one without a gap. */
  note(suspects: readonly Suspect[], nowMs: number): void {
    this.#known = new Map(
      suspects.slice(0, memoryLimits.suspects).map(({ key }) => {
        const before = this.#known.get(key);
        return [key, { firstMs: before?.firstMs ?? nowMs, passes: (before?.passes ?? 0) + 1 }];
      }),
    );
  }

  /** Counts a suspect's age from now on: what it was before says nothing any more. */
  young(key: string, nowMs: number): void {
    const known = this.#known.get(key);
    if (known) this.#known.set(key, { ...known, firstMs: nowMs });
  }

  of(key: string): Sighting | undefined {
    return this.#known.get(key);
  }
}
