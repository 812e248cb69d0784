/** Where the images of a domain lie: each disk with the whole disk of the host under it, or the reason why there is none. */
import type { DomainDisk, DomainView } from '../../../libvirt/hypervisor.js';
import type { KernelRoot } from '../../../kernel/root.js';
import type { FileStats } from './file-stats.js';
import { diskUnder, type HostDisk } from './host-disk.js';

export interface DomainImage {
  /** Name in the guest: vda. */
  readonly target: string;
  /** Cache mode in force: QEMU's default is writeback. */
  readonly cache: string;
  readonly disk?: HostDisk;
  /** Why no disk of the host is under it. */
  readonly reason: string;
  /** It may have one, which could not be seen now. */
  readonly isUndecided: boolean;
}

/** QEMU's cache mode where the definition names none (qemu-system(1), -drive cache). */
export const defaultCache = 'writeback';

/** The cache mode that a disk really has. */
export function cacheOf({ cache }: Pick<DomainDisk, 'cache'>): string {
  return cache === undefined || cache === 'default' ? defaultCache : cache;
}

/** False for an empty CD-ROM or floppy drive. */
export function hasMedium({ type, source }: DomainDisk): boolean {
  return source !== undefined || (type !== 'file' && type !== 'block');
}

/** Every disk with a medium. */
export async function imagesOf(
  kernel: KernelRoot,
  files: FileStats,
  view: Pick<DomainView, 'disks'>,
): Promise<DomainImage[]> {
  return Promise.all(view.disks.filter(hasMedium).map((disk) => imageOf(kernel, files, disk)));
}

async function imageOf(kernel: KernelRoot, files: FileStats, disk: DomainDisk): Promise<DomainImage> {
  const { target } = disk;
  const found = await diskUnder(kernel, disk, files);
  const cache = cacheOf(disk);
  return 'device' in found
    ? { target, cache, disk: found, reason: '', isUndecided: false }
    : { target, cache, reason: found.reason, isUndecided: found.undecided };
}
