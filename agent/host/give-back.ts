/** What a running agent does about its own memory, once a pass is over. */
import { HostRoot, type KernelRoot } from '../kernel/root.js';
import { giveBackMemory, loadLibc } from '../systemd/resident-memory.js';

/** V8 as it is with --expose-gc. */
interface Collector {
  readonly gc?: () => void;
}

/**
 * Garbage of the start is collected at once, and of the pass after it, which reads anew whatever the first one changed; then
 * that of each so many passes. In between V8 judges by itself.
 */
const collectFirst = 2;
const collectEvery = 20;

/**
 * How to give back what a pass needed and nothing needs until the next one; to be called when the first pass is over, and
 * then when each regular one is. `program`: the file that this process runs, process.execPath. It answers the bytes of it
 * that were mapped before; 0 where the kernel or libc cannot. Never throws.
 */
export function memoryGiver(
  program: string,
  kernel: KernelRoot = new HostRoot(),
  { gc }: Collector = globalThis as Collector,
): () => number {
  const libc = loadLibc();
  let passes = 0;
  return () => {
    if (passes < collectFirst || passes % collectEvery === 0) gc?.();
    passes++;
    return giveBackMemory(kernel.read('proc/self/smaps') ?? '', program, libc);
  };
}

/** The same once, for what only the start needed. Answers and never throws as that. */
export function giveBackStartMemory(program: string, kernel?: KernelRoot): number {
  return memoryGiver(program, kernel)();
}
