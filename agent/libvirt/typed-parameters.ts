/** Builds libvirt's typed parameters (libvirt/libvirt-common.h, virTypedParameter). */
import { DroverError } from '../../proto/wire/errors.js';
import type { LibvirtLibrary, Pointer } from './library.js';

export type Parameter =
  | {
      readonly name: string;
      readonly type: 'unsigned' | 'unsigned32' | 'signed' | 'signed32';
      readonly value: number;
    }
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
  const {
    addSigned: signed,
    addSigned32: signed32,
    addUnsigned: unsigned,
    addUnsigned32: unsigned32,
  } = library;
  const write = { signed, signed32, unsigned, unsigned32 }[parameter.type];
  return write(list, count, capacity, parameter.name, parameter.value);
}

/** Bytes of one virTypedParameter: a name of 80, its type, 4 unused, and 8 of value. */
export const parameterBytes = 96;

const layout = { nameBytes: 80, value: 88 } as const;

/**
 * Parameters that libvirt wrote into an array of ours, all of type virTYPED_PARAM_UINT (those of interfaces are). The
 * value is in the machine's byte order, which is little-endian on every host that runs KVM with Node.
 */
export function readUnsigned32(array: Buffer, count: number): Map<string, number> {
  const pairs = Array.from({ length: count }, (_, index): [string, number] => {
    const start = index * parameterBytes;
    const name = array.toString('latin1', start, start + layout.nameBytes);
    return [name.slice(0, name.indexOf('\0')), array.readUInt32LE(start + layout.value)];
  });
  return new Map(pairs);
}
