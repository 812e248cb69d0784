/** Makes a pool of huge pages larger, step by step, and leaves it as it was where the pages cannot be had. */
import { asDroverError, DroverError } from '../../../../proto/wire/errors.js';
import { formatBytes } from '../../../../proto/wire/units.js';
import { readCellRoom } from '../../../kernel/cell-room.js';
import { compactFile, readPool, type PoolPlace } from '../../../kernel/hugepage-pools.js';
import { readHostMemory } from '../../../kernel/ksm.js';
import type { KernelRoot } from '../../../kernel/root.js';
import { poolName } from './hugepage-pools.js';

/** Bytes taken with one write, so that what must stay available is looked at in between. */
const stepBytes = 2 ** 30;

/** The kernel is asked again this often until the deadline. */
const retryMs = 250;

export interface GrowPorts {
  readonly kernel: KernelRoot;
  readonly deadlineMs: number;
  monotonicMs(): number;
  sleep(milliseconds: number): Promise<unknown>;
  /** Bytes of the memory of the host, or of the cell, that a growing pool leaves available. */
  floorBytes(totalBytes: number): number;
}

/**
 * Grows a pool to `target` persistent pages. Memory is compacted once, when the kernel first gives less than was asked.
 * Errors: `kernel-write-failed` with `got 300 of 512 pages of 2048 kB on cell 0`; the pool then has its former size again.
 */
export async function growPool(ports: GrowPorts, place: PoolPlace, target: number): Promise<void> {
  const before = countOf(ports, place);
  const reason = await grow(ports, place, target).catch((thrown: unknown) => asDroverError(thrown).message);
  if (reason === undefined) return;
  const got = countOf(ports, place);
  await ports.kernel.write(`${place.folder}/nr_hugepages`, `${before}`);
  const message = `got ${got} of ${target} ${poolName(place)}: ${reason}; put back to ${before}`;
  throw new DroverError('kernel-write-failed', message, { value: `${target}` });
}

/** Why the pool stayed too small; undefined: it has its pages. */
async function grow(ports: GrowPorts, place: PoolPlace, target: number): Promise<string | undefined> {
  const end = ports.monotonicMs() + ports.deadlineMs;
  let compacted = false;
  for (;;) {
    const shortage = await takeSteps(ports, place, target);
    if (shortage === undefined) return undefined;
    if (compacted && ports.monotonicMs() >= end) return shortage;
    if (!compacted) await ports.kernel.write(compactFile(ports.kernel, place.cell), '1');
    else await ports.sleep(retryMs);
    compacted = true;
  }
}

/** Takes steps while the kernel gives all that is asked. */
async function takeSteps(ports: GrowPorts, place: PoolPlace, target: number): Promise<string | undefined> {
  const step = Math.max(1, Math.floor(stepBytes / (place.sizeKb * 1024)));
  for (let now = countOf(ports, place); now < target; now = countOf(ports, place)) {
    const asked = Math.min(target, now + step);
    const scarce = scarcity(ports, place.cell, (asked - now) * place.sizeKb * 1024);
    if (scarce !== undefined) return scarce;
    await ports.kernel.write(`${place.folder}/nr_hugepages`, `${asked}`);
    if (countOf(ports, place) < asked) return 'the kernel found no more';
  }
  return undefined;
}

/** Why the next step would take too much, of the host or of the cell. A cell that is the whole host is not looked at twice. */
function scarcity(
  { kernel, floorBytes }: GrowPorts,
  cell: number | undefined,
  wantedBytes: number,
): string | undefined {
  const host = readHostMemory(kernel);
  const room = cell === undefined ? undefined : readCellRoom(kernel, cell);
  const isPart = room && room.totalBytes < (host?.totalBytes ?? Infinity);
  const places = [
    ...(host ? [{ ...host, where: '' }] : []),
    ...(isPart ? [{ ...room, where: ` on cell ${cell}` }] : []),
  ];
  for (const { totalBytes, availableBytes, where } of places) {
    const floor = floorBytes(totalBytes);
    if (availableBytes - wantedBytes < floor)
      return `${formatBytes(availableBytes)} are available${where}, and ${formatBytes(Math.round(floor))} must stay so`;
  }
  return undefined;
}

function countOf({ kernel }: GrowPorts, place: PoolPlace): number {
  return readPool(kernel, place)?.persistent ?? 0;
}
