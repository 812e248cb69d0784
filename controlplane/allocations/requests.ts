/**
 * Requests of claims that no agent has confirmed, for when one needs another host. Kept where they name hosts, which their
 * allocation does not say; bounded: the oldest goes, and what its allocation says is all that is known then, as after a restart.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { requestOf } from '../model/allocation.js';
import type { CheckedRequest } from '../model/request.js';

export const mostRequests = 10_000;

export class Requests {
  readonly #byId = new Map<string, CheckedRequest>();
  /** Ids in the order in which they came, over and over. A map's own first key is slow to find once many were deleted. */
  readonly #ring: string[] = [];
  #next = 0;

  get size(): number {
    return this.#byId.size;
  }

  keep(id: string, request: CheckedRequest): void {
    if (isPlain(request)) return;
    this.#byId.delete(this.#ring[this.#next] ?? '');
    this.#ring[this.#next] = id;
    this.#next = (this.#next + 1) % mostRequests;
    this.#byId.set(id, request);
  }

  drop(id: string): void {
    this.#byId.delete(id);
  }

  /** The request of an allocation, whole where it is kept. */
  of(allocation: Allocation): CheckedRequest {
    return this.#byId.get(allocation.id) ?? requestOf(allocation);
  }
}

/** True where `requestOf` the allocation asks for the same. */
function isPlain({ ignoreHosts, forceHosts, forceNodes, destination, retry }: CheckedRequest): boolean {
  return ignoreHosts.length + forceHosts.length + forceNodes.length === 0 && !destination && !retry;
}
