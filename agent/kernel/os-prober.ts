/**
 * Whether update-grub would run os-prober, which mounts the block devices of the host to look for other systems: also
 * volumes that running guests have open (GRUB manual, GRUB_DISABLE_OS_PROBER).
 */
import type { KernelRoot } from './root.js';

const programs = ['/usr/bin/os-prober', '/usr/sbin/os-prober'];
const folder = '/etc/default/grub.d';

/** What is wrong and its cure; undefined: os-prober is not installed, or GRUB's files switch it off. */
export function osProberObstacle(
  root: KernelRoot,
): { readonly message: string; readonly cure: string } | undefined {
  if (!programs.some((each) => root.exists(each)) || isOff(root)) return undefined;
  return {
    message: 'update-grub may run os-prober, which mounts the disks of guests',
    cure: 'GRUB_DISABLE_OS_PROBER=true in /etc/default/grub, or no package os-prober',
  };
}

/** The last assignment counts: /etc/default/grub is read first, then the files of the folder by name. */
function isOff(root: KernelRoot): boolean {
  const files = root.list(folder).filter((name) => name.endsWith('.cfg'));
  const texts = ['/etc/default/grub', ...files.toSorted().map((name) => `${folder}/${name}`)].map(
    (file) => root.content(file) ?? '',
  );
  const assignments = [
    ...texts
      .join('\n')
      .matchAll(/^[ \t]*(?:export[ \t]+)?GRUB_DISABLE_OS_PROBER=(["']?)(.*?)\1[ \t]*(?:#.*)?$/gm),
  ];
  return assignments.at(-1)?.[2] === 'true';
}
