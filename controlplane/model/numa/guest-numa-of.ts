/** The NUMA topology of a virtual machine from its flavor and image. Nova `hardware.numa_get_constraints`. Pure. */
import { invalid } from '../../../proto/wire/errors.js';
import type { GuestNuma } from '../guest-numa.js';
import type { Flavor, Image } from '../flavor.js';
import { dedicatedVcpus } from './dedicated-vcpus.js';
import { cellCountOf, type CellShape, cellShapes } from './guest-cells.js';
import { checkLockedMemory, pageSizeOf } from './guest-memory.js';
import { guestPolicies, type GuestPolicies, specField } from './guest-policies.js';
import { readNumaImage, threadPolicies } from './numa-image.js';

/**
 * The cells asked for; null where nothing asks for any. Cells, a page size, persistent memory, and a dedicated or mixed CPU
 * policy do. Errors: `invalid-argument` with the field where Nova's API answers 400.
 */
export function guestNumaOf(flavor: Flavor, image: Image | null): GuestNuma | null {
  const { extraSpecs: specs, vcpus } = flavor;
  const properties = readNumaImage(image);
  const policies = guestPolicies(specs, vcpus, properties);
  const dedicated = dedicatedVcpus(specs, vcpus, properties, policies.cpuPolicy);
  const count = cellCountOf(specs, properties);
  const pageSize = pageSizeOf(specs, properties);
  checkLockedMemory(specs, properties);
  const isPinned = policies.cpuPolicy === 'dedicated' || policies.cpuPolicy === 'mixed';
  if (count === 0 && !pageSize && !hasPersistentMemory(specs) && !isPinned) return null;
  const shapes = cellShapes(count || 1, flavor, specs, properties);
  return topology(shapes, new Set(dedicated), pageSize === null ? null : Math.trunc(pageSize), policies);
}

function topology(
  shapes: readonly CellShape[],
  dedicated: ReadonlySet<number>,
  pageSize: number | null,
  { cpuPolicy, threadPolicy, emulatorThreadsPolicy }: GuestPolicies,
): GuestNuma {
  if (threadPolicy === '')
    throw invalid(specField('hw:cpu_thread_policy'), threadPolicy, threadPolicies.join(', '));
  const cells = shapes.map(({ vcpus, memoryMb }, id) => ({
    id,
    sharedVcpus: vcpus.filter((vcpu) => !dedicated.has(vcpu)),
    dedicatedVcpus: vcpus.filter((vcpu) => dedicated.has(vcpu)),
    memoryMb,
    pageSize,
    cpuPolicy,
    threadPolicy,
  }));
  return { cells, emulatorThreadsPolicy };
}

/** `hw:pmem`: labels between commas. */
function hasPersistentMemory(specs: Readonly<Record<string, string>>): boolean {
  return (specs['hw:pmem'] ?? '').split(',').some((label) => label.trim() !== '');
}
