/**
 * What a request asks OpenStack Placement for: resource classes and traits of its unnumbered group, from the flavor's
 * amounts, its extra specs and the image. Nova's `ResourceRequest.from_request_spec` in `scheduler/utils.py`.
 */
import { invalid } from '../../proto/wire/errors.js';
import type { CheckedRequest } from '../model/request.js';
import { RequestGroups } from './request-groups.js';

export interface PlacementResources {
  /** Resource class to amount, none of them 0. */
  readonly resources: Readonly<Record<string, number>>;
  readonly requiredTraits: readonly string[];
  readonly forbiddenTraits: readonly string[];
}

/**
 * The unnumbered group of a request, names sorted. An amount that an extra spec gives takes the place of the flavor's; 0
 * takes the class out. Errors: `invalid-argument` where flavor and image contradict each other.
 */
export function resourcesOf(request: CheckedRequest): PlacementResources {
  const groups = new RequestGroups(request.extraSpecs);
  for (const [key, value] of Object.entries(request.image?.properties ?? {}))
    if (key.startsWith('trait:') && value === 'required') groups.addTrait(key.slice(6), 'required');
  addPinning(groups, request);
  addAmounts(groups, request);
  addDevices(groups, request);
  const { resources, required, forbidden } = groups.of();
  const entries = [...resources]
    .filter(([, amount]) => amount !== 0)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  return {
    resources: Object.fromEntries(entries),
    requiredTraits: [...required].toSorted(),
    forbiddenTraits: [...forbidden].toSorted(),
  };
}

/** Dedicated vCPUs are PCPUs, one more for emulator threads of their own. The rest of a mixed machine stays VCPUs. */
function addPinning(groups: RequestGroups, request: CheckedRequest): void {
  const cells = request.numa?.cells ?? [];
  const dedicated = cells.reduce((sum, { dedicatedVcpus }) => sum + dedicatedVcpus.length, 0);
  if (dedicated > 0 && saysPolicy(request)) {
    const own = request.extraSpecs['hw:emulator_threads_policy'] === 'isolate' ? 1 : 0;
    if (cells.some(({ cpuPolicy }) => cpuPolicy === 'mixed'))
      groups.addResource('VCPU', request.flavor.vcpus - dedicated);
    groups.addResource('PCPU', dedicated + own);
  }
  const threads = threadPolicy(request);
  if (threads === 'isolate') groups.addTrait('HW_CPU_HYPERTHREADING', 'forbidden');
  if (threads === 'require') groups.addTrait('HW_CPU_HYPERTHREADING', 'required');
}

/** A CPU policy is named. Without one, dedicated vCPUs were asked for as `resources:PCPU`, which says all itself. */
function saysPolicy({ extraSpecs, image }: CheckedRequest): boolean {
  return Boolean(extraSpecs['hw:cpu_policy'] || image?.properties['hw_cpu_policy']);
}

/** The flavor's, and the image's where the flavor has none. */
function threadPolicy({ extraSpecs, image }: CheckedRequest): string | undefined {
  return extraSpecs['hw:cpu_thread_policy'] || image?.properties['hw_cpu_thread_policy'];
}

function addAmounts(groups: RequestGroups, { flavor, isVolumeBooted }: CheckedRequest): void {
  if (!groups.names('VCPU') && !groups.names('PCPU')) groups.addResource('VCPU', flavor.vcpus);
  if (!groups.names('MEMORY_MB')) groups.addResource('MEMORY_MB', flavor.memoryMb);
  if (groups.names('DISK_GB')) return;
  const diskGb = flavor.ephemeralGb + Math.ceil(flavor.swapMb / 1024) + (isVolumeBooted ? 0 : flavor.rootGb);
  if (diskGb > 0) groups.addResource('DISK_GB', diskGb);
}

/** What extra specs and image properties of the machine itself ask for: encrypted and persistent memory, TPM, secure boot. */
function addDevices(groups: RequestGroups, request: CheckedRequest): void {
  if (wantsEncryption(request)) groups.addResource('MEM_ENCRYPTION_CONTEXT', 1);
  for (const [name, amount] of persistentMemory(request)) groups.addResource(name, amount);
  addTpm(groups, request);
  if (
    oneOf(request, 'hw', 'pci_numa_affinity_policy', ['required', 'preferred', 'legacy', 'socket']) ===
    'socket'
  )
    groups.addTrait('COMPUTE_SOCKET_PCI_NUMA_AFFINITY', 'required');
  if (oneOf(request, 'os', 'secure_boot', ['disabled', 'optional', 'required']) === 'required')
    groups.addTrait('COMPUTE_SECURITY_UEFI_SECURE_BOOT', 'required');
}

/** An emulated TPM of the version asked for; its model is looked at with a version alone. */
function addTpm(groups: RequestGroups, request: CheckedRequest): void {
  const version = oneOf(request, 'hw', 'tpm_version', ['1.2', '2.0']);
  if (version === undefined) return;
  const model = oneOf(request, 'hw', 'tpm_model', ['tpm-tis', 'tpm-crb']);
  if (version === '1.2' && model === 'tpm-crb')
    throw invalid('extra_specs.hw:tpm_model', model, 'tpm-tis, or hw:tpm_version 2.0');
  groups.addTrait(`COMPUTE_SECURITY_TPM_${version.replace('.', '_')}`, 'required');
}

/** `hw:pmem` labels: each is a resource class of its own, as often as it is named. */
function persistentMemory({ extraSpecs }: CheckedRequest): Map<string, number> {
  const amounts = new Map<string, number>();
  const labels = (extraSpecs['hw:pmem'] ?? '').split(',').map((label) => label.trim());
  for (const label of labels.filter((each) => each !== '')) {
    const name = `CUSTOM_PMEM_NAMESPACE_${label}`.toUpperCase().replace(/[^A-Z0-9]+/g, '_');
    amounts.set(name, (amounts.get(name) ?? 0) + 1);
  }
  return amounts;
}

/** Memory encryption, which needs UEFI and a q35 machine. What flavor and image say must not contradict. */
function wantsEncryption({ extraSpecs, image }: CheckedRequest): boolean {
  const [inFlavor, inImage] = [extraSpecs['hw:mem_encryption'], image?.properties['hw_mem_encryption']].map(
    (text) => (text === undefined ? undefined : isTrue(text)),
  );
  if (!inFlavor && !inImage) return false;
  const { hw_firmware_type: firmware, hw_machine_type: machine } = image?.properties ?? {};
  if (inFlavor !== undefined && inImage !== undefined && inFlavor !== inImage)
    throw invalid('extra_specs.hw:mem_encryption', inFlavor, 'what the image says in hw_mem_encryption');
  if (firmware !== 'uefi')
    throw invalid('image.hw_firmware_type', firmware ?? 'nothing', 'uefi, which memory encryption needs');
  if (machine !== undefined && !machine.includes('q35'))
    throw invalid('image.hw_machine_type', machine, 'a q35 machine, which memory encryption needs');
  return true;
}

/** What flavor and image agree on; undefined: neither says. Errors: they differ, or it is none of `allowed`. */
function oneOf(
  { extraSpecs, image }: CheckedRequest,
  scope: string,
  name: string,
  allowed: readonly string[],
): string | undefined {
  const field = `${scope}:${name}`;
  const [inFlavor, inImage] = [extraSpecs[field], image?.properties[`${scope}_${name}`]];
  if (inFlavor && inImage && inFlavor !== inImage)
    throw invalid(`extra_specs.${field}`, inFlavor, `what the image says: ${inImage}`);
  const value = inFlavor || inImage || undefined;
  if (value === undefined || allowed.includes(value)) return value;
  throw invalid(`extra_specs.${field}`, value, allowed.join(', '));
}

/** The words that oslo's `bool_from_string` takes for true. */
function isTrue(text: string): boolean {
  return ['1', 't', 'true', 'on', 'y', 'yes'].includes(text.trim().toLowerCase());
}
