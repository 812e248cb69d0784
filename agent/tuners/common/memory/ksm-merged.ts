/** Files of KSM that cannot change while pages are merged. */
import { DroverError } from '../../../../proto/wire/errors.js';
import { ksmFolder, readKsmCounts } from '../../../kernel/ksm.js';
import type { KernelRoot } from '../../../kernel/root.js';
import type { Knob } from '../../tuner.js';
import { unmergeObstacle } from './ksm-unmerge.js';
import { unmergeRoomBytes } from './unmerge-room.js';

/** Why a file cannot change while so many pages are merged: the kernel answers EBUSY then (ksm.rst). Undefined: it can. */
export function mergedObstacle(file: string, shared: number): string | undefined {
  const isFixed = file === 'merge_across_nodes' || file === 'max_page_sharing';
  if (!isFixed || shared === 0) return undefined;
  return `${shared} pages are merged; it can change only with none (needs run: unmerge first)`;
}

/**
 * Writes a file of KSM. Undo comes here too, with pages that were merged meanwhile: unmerging is for a person to decide, who
 * is told whether there is room. Errors: `failed-precondition` with that, `kernel-write-failed`.
 */
export async function writeUnmerged(
  kernel: KernelRoot,
  { setting, source }: Knob,
  value: string,
): Promise<void> {
  const counts = readKsmCounts(kernel);
  const merged = kernel.read(source) === value ? undefined : mergedObstacle(setting, counts.shared);
  if (merged === undefined) return kernel.write(source, value);
  const narrow = unmergeObstacle(counts, unmergeRoomBytes(kernel));
  // In the message as well: outcomes of knobs show that alone.
  const cure =
    narrow === undefined
      ? `apply a profile with run: unmerge (or echo 2 > ${ksmFolder}/run): there is room for it; then try again`
      : `make room first: ${narrow}`;
  throw new DroverError('failed-precondition', `${merged}; ${cure}`, { field: source, value, cure });
}
