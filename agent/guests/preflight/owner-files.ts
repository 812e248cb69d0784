/** What configuration files say of other owners of guests: libvirt-guests(8), libvirt's qemu.conf, Nova's nova.conf. */
import type { KernelRoot } from '../../kernel/root.js';

/** One setting of a file that makes another program an owner. */
export interface OwnerSetting {
  readonly file: string;
  readonly key: string;
  readonly value: string;
}

export interface OwnerFiles {
  /** ON_SHUTDOWN and ON_BOOT of libvirt-guests, where they are written. */
  readonly libvirtGuests: readonly OwnerSetting[];
  /** auto_shutdown_* keys of libvirt that are not off. */
  readonly autoShutdown: readonly OwnerSetting[];
  /** resume_guests_state_on_host_boot of Nova, where it is on. */
  readonly novaResume: OwnerSetting | undefined;
}

/** Debian and Ubuntu have the first, Fedora and its kin the second. */
const libvirtGuestsFiles = ['/etc/default/libvirt-guests', '/etc/sysconfig/libvirt-guests'];
const libvirtFiles = ['qemu', 'libvirtd', 'virtqemud'].map((name) => `/etc/libvirt/${name}.conf`);
const novaFiles = ['/etc/nova/nova.conf', '/etc/nova/nova-compute.conf'];
const novaFolder = '/etc/nova/nova.conf.d';

/** Files of a folder that are looked at. */
const mostFiles = 64;

/** Reads them below `root`; a file that is absent says nothing. Errors: `unavailable`, as KernelRoot.content. */
export function readOwnerFiles(root: KernelRoot): OwnerFiles {
  return {
    libvirtGuests: libvirtGuestsFiles.flatMap((file) => settingsOf(root, file, /^(ON_SHUTDOWN|ON_BOOT)$/)),
    autoShutdown: libvirtFiles
      .flatMap((file) => settingsOf(root, file, /^auto_shutdown_(try_save|try_shutdown|poweroff)$/))
      .filter(({ value }) => !['none', '0', ''].includes(value)),
    novaResume: novaSetting(root),
  };
}

/** The last file that sets it counts, as for oslo.config. */
function novaSetting(root: KernelRoot): OwnerSetting | undefined {
  const more = root
    .list(novaFolder)
    .filter((name) => name.endsWith('.conf'))
    .slice(0, mostFiles);
  const last = [...novaFiles, ...more.map((name) => `${novaFolder}/${name}`)]
    .flatMap((file) => settingsOf(root, file, /^resume_guests_state_on_host_boot$/))
    .at(-1);
  return last && /^(true|1|yes|on)$/i.test(last.value) ? last : undefined;
}

/** `key = value` of shell, libvirt and INI files alike, quotes taken off; of a key that stands twice, the last. */
function settingsOf(root: KernelRoot, file: string, wanted: RegExp): OwnerSetting[] {
  const found = new Map<string, string>();
  for (const line of (root.content(file) ?? '').split('\n')) {
    const [, key = '', quoted, bare] = /^\s*(\w+)\s*=\s*(?:["']([^"']*)["']|([^\s#]*))/.exec(line) ?? [];
    if (wanted.test(key)) found.set(key, quoted ?? bare ?? '');
  }
  return [...found].map(([key, value]) => ({ file, key, value }));
}
