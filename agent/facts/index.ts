/** What the host is: every fact, in the order of `HostFacts`. */
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import type { KernelRoot } from '../kernel/root.js';
import { blockDevices } from './block-devices.js';
import { cgroup } from './cgroup.js';
import { cpu } from './cpu.js';
import type { Fact, HandedIn, Look } from './fact.js';
import { hugepages } from './hugepages.js';
import { ksm } from './ksm.js';
import { memory } from './memory.js';
import { numaCells } from './numa-cells.js';
import { passthrough } from './passthrough.js';
import { transparentHugepages } from './transparent-hugepages.js';
import { versions } from './versions.js';
import { virtualization } from './virtualization.js';

export type { HandedIn } from './fact.js';

export const facts: readonly Fact[] = [
  cpu,
  memory,
  numaCells,
  hugepages,
  blockDevices,
  cgroup,
  versions,
  ksm,
  transparentHugepages,
  virtualization,
  passthrough,
];

/** A broken host could warn for every CPU and cell; the message to the control plane stays small. */
export const warningLimit = 100;

/**
 * Everything that the host is, from files below `root` and what the agent hands in. Never throws for what it finds:
 * what cannot be read is empty and named in `warnings` (at most `warningLimit`, the last one then says how many more).
 * A host with 128 CPUs costs some 1,900 reads: 40 to 80 ms on a small virtual machine (docs/reference/facts.md).
 */
export function gatherFacts(root: KernelRoot, more: HandedIn): HostFacts {
  const warnings: string[] = [];
  const look: Look = { root, more, warn: (message) => void warnings.push(message) };
  const host = emptyFacts(more);
  for (const fact of facts) Object.assign(host, gatherOne(fact, look));
  return { ...host, warnings: limited(warnings) };
}

function gatherOne(fact: Fact, look: Look): Partial<HostFacts> {
  try {
    return fact.gather(look);
  } catch (thrown) {
    look.warn(`${fact.name}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    return {};
  }
}

function limited(warnings: readonly string[]): string[] {
  const distinct = [...new Set(warnings)];
  if (distinct.length <= warningLimit) return distinct;
  return [...distinct.slice(0, warningLimit - 1), `and ${distinct.length - warningLimit + 1} more`];
}

function emptyFacts(more: HandedIn): HostFacts {
  return {
    cpu: null,
    memory: null,
    numaCells: [],
    hugepages: [],
    blockDevices: [],
    cgroup: null,
    versions: { ...more.versions },
    ksm: {},
    transparentHugepages: {},
    services: { ...more.services },
    virtualization: 'none',
    inventory: { ...more.inventory },
    diskTotalBytes: more.diskTotalBytes,
    warnings: [],
    passthrough: null,
  };
}
