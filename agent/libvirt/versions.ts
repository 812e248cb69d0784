/** Versions of libvirt and of the hypervisor behind it. */
import type { Lease } from './call-queue.js';
import type { Connection } from './connection.js';
import type { LibvirtLibrary } from './library.js';

/**
 * `{ libvirt: '9.0.0', qemu: '7.2.22' }`: libvirtd's own version (virConnectGetLibVersion) and that of the hypervisor under
 * its driver's name (virConnectGetType, virConnectGetVersion). Errors: those of `Connection.call`.
 */
export async function readVersions(
  library: LibvirtLibrary,
  connection: Connection,
  lease: Lease,
): Promise<Record<string, string>> {
  const daemon: [number] = [0];
  const hypervisor: [number] = [0];
  await connection.call(lease, 'read the version of libvirt', (handle) =>
    library.libraryVersion(handle, daemon),
  );
  await connection.call(lease, 'read the version of the hypervisor', (handle) =>
    library.hypervisorVersion(handle, hypervisor),
  );
  const type = await connection.call(lease, 'read the type of the hypervisor', (handle) =>
    library.hypervisorType(handle),
  );
  return { libvirt: formatVersion(daemon[0]), [type.toLowerCase()]: formatVersion(hypervisor[0]) };
}

/** libvirt's packed versions: 1,000,000 × major + 1,000 × minor + release. */
export function formatVersion(packed: number): string {
  return `${Math.floor(packed / 1_000_000)}.${Math.floor(packed / 1_000) % 1_000}.${packed % 1_000}`;
}
