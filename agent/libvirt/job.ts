/** What libvirt does with a domain right now (virDomainGetJobStats). */
import { DroverError } from '../../proto/wire/errors.js';
import type { Lease } from './call-queue.js';
import type { Connection } from './connection.js';
import { errorNumbers } from './library.js';
import type { LibvirtLibrary, Pointer } from './library.js';

/** virDomainJobOperation, as far as it is told apart; `none`: no job. */
const operations = { save: 2, migrationIn: 4, migrationOut: 5 } as const;

export type DomainJob = 'none' | 'other' | keyof typeof operations;

export function migrates(job: DomainJob): boolean {
  return job === 'migrationIn' || job === 'migrationOut';
}

/** The job of a domain; `none` also for one that is not active. Errors: those of `Connection.call`. */
export async function jobOf(
  library: LibvirtLibrary,
  connection: Connection,
  lease: Lease,
  domain: Pointer,
  label: string,
): Promise<DomainJob> {
  const [type, list, count]: [[number], [Pointer | null], [number]] = [[0], [null], [0]];
  try {
    await connection.call(lease, label, () => library.jobStats(domain, type, list, count, 0));
    return jobNamed(type[0], list[0] === null ? undefined : library.intNamed(list[0], count[0], 'operation'));
  } catch (thrown) {
    return jobOfRefusal(thrown);
  } finally {
    if (list[0] !== null) library.freeParams(list[0], count[0]);
  }
}

/** virDomainJobType 0 is none; of every other the operation says what it is. */
export function jobNamed(type: number, operation: number | undefined): DomainJob {
  if (type === 0) return 'none';
  const names = Object.keys(operations) as (keyof typeof operations)[];
  return names.find((name) => operations[name] === operation) ?? 'other';
}

/**
 * What a refusal says: QEMU's driver has no figures on the host that a domain comes to ("operation not supported"), none of a
 * domain that does not run ("operation invalid"), and other drivers know no jobs. Throws every other one.
 */
export function jobOfRefusal(thrown: unknown): DomainJob {
  if (isRefusedBy(thrown, errorNumbers.unsupportedOperation)) return 'migrationIn';
  if (isRefusedBy(thrown, errorNumbers.invalidOperation)) return 'none';
  if (isRefusedBy(thrown, errorNumbers.noSupport)) return 'none';
  throw thrown;
}

/** True for libvirt's own refusal with this virErrorNumber. */
export function isRefusedBy(thrown: unknown, number: number): boolean {
  return thrown instanceof DroverError && thrown.field === 'libvirt' && thrown.value === String(number);
}
