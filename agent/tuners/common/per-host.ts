/** What a tuner remembers between looks, for each host that it looks at. */
import type { KernelRoot } from '../../kernel/root.js';

/** Most hosts in one process: one, but for simulations and tests. The one that was not looked at for longest is forgotten. */
export const maximumHosts = 4_096;

/**
 * One memory for each kernel root, by its directory: passes come with a root of their own each, which stands for the same
 * host. A forgotten host begins anew, as after a start of the agent.
 */
export class PerHost<Memory> {
  readonly #memories = new Map<string, Memory>();
  readonly #make: () => Memory;
  readonly #limit: number;

  constructor(make: () => Memory, limit = maximumHosts) {
    this.#make = make;
    this.#limit = limit;
  }

  get size(): number {
    return this.#memories.size;
  }

  /** The memory of a host, made where there is none. */
  of({ path }: Pick<KernelRoot, 'path'>): Memory {
    const memory = this.#memories.get(path) ?? this.#make();
    this.#memories.delete(path);
    this.#memories.set(path, memory);
    const [oldest] = this.#memories.keys();
    if (this.#memories.size > this.#limit && oldest !== undefined) this.#memories.delete(oldest);
    return memory;
  }
}
