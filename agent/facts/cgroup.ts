/** Which control group hierarchies the host has. */
import { readCgroupLayout } from '../kernel/cgroup.js';
import { readMounts } from '../kernel/mounts.js';
import type { Fact } from './fact.js';

/** `cgroup`: from the mount table; null where there is none to read. */
export const cgroup: Fact = {
  name: 'cgroup',
  gather(look) {
    if (readMounts(look.root) !== undefined) return { cgroup: readCgroupLayout(look.root) };
    look.warn('proc/self/mounts: absent, so the cgroup layout is unknown');
    return {};
  },
};
