/** What Nova's API refuses of flavor and image besides their NUMA topology: `_validate_flavor_image_numa_pci`. Pure. */
import { invalid } from '../../../proto/wire/errors.js';
import type { Flavor, Image } from '../flavor.js';
import { realtimeVcpus } from './dedicated-vcpus.js';
import { specField } from './guest-policies.js';
import { imageField, pciPolicies, readNumaImage, wholeNumber } from './numa-image.js';
import { readInteger } from '../python-text.js';
import { isTrue } from './oslo-text.js';

type Specs = Readonly<Record<string, string>>;

const parts = ['sockets', 'cores', 'threads'] as const;

/**
 * Errors: `invalid-argument` for CPU sockets, cores and threads of an image beyond those allowed, for encrypted memory that
 * the image cannot have, for a PCI affinity that is none or contradicts the image, for a realtime mask that is none.
 */
export function checkGuestHardware({ extraSpecs, vcpus }: Flavor, image: Image | null): void {
  const properties = image?.properties ?? {};
  checkCpuTopology(extraSpecs, properties);
  memoryEncryption(extraSpecs, image);
  pciPolicyOf(extraSpecs, image);
  realtimeVcpus(extraSpecs, vcpus, readNumaImage(image));
}

function number(specs: Specs, name: string): number {
  const text = specs[name];
  const value = text === undefined ? 0 : readInteger(text);
  if (value === undefined) throw invalid(specField(name), text, 'a whole number');
  return value;
}

/** `hw:cpu_sockets`, `hw:cpu_max_sockets` and the like: an image stays within the flavor's limits and its own. */
function checkCpuTopology(specs: Specs, properties: Specs): void {
  for (const part of parts) {
    const [flavorMost, imageMost] = [
      number(specs, `hw:cpu_max_${part}`),
      wholeNumber(properties, `hw_cpu_max_${part}`) ?? 0,
    ];
    number(specs, `hw:cpu_${part}`);
    if (flavorMost && imageMost > flavorMost)
      throw invalid(imageField(`hw_cpu_max_${part}`), imageMost, `at most ${flavorMost}, as the flavor says`);
    const most = imageMost || flavorMost || 65_536;
    const wanted = wholeNumber(properties, `hw_cpu_${part}`) ?? 0;
    if (wanted > most) throw invalid(imageField(`hw_cpu_${part}`), wanted, `at most ${most}`);
  }
}

/**
 * Whether memory is to be encrypted (`hw:mem_encryption`, `hw_mem_encryption`). Errors: `invalid-argument` where flavor and
 * image differ, where the image does not boot by UEFI, and for a machine type that is no q35.
 */
export function memoryEncryption(specs: Specs, image: Image | null): boolean {
  const text = specs['hw:mem_encryption'];
  const ofFlavor = text === undefined ? undefined : isTrue(text);
  const ofImage = readNumaImage(image).memoryEncryption;
  if (!ofFlavor && !ofImage) return false;
  if (ofFlavor !== undefined && ofImage !== undefined && ofFlavor !== ofImage)
    throw invalid(imageField('hw_mem_encryption'), ofImage, `${ofFlavor}, as the flavor says`);
  const { hw_firmware_type: firmware, hw_machine_type: machine } = image?.properties ?? {};
  if (firmware !== 'uefi')
    throw invalid(imageField('hw_firmware_type'), firmware ?? 'nothing', 'uefi for encrypted memory');
  if (machine !== undefined && !machine.includes('q35'))
    throw invalid(imageField('hw_machine_type'), machine, 'a q35 machine for encrypted memory');
  return true;
}

/** `hw:pci_numa_affinity_policy`: what requests for devices without a policy of their own take; undefined: Nova's legacy. */
export function pciPolicyOf(specs: Specs, image: Image | null): string | undefined {
  const ofFlavor = specs['hw:pci_numa_affinity_policy'] || undefined;
  const ofImage = readNumaImage(image).pciPolicy;
  if (ofFlavor !== undefined && !pciPolicies.includes(ofFlavor))
    throw invalid(specField('hw:pci_numa_affinity_policy'), ofFlavor, pciPolicies.join(', '));
  if (ofFlavor !== undefined && ofImage !== undefined && ofFlavor !== ofImage)
    throw invalid(imageField('hw_pci_numa_affinity_policy'), ofImage, `${ofFlavor}, as the flavor says`);
  return ofFlavor ?? ofImage;
}
