/** What kind of guest an image is made for: architecture, hypervisor type, VM mode and hypervisor version. Pure. */
import { invalid } from '../../../proto/wire/errors.js';
import type { Image } from '../../model/request.js';
import { imageProperty } from './image-properties.js';
import { readVersionPredicate, type VersionPredicate } from './version-predicate.js';

export interface GuestKind {
  /** Words that one kind of guest of a host must all hold, wherever: Nova does not look at their places. */
  readonly words: readonly string[];
  readonly version: VersionPredicate | undefined;
  /** As the image has it. */
  readonly versionText: string;
}

const names = {
  hw_architecture: 'architecture',
  img_hv_type: 'hypervisor_type',
  hw_vm_mode: 'vm_mode',
  img_hv_requested_version: 'hypervisor_version_requires',
} as const;
type Name = keyof typeof names;

/** Nova's `Architecture`, `HVType` and `VMMode`. */
const known: Readonly<Record<Exclude<Name, 'img_hv_requested_version'>, readonly string[]>> = {
  hw_architecture: [
    ...[
      'alpha',
      'armv6',
      'armv7l',
      'armv7b',
      'aarch64',
      'cris',
      'i686',
      'ia64',
      'lm32',
      'm68k',
      'microblaze',
    ],
    ...[
      'microblazeel',
      'mips',
      'mipsel',
      'mips64',
      'mips64el',
      'openrisc',
      'parisc',
      'parisc64',
      'ppc',
      'ppcle',
    ],
    ...[
      'ppc64',
      'ppc64le',
      'ppcemb',
      's390',
      's390x',
      'sh4',
      'sh4eb',
      'sparc',
      'sparc64',
      'unicore32',
      'x86_64',
    ],
    ...['xtensa', 'xtensaeb'],
  ],
  img_hv_type: [
    ...['baremetal', 'bhyve', 'docker', 'fake', 'hyperv', 'ironic', 'kqemu', 'kvm', 'lxc', 'lxd', 'openvz'],
    ...['parallels', 'phyp', 'qemu', 'test', 'uml', 'vbox', 'vz', 'vmware', 'xen', 'zvm', 'prsm'],
  ],
  hw_vm_mode: ['hvm', 'xen', 'uml', 'exe'],
};

/**
 * The kind of guest of an image; `defaultArchitecture` where it names none. Errors: `invalid-argument` naming the property
 * for a value that Nova refuses the request over, under its older name too.
 */
export function guestKindOf(image: Image | null, defaultArchitecture: string | null): GuestKind {
  const found = image ? propertiesOf(image) : {};
  const architecture = found.hw_architecture ?? checkedDefault(defaultArchitecture);
  const words = [architecture, found.img_hv_type, found.hw_vm_mode].filter((word) => word !== undefined);
  const versionText = found.img_hv_requested_version ?? '';
  return { words, version: readVersionPredicate(versionText), versionText };
}

function propertiesOf({ properties }: Image): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {};
  for (const [name, older] of Object.entries(names) as [Name, string][])
    for (const given of [older, name]) {
      if (Object.hasOwn(properties, given))
        found[name] = checked(name, properties[given] as string, `image.properties.${given}`);
    }
  return found;
}

function checkedDefault(architecture: string | null): string | undefined {
  return architecture
    ? checked('hw_architecture', architecture, 'image_properties_default_architecture')
    : undefined;
}

function checked(name: Name, text: string, field: string): string {
  const value = imageProperty(name, text);
  if (name === 'img_hv_requested_version') {
    if (readVersionPredicate(value)) return value;
    throw invalid(field, text, 'comparisons with versions of two or three numbers, such as >=4.4,<6.2');
  }
  if (known[name].includes(value)) return value;
  throw invalid(field, text, `one of ${known[name].join(', ')}`);
}
