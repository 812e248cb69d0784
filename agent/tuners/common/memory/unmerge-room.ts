/** How much memory unmerging may take: that of the host, and of the group of all domains, which the new pages are charged to. */
import type { CgroupFacts } from '../../../../proto/gen/drover/v1/CgroupFacts.js';
import { readCgroupLayout } from '../../../kernel/cgroup.js';
import { readHostMemory } from '../../../kernel/ksm.js';
import { groupMemory, machineGroup } from '../../../kernel/machine-group.js';
import type { KernelRoot } from '../../../kernel/root.js';

/** Bytes: the lesser of MemAvailable and what the machine group has left up to its limit; undefined: not known. */
export function unmergeRoomBytes(
  kernel: KernelRoot,
  layout: CgroupFacts = readCgroupLayout(kernel),
): number | undefined {
  const availableBytes = readHostMemory(kernel)?.availableBytes;
  const group = machineGroup(kernel, layout, 'memory');
  const memory = group && groupMemory(kernel, group);
  if (availableBytes === undefined || !memory) return availableBytes;
  const limitBytes = memory.limit === 'max' ? Infinity : Number(memory.limit);
  return Math.min(availableBytes, Math.max(0, limitBytes - memory.usedBytes));
}
