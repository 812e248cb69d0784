/**
 * Picks the host of a claim, in the turn in which it is marked there. The server group of a request is looked at here, as
 * durable and marked allocations make it, so no two claims of one group can both believe that a host is free.
 */
import { DroverError } from '../../proto/wire/errors.js';
import { blockRows, writeBit } from '../fleet/registry-columns.js';
import type { Registry } from '../fleet/registry.js';
import type { Choice } from '../model/allocation.js';
import type { CheckedRequest } from '../model/request.js';
import type { ServerGroup } from '../model/server-group.js';
import type { Filter } from '../placement/filters/filter.js';
import { noValidHost } from '../placement/no-valid-host.js';
import { RepeatedSearches } from '../placement/repeated.js';
import type { Rules } from '../placement/select.js';
import { roomOn } from './chosen-room.js';
import type { GroupMembers } from './group-book.js';

export interface ChooserParts {
  readonly registry: Registry;
  rules(): Rules;
  /** The rules of a server group; undefined: it is gone. Absent: as the request has them. */
  groupOf?(id: string): ServerGroup | undefined;
  membersOf(groupId: string, exceptId?: string): GroupMembers;
}

export interface Wish {
  readonly request: CheckedRequest;
  readonly seed: number;
  /** The allocation that is looking for another host: it is not counted among its group. */
  readonly allocationId?: string;
  /** Rows that it may take, or may not. */
  readonly only?: number;
  readonly except?: number;
}

export class Chooser {
  readonly #parts: ChooserParts;
  readonly #searches: RepeatedSearches;

  constructor(parts: ChooserParts) {
    this.#parts = parts;
    this.#searches = new RepeatedSearches(parts.registry);
  }

  get maxAttempts(): number {
    return this.#parts.rules().settings.maxAttempts;
  }

  /** The best host, and the next best for when its agent rejects the claim; undefined: no valid host. */
  find(wish: Wish): Choice | undefined {
    const { registry } = this.#parts;
    const rules = this.#rules(wish);
    const request = this.#current(wish);
    const count = wish.only === undefined ? Math.max(1, this.maxAttempts) : 1;
    const { revision } = registry;
    const rows = this.#searches.find(rules, request, count, wish.seed);
    for (let place = 0; place < rows.length; place++) {
      const row = rows[place] as number;
      const room = roomOn(registry.columns, row, request, rules.settings);
      if (!room) continue;
      const { id: hostId, name: hostName } = registry.recordAt(row);
      const alternates: string[] = [];
      for (let next = place + 1; next < rows.length; next++)
        alternates.push(registry.recordAt(rows[next] as number).name);
      return { row, hostId, hostName, alternates, revision, seed: wish.seed, ...room };
    }
    return undefined;
  }

  /** Why there is none. */
  why(wish: Wish): DroverError {
    return noValidHost(this.#parts.registry, this.#rules(wish), this.#current(wish));
  }

  #current({ request, allocationId }: Wish): CheckedRequest {
    const { groupOf, membersOf } = this.#parts;
    if (request.group === null) return request;
    const { id } = request.group;
    const rules = groupOf ? groupOf(id) : request.group;
    if (!rules)
      throw new DroverError('not-found', `no server group ${id}`, { field: 'server_group', value: id });
    const { policy, maxServerPerHost } = rules;
    return { ...request, group: { id, policy, maxServerPerHost, ...membersOf(id, allocationId) } };
  }

  #rules({ only, except }: Wish): Rules {
    const rules = this.#parts.rules();
    if (only === undefined && except === undefined) return rules;
    return { ...rules, filters: [rowFilter(only, except), ...rules.filters] };
  }
}

/** Leaves one row, or every row but one. */
function rowFilter(only: number | undefined, except: number | undefined): Filter {
  const isOnly = only !== undefined;
  return {
    name: 'MoveFilter',
    reasons: ['not-wanted'],
    prepare: (_request, { rows }) => {
      const bits = new Int32Array(rows / blockRows);
      writeBit(bits, only ?? except ?? 0, true);
      return {
        ...(isOnly ? { within: [bits] } : { without: [bits] }),
        reasonOf: () => 0,
        wordsOf: () =>
          isOnly
            ? { observed: 'another host', wanted: 'the host that was named' }
            : { observed: 'the host that it is on', wanted: 'another host' },
      };
    },
  };
}
