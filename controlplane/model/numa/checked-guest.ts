/** What flavor and image together ask for, checked as Nova's API checks it before anything is placed. Pure. */
import { DroverError, invalid } from '../../../proto/wire/errors.js';
import type { Flavor, Image } from '../flavor.js';
import type { GuestNuma } from '../guest-numa.js';
import { checkGuestHardware, pciPolicyOf } from './guest-hardware.js';
import { guestNumaOf } from './guest-numa-of.js';
import { specField } from './guest-policies.js';

export interface CheckedGuest {
  /** null: no cells asked for. */
  readonly numa: GuestNuma | null;
  /** What requests for devices without a policy of their own take; undefined: Nova's legacy. */
  readonly pciPolicy: string | undefined;
}

/**
 * The cells of a virtual machine and the affinity of its devices. Errors: `invalid-argument` naming
 * `field.extra_specs.hw:…` or `field.image.properties.hw_…` where Nova's API answers 400, and for cells without memory, which
 * Nova lets pass where the others have more.
 */
export function checkGuest(flavor: Flavor, image: Image | null, field: string): CheckedGuest {
  try {
    checkGuestHardware(flavor, image);
    const numa = guestNumaOf(flavor, image);
    const empty = numa?.cells.find(({ memoryMb }) => memoryMb <= 0);
    if (empty) throw invalid(specField(`hw:numa_mem.${empty.id}`), empty.memoryMb, 'MiB from 1');
    return { numa, pciPolicy: pciPolicyOf(flavor.extraSpecs, image) };
  } catch (thrown) {
    throw thrown instanceof DroverError ? under(field, thrown) : thrown;
  }
}

/** The same error of a field further down. */
function under(field: string, { code, message, field: part, value, cure }: DroverError): DroverError {
  const detail = {
    ...(part !== undefined && { field: `${field}.${part}` }),
    ...(value !== undefined && { value }),
    ...(cure !== undefined && { cure }),
  };
  return new DroverError(code, `${field}.${message}`, detail);
}
