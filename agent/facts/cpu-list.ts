/** CPU and cell lists of sysfs, which may be absent, end in a NUL, or hold a word such as `(null)`. */
import { parseCpuMask, parseCpuSet } from '../../proto/wire/cpu-set.js';
import type { Look } from './fact.js';

/** Numbers of a file in list syntax; undefined where it is absent or (with a warning) not a list. */
export function readList(look: Look, file: string): number[] | undefined {
  const text = look.root.read(file)?.trim();
  if (text === undefined) return undefined;
  try {
    return parseCpuSet(text, file);
  } catch {
    look.warn(`${file}: "${text.slice(0, 60)}" is not a list`);
    return undefined;
  }
}

/** A set that the kernel gives as a list or, on older kernels, as a hexadecimal mask only; undefined where both lack. */
export function readListOrMask(look: Look, listFile: string, maskFile: string): number[] | undefined {
  const list = readList(look, listFile);
  if (list !== undefined) return list;
  const mask = look.root.read(maskFile);
  return mask === undefined || mask === '' ? undefined : parseCpuMask(mask);
}
