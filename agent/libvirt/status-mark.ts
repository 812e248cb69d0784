/** Tells by one stat(2) whether libvirt has changed anything of a running domain. */
import { statSync, type Stats } from 'node:fs';
import { join } from 'node:path';

/** Steps of the time in a file's record: a jiffy is at most 10 ms. Two writes within one could leave the same mark. */
const coarseMs = 20;

/**
 * A mark of `DIRECTORY/NAME.xml`, the record that libvirt's QEMU driver replaces after each change of a running domain
 * (virDomainObjSave): pins, limits, bandwidths, devices, metadata, pausing. Equal marks mean that nothing changed.
 * Undefined where there is none (inactive, other drivers), or where it was written just now and may be so again unseen.
 * Synchronous: it lies on tmpfs beside NAME.pid. `now`: milliseconds of the clock of file times.
 */
export function statusMark(
  directory: string,
  name: string,
  now: () => number = Date.now,
): string | undefined {
  if (name.includes('/')) return undefined; // as in `readDomainPid`
  const found = statOf(join(directory, `${name}.xml`));
  if (!found || Math.abs(now() - found.mtimeMs) < coarseMs) return undefined;
  return `${found.ino} ${found.size} ${found.mtimeMs} ${found.ctimeMs}`;
}

/** A record that may not be looked at (an agent without root) proves as little as none. */
function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
