/** Builds libvirt's typed parameters (libvirt/libvirt-common.h, virTypedParameter). */
import { DroverError } from '../../proto/wire/errors.js';
import type { LibvirtLibrary, Pointer } from './library.js';

export type Parameter =
  | { readonly name: string; readonly type: 'unsigned' | 'signed'; readonly value: number }
  | { readonly name: string; readonly type: 'text'; readonly value: string };

/**
 * Gives `use` the parameters as libvirt takes them and frees them when it is done. Errors: `internal` when libvirt refuses
 * one; those of `use`.
 */
export async function withParameters<Result>(
  library: LibvirtLibrary,
  parameters: readonly Parameter[],
  use: (list: Pointer, count: number) => Promise<Result>,
): Promise<Result> {
  const list: [Pointer | null] = [null];
  const count: [number] = [0];
  const capacity: [number] = [0];
  try {
    for (const parameter of parameters) {
      const added = add(library, list, count, capacity, parameter);
      if (added < 0)
        throw new DroverError('internal', `libvirt takes no parameter ${parameter.name}=${parameter.value}`);
    }
    return await use(list[0] as Pointer, count[0]);
  } finally {
    if (list[0] !== null) library.freeParams(list[0], count[0]);
  }
}

function add(
  library: LibvirtLibrary,
  list: [Pointer | null],
  count: [number],
  capacity: [number],
  parameter: Parameter,
): number {
  if (parameter.type === 'text')
    return library.addText(list, count, capacity, parameter.name, parameter.value);
  const write = parameter.type === 'signed' ? library.addSigned : library.addUnsigned;
  return write(list, count, capacity, parameter.name, parameter.value);
}
