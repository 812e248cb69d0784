/**
 * The properties of an image as Nova holds them once it has read them: it knows a fixed set (`ImageMetaProps` 1.34), takes
 * older names too, and gives each a type, so that `yes` becomes `True` and `amd64` becomes `x86_64`. Pure.
 */
import type { Image } from '../../model/request.js';
import { readInteger, stripped, valueText, WrittenNumber } from '../../model/python-text.js';

type Reader = (text: string) => string;

const asItIs: Reader = (text) => text;
const lower: Reader = (text) => text.toLowerCase();

/** A whole number loses blanks, signs and leading zeros; 0 is as good as absent. */
const whole: Reader = (text) => {
  const value = readInteger(text);
  if (value === undefined) return text;
  return value === 0 ? '' : valueText(value);
};

/** oslo's lax reading of a switch; off is as good as absent. */
const onOff: Reader = (text) =>
  ['1', 't', 'true', 'on', 'y', 'yes'].includes(stripped(text).toLowerCase()) ? 'True' : '';

function renamed(others: Readonly<Record<string, string>>): Reader {
  return (text) => {
    const name = text.toLowerCase();
    return Object.hasOwn(others, name) ? (others[name] as string) : name;
  };
}

const architecture = renamed({
  i386: 'i686',
  i486: 'i686',
  i586: 'i686',
  x86_32: 'i686',
  x86_32p: 'i686',
  amd64: 'x86_64',
});
const readers: Readonly<Record<string, Reader>> = {
  hw_architecture: architecture,
  hw_emulation_architecture: architecture,
  img_hv_type: renamed({ xapi: 'xen' }),
  hw_vm_mode: renamed({ pv: 'xen', hv: 'hvm', baremetal: 'hvm' }),
  os_type: lower,
  hw_scsi_model: renamed({ lsilogicsas: 'lsisas1068', paravirtual: 'vmpvscsi' }),
  hw_vif_model: renamed({
    virtuale1000: 'e1000',
    virtuale1000e: 'e1000e',
    virtualpcnet32: 'pcnet',
    virtualsriovethernetcard: 'sriov',
    virtualvmxnet: 'vmxnet',
    virtualvmxnet3: 'vmxnet3',
  }),
  ...all(
    whole,
    'hw_cpu_cores hw_cpu_sockets hw_cpu_max_cores hw_cpu_max_sockets hw_cpu_max_threads hw_cpu_threads hw_device_id',
    'hw_numa_nodes hw_serial_port_count hw_video_ram img_compression_level img_version',
  ),
  ...all(
    onOff,
    'hw_boot_menu hw_ipxe_boot hw_locked_memory hw_mem_encryption hw_pmu hw_qemu_guest_agent hw_time_hpet',
    'hw_vif_multiqueue_enabled hw_ephemeral_encryption img_bittorrent img_bdm_v2 img_cache_in_nova img_linked_clone',
    'img_use_agent img_hide_hypervisor_id os_require_quiesce os_skip_agent_inject_files_at_boot',
    'os_skip_agent_inject_ssh',
  ),
  ...all(
    asItIs,
    'hw_auto_disk_config hw_cdrom_bus hw_cpu_policy hw_cpu_thread_policy hw_cpu_realtime_mask hw_disk_bus hw_disk_type',
    'hw_floppy_bus hw_firmware_type hw_input_bus hw_machine_type hw_mem_page_size hw_pci_numa_affinity_policy',
    'hw_pointer_model hw_rescue_bus hw_rescue_device hw_rng_model hw_video_model hw_viommu_model hw_watchdog_action',
    'hw_tpm_model hw_tpm_version hw_ephemeral_encryption_format img_block_device_mapping img_hv_requested_version',
    'img_config_drive img_mappings img_owner_id img_root_device_name img_signature img_signature_hash_method',
    'img_signature_certificate_uuid img_signature_key_type os_admin_user os_command_line os_distro os_secure_boot',
  ),
};

function all(reader: Reader, ...names: readonly string[]): Record<string, Reader> {
  return Object.fromEntries(names.flatMap((line) => line.split(' ')).map((name) => [name, reader]));
}

const olderNames: Readonly<Record<string, string>> = {
  architecture: 'hw_architecture',
  owner_id: 'img_owner_id',
  vmware_disktype: 'hw_disk_type',
  vmware_image_version: 'img_version',
  vmware_ostype: 'os_distro',
  auto_disk_config: 'hw_auto_disk_config',
  ipxe_boot: 'hw_ipxe_boot',
  xenapi_device_id: 'hw_device_id',
  xenapi_image_compression_level: 'img_compression_level',
  vmware_linked_clone: 'img_linked_clone',
  xenapi_use_agent: 'img_use_agent',
  xenapi_skip_agent_inject_ssh: 'os_skip_agent_inject_ssh',
  xenapi_skip_agent_inject_files_at_boot: 'os_skip_agent_inject_files_at_boot',
  cache_in_nova: 'img_cache_in_nova',
  vm_mode: 'hw_vm_mode',
  bittorrent: 'img_bittorrent',
  mappings: 'img_mappings',
  block_device_mapping: 'img_block_device_mapping',
  bdm_v2: 'img_bdm_v2',
  root_device_name: 'img_root_device_name',
  hypervisor_version_requires: 'img_hv_requested_version',
  hypervisor_type: 'img_hv_type',
};

/**
 * Property to its value as Python writes it; what Nova does not know, and what is empty, 0 or off there, is absent. A value
 * that is none of its type stays as it is: whoever takes the request refuses it.
 */
export function imageProperties(image: Image | null): ReadonlyMap<string, string> {
  const given = image?.properties ?? {};
  const known = new Map<string, string>();
  for (const [older, name] of Object.entries(olderNames)) take(known, name, given, older);
  takeAdapter(known, given['vmware_adaptertype']);
  for (const name of Object.keys(readers)) take(known, name, given, name);
  takeLists(known, given);
  for (const [name, value] of known) if (value === '') known.delete(name);
  return known;
}

/** The value of one property that Nova knows, by its current name, as Nova holds it. */
export function imageProperty(name: string, text: string): string {
  return (readers[name] as Reader)(text);
}

function take(
  known: Map<string, string>,
  name: string,
  given: Readonly<Record<string, string>>,
  from: string,
): void {
  if (Object.hasOwn(given, from)) known.set(name, (readers[name] as Reader)(given[from] as string));
}

function takeAdapter(known: Map<string, string>, adapter: string | undefined): void {
  if (!adapter) return;
  known.set('hw_disk_bus', adapter === 'ide' ? 'ide' : 'scsi');
  if (adapter !== 'ide') known.set('hw_scsi_model', (readers['hw_scsi_model'] as Reader)(adapter));
}

/** Lists that Nova puts together from several properties. No value of an aggregate equals one of more than one entry. */
function takeLists(known: Map<string, string>, given: Readonly<Record<string, string>>): void {
  const memory: WrittenNumber[] = [];
  for (let cell = 0; Object.hasOwn(given, `hw_numa_mem.${cell}`); cell++)
    memory.push(new WrittenNumber(whole(given[`hw_numa_mem.${cell}`] as string) || '0'));
  if (memory.length > 0) known.set('hw_numa_mem', valueText(memory));
  const traits = Object.keys(given).filter((key) => key.startsWith('trait:') && given[key] === 'required');
  if (traits.length > 0) known.set('traits_required', valueText(traits.map((key) => key.slice(6))));
}
