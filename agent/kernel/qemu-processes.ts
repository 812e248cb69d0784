/** QEMU's processes as /proc shows them, whether libvirt knows them or not. */
import { DroverError } from '../../proto/wire/errors.js';
import { commandLine } from './procfs.js';
import type { KernelRoot } from './root.js';

export interface QemuProcess {
  readonly pid: number;
  /** Of `-uuid`; lower case. */
  readonly uuid: string;
  /** Of `-name guest=…`; empty: none. */
  readonly name: string;
}

/** Most processes that one scan looks at; some microseconds each. */
export const maximumScanned = 16_384;

/**
 * Every process with a QEMU command line that names a domain (`-uuid`), ascending by pid. Errors: `resource-exhausted` where
 * there are more processes than `limit`, as then none can be ruled out.
 */
export function qemuProcesses(root: KernelRoot, limit = maximumScanned): QemuProcess[] {
  const pids = root.list('proc').flatMap((entry) => (/^\d+$/.test(entry) ? [Number(entry)] : []));
  if (pids.length > limit)
    throw new DroverError('resource-exhausted', `over ${limit} processes: QEMU was not looked for`);
  return pids.toSorted((a, b) => a - b).flatMap((pid) => qemuProcess(pid, commandLine(root, pid) ?? []));
}

function qemuProcess(pid: number, words: readonly string[]): QemuProcess[] {
  if (!/(^|\/)(qemu-[^/]+|kvm)$/.test(words[0] ?? '')) return [];
  const uuid = words[words.indexOf('-uuid') + 1];
  if (!words.includes('-uuid') || uuid === undefined) return [];
  const name = words.includes('-name') ? (words[words.indexOf('-name') + 1] ?? '') : '';
  return [{ pid, uuid: uuid.toLowerCase(), name: guestName(name) }];
}

/** `guest=NAME,debug-threads=on`, with commas of the name doubled (QEMU's option syntax); older: `NAME`. */
function guestName(option: string): string {
  const parts = option.match(/(?:[^,]|,,)+/g) ?? [];
  const part = parts.find((one) => one.startsWith('guest=')) ?? parts.find((one) => !one.includes('=')) ?? '';
  return part.replace(/^guest=/, '').replaceAll(',,', ',');
}
