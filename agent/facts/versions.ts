/** Versions of what runs the host. */
import type { KernelRoot } from '../kernel/root.js';
import type { Fact } from './fact.js';

/** `versions`: the kernel's from /proc, and qemu, libvirt, openvswitch, agent as they are handed in. */
export const versions: Fact = {
  name: 'versions',
  gather({ root, more, warn }) {
    const kernel = readKernelRelease(root);
    if (kernel === undefined) warn('proc/sys/kernel/osrelease: absent, so the kernel version is unknown');
    return { versions: kernel === undefined ? { ...more.versions } : { kernel, ...more.versions } };
  },
};

/** The kernel's release as `uname -r` gives it; undefined where /proc says nothing. */
export function readKernelRelease(root: KernelRoot): string | undefined {
  return (
    root.read('proc/sys/kernel/osrelease') ??
    /^Linux version (\S+)/.exec(root.read('proc/version') ?? '')?.[1]
  );
}
