/** How the host can run domains. */
import type { Fact } from './fact.js';

/** `virtualization`: `kvm` where the kernel offers it, else `qemu` (emulation) where QEMU is installed, else `none`. */
export const virtualization: Fact = {
  name: 'virtualization',
  gather({ root, more }) {
    const kvm = root.exists('dev/kvm') || root.exists('sys/devices/virtual/misc/kvm');
    return { virtualization: kvm ? 'kvm' : more.versions['qemu'] ? 'qemu' : 'none' };
  },
};
