/** What a running agent does about its own memory, once its first pass is over. */
import { HostRoot, type KernelRoot } from '../kernel/root.js';
import { giveBackMemory } from '../systemd/resident-memory.js';

/**
 * Gives back what only the start needed; to be called when the first pass is over. `program`: the file that this process
 * runs, process.execPath. Answers the bytes of it that were mapped before; 0 where the kernel or libc cannot. Never throws.
 */
export function giveBackStartMemory(program: string, kernel: KernelRoot = new HostRoot()): number {
  return giveBackMemory(kernel.read('proc/self/smaps') ?? '', program);
}
