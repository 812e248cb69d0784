/** Who is in which server group, durable and on its way: what a claim of the group is judged by in the turn it is made. */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';

/** Members of a group, and the hosts that they are on. */
export interface GroupMembers {
  /** UUIDs of virtual machines; ids of allocations that name none. */
  readonly members: readonly string[];
  /** Names. */
  readonly hosts: readonly string[];
}

/** What stands for an allocation among the servers of a host: its virtual machine, or itself where it names none. */
export function memberOf({ instanceUuid, id }: Pick<Allocation, 'instanceUuid' | 'id'>): string {
  return instanceUuid || id;
}

const nobody: GroupMembers = { members: [], hosts: [] };

export class GroupBook {
  /** Group to its allocations; while one moves, to both of its places. */
  readonly #groups = new Map<string, Set<Allocation>>();

  add(allocation: Allocation): void {
    const { serverGroupId } = allocation;
    if (serverGroupId === '') return;
    const group = this.#groups.get(serverGroupId) ?? new Set();
    group.add(allocation);
    this.#groups.set(serverGroupId, group);
  }

  remove(allocation: Allocation): void {
    const group = this.#groups.get(allocation.serverGroupId);
    group?.delete(allocation);
    if (group?.size === 0) this.#groups.delete(allocation.serverGroupId);
  }

  /** The members of a group without the allocation `exceptId`, which is looking for another place. */
  of(groupId: string, exceptId?: string): GroupMembers {
    const group = this.#groups.get(groupId);
    if (!group) return nobody;
    const [members, hosts] = [new Set<string>(), new Set<string>()];
    for (const allocation of group) {
      if (allocation.id === exceptId) continue;
      members.add(memberOf(allocation));
      hosts.add(allocation.hostName);
    }
    return { members: [...members], hosts: [...hosts] };
  }
}
