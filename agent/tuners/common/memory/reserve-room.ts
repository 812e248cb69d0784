/** Whether there is room for the reserve of the kernel, min_free_kbytes (admin-guide/sysctl/vm.rst). Pure. */
import { formatBytes } from '../../../../proto/wire/units.js';
import { defaultFloorBytes } from './memory-floor.js';

/** Why a larger reserve, in KiB, would be taken from programs that run: more than is available beyond the floor. Undefined: it is not. */
export function reserveObstacle(
  reserve: number,
  meminfo: ReadonlyMap<string, number>,
  now: string | undefined,
): string | undefined {
  const [total = 0, available] = [meminfo.get('MemTotal'), meminfo.get('MemAvailable')];
  const moreBytes = (reserve - Number(now ?? 0)) * 1024;
  const floor = Math.round(defaultFloorBytes(total));
  if (available === undefined || moreBytes <= 0 || moreBytes <= available - floor) return undefined;
  return `it takes ${formatBytes(moreBytes)} more, ${formatBytes(available)} are available, and ${formatBytes(floor)} must stay so`;
}
