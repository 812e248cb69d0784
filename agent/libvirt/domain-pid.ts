/** Finds a running domain's QEMU process. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The process id in `DIRECTORY/NAME.pid`, the file that libvirt's QEMU driver keeps while a domain runs (normally under
 * /run/libvirt/qemu). Undefined where there is none. Synchronous: a read from tmpfs must not wait for the thread pool.
 */
export function readDomainPid(directory: string, name: string): number | undefined {
  if (name.includes('/')) return undefined; // libvirt refuses such names; a file name must not leave the directory
  try {
    const pid = Number(readFileSync(join(directory, `${name}.pid`), 'utf8').trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    return undefined;
  }
}
