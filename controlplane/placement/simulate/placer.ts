/** Places machines on a fork, one after the other, as claims would: the same search, and what it finds is taken. */
import type { Registry } from '../../fleet/registry.js';
import type { CheckedRequest, GroupOfRequest } from '../../model/request.js';
import { seedOfStep } from '../choose.js';
import { consume } from '../consume.js';
import type { Limits } from '../filters/filter.js';
import { type Rules, select } from '../select.js';

export class Placer {
  readonly #fork: Registry;
  readonly #rules: Rules;
  readonly #seed: number;
  #steps = 0;
  /** Server groups as they have become, by id. */
  readonly #groups = new Map<string, GroupOfRequest>();

  constructor(fork: Registry, rules: Rules, seed: number) {
    this.#fork = fork;
    this.#rules = rules;
    this.#seed = seed;
  }

  /** The name of the host that takes a machine; undefined: none does. Errors: those of filters that fail a request. */
  place(request: CheckedRequest): string | undefined {
    const asked = this.asIsNow(request);
    const seed = seedOfStep(this.#seed, this.#steps++);
    const [best] = select(this.#fork, this.#rules, asked, 1, seed).destinations;
    if (!best) return undefined;
    this.#take(best.row, this.#member(asked));
    return best.hostName;
  }

  /** A request with its server group as it has become. */
  asIsNow(request: CheckedRequest): CheckedRequest {
    const group = request.group && this.#groups.get(request.group.id);
    return group ? { ...request, group } : request;
  }

  /** A machine of a group has a UUID and is a member, so that the next one finds it. */
  #member(request: CheckedRequest): CheckedRequest {
    const { group } = request;
    if (group === null) return request;
    const instanceUuid = request.instanceUuid || `simulated-${this.#steps}`;
    return { ...request, instanceUuid, group: { ...group, members: [...group.members, instanceUuid] } };
  }

  /**
   * Takes what a claim takes: swap too, which Nova's scheduler forgets, and no I/O operation, since what is built is built
   * by the time that matters here.
   */
  #take(row: number, request: CheckedRequest): void {
    const { columns } = this.#fork;
    const { packingHostNumaCellsAllocationStrategy: packs } = this.#rules.settings;
    const ioOps = columns.ioOps.values[row] as number;
    const { group } = consume(columns, row, request, { limits: this.#limitsOf(row, request), packs });
    columns.ioOps.set(row, ioOps);
    columns.diskMb.allocated[row] = (columns.diskMb.allocated[row] as number) + request.flavor.swapMb;
    columns.diskMb.derive(row);
    if (group) this.#groups.set(group.id, group);
  }

  /** What the filters leave on the host, which only the fitting of NUMA cells heeds. */
  #limitsOf(row: number, request: CheckedRequest): Limits | undefined {
    if (request.numa === null) return undefined;
    const { filters, settings } = this.#rules;
    const prepared = filters.map((filter) => filter.prepare(request, this.#fork.columns, settings));
    return prepared.reduce<Limits>((limits, tests) => ({ ...limits, ...tests.limitsOf?.(row) }), {});
  }
}
