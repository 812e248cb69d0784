/** Limits that the kernel keeps as a share or as an amount, whichever was written last; the other reads 0. */
import type { KernelRoot } from '../../../kernel/root.js';

export interface MemoryLimit {
  readonly setting: string;
  readonly ratioFile: string;
  readonly amountFile: string;
  /** Word for the amount in the canonical value: `bytes 268435456`. */
  readonly unit: 'bytes' | 'kbytes';
}

const vm = '/proc/sys/vm';

/** admin-guide/sysctl/vm.rst: each file says that it is the counterpart of another one, and that only one may be set. */
export const memoryLimits: readonly MemoryLimit[] = [
  limit('dirty_limit', 'dirty', 'bytes'),
  limit('dirty_background_limit', 'dirty_background', 'bytes'),
  limit('overcommit_limit', 'overcommit', 'kbytes'),
];

function limit(setting: string, prefix: string, unit: MemoryLimit['unit']): MemoryLimit {
  return { setting, ratioFile: `${vm}/${prefix}_ratio`, amountFile: `${vm}/${prefix}_${unit}`, unit };
}

/** `ratio 20` or `bytes 268435456`, whichever is in force; undefined: this kernel has no such limit. */
export function readLimit(
  kernel: KernelRoot,
  { ratioFile, amountFile, unit }: MemoryLimit,
): string | undefined {
  const [ratio, amount] = [kernel.read(ratioFile), kernel.read(amountFile)];
  if (ratio === undefined) return undefined;
  return amount === undefined || amount === '0' ? `ratio ${ratio}` : `${unit} ${amount}`;
}

/**
 * Writes either half; the kernel sets the other one to 0. A share of 0 where an amount is in force goes by way of 1: the
 * kernel does not see 0 after 0 as a change and would keep the amount (mm/page-writeback.c). Errors: `kernel-write-failed`.
 */
export async function writeLimit(
  kernel: KernelRoot,
  { ratioFile, amountFile, unit }: MemoryLimit,
  value: string,
): Promise<void> {
  const [half, number = ''] = value.split(' ');
  if (half === unit) return kernel.write(amountFile, number);
  if (number === '0' && (kernel.read(amountFile) ?? '0') !== '0') await kernel.write(ratioFile, '1');
  await kernel.write(ratioFile, number);
}
