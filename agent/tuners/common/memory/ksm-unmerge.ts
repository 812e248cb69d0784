/** Giving every merged page its own copy again: whether there is room for that, and when it is done. */
import { setTimeout as sleep } from 'node:timers/promises';
import { DroverError } from '../../../../proto/wire/errors.js';
import { formatBytes } from '../../../../proto/wire/units.js';
import { readKsmCounts, type KsmCounts } from '../../../kernel/ksm.js';
import type { KernelRoot } from '../../../kernel/root.js';

/**
 * Free memory that must be there for each byte that unmerging takes. Unmerging allocates a page for every sharing one
 * while guests go on running; the fifth on top is for what they allocate meanwhile.
 */
const unmergeMargin = 1.2;

/** How long merged pages may take to be gone after the kernel said that it unmerged them. */
const unmergeDeadlineMs = 10_000;

/** Why unmerging is not safe now; undefined: nothing is in the way. */
export function unmergeObstacle(
  { sharing, zeroPages, pageBytes }: KsmCounts,
  availableBytes = 0,
): string | undefined {
  const needed = unmergeMargin * (sharing + zeroPages) * pageBytes;
  if (availableBytes > needed || needed === 0) return undefined;
  return `unmerging may take ${formatBytes(Math.ceil(needed))}, and ${formatBytes(availableBytes)} are available`;
}

/** Waits until no page is merged any more. Errors: `kernel-write-failed` where some still are after ten seconds. */
export async function untilUnmerged(kernel: KernelRoot): Promise<void> {
  const end = performance.now() + unmergeDeadlineMs;
  for (;;) {
    const { shared } = readKsmCounts(kernel);
    if (shared === 0) return;
    if (performance.now() > end)
      throw new DroverError('kernel-write-failed', `${shared} pages are still merged after 10 s`);
    await sleep(50);
  }
}
