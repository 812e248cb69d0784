/** PCI devices that guests may have (Documentation/ABI/testing/sysfs-bus-pci, Documentation/PCI/pci-iov-howto.rst). */
import { basename } from 'node:path';
import type { PciDevice } from '../../proto/gen/drover/v1/PciDevice.js';
import type { KernelRoot } from '../kernel/root.js';
import { inWords, matches, type DeviceSpec, type PciIdentity } from './device-spec.js';
import type { Fact, Look } from './fact.js';
import { readCellIds } from './numa-cells.js';

const directory = 'sys/bus/pci/devices';

/** libvirt takes no domain over ffff (virPCIDeviceAddressIsValid); those behind a VMD controller have one. */
const addressForm = /^[\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.[0-7]$/;

/** Most devices that are told, and most characters of all their tags: what one message and one record can bear. */
export const maximumDevices = 4_096;
export const maximumTagCharacters = 2 ** 20;

/** Specs without a device that are named one by one. */
const namedSpecs = 5;

/**
 * `passthrough`: devices that a spec matches, by address, with the tags of the first spec that does. Never among them: bridges,
 * and a physical function that has virtual functions now, which would end with it.
 */
export const passthrough: Fact = {
  name: 'passthrough',
  gather(look) {
    const specs = look.more.passthrough ?? [];
    return { passthrough: { devices: specs.length === 0 ? [] : findDevices(look, specs) } };
  },
};

function findDevices(look: Look, specs: readonly DeviceSpec[]): PciDevice[] {
  const present = readIdentities(look.root);
  const cells = readCellIds(look);
  const used = new Set<DeviceSpec>();
  const devices = present.flatMap((identity) => {
    const spec = specs.find((each) => matches(each, identity));
    if (!spec) return [];
    used.add(spec);
    return readDevice(look.root, identity, spec, cells) ?? [];
  });
  const spare = specs.filter((each) => !used.has(each));
  warnOfSpecs(
    look,
    spare.filter((each) => !present.some((identity) => matches(each, identity))),
  );
  return limited(look, devices);
}

function readIdentities(root: KernelRoot): PciIdentity[] {
  return root.list(directory).flatMap((address) => {
    const vendorId = readId(root, `${directory}/${address}/vendor`);
    const productId = readId(root, `${directory}/${address}/device`);
    if (!addressForm.test(address) || vendorId === undefined || productId === undefined) return [];
    const physical = root.link(`${directory}/${address}/physfn`);
    return [{ address, vendorId, productId, parent: physical && basename(physical) }];
  });
}

/** `0x8086` as 8086; undefined where the device went away. */
function readId(root: KernelRoot, file: string): string | undefined {
  return /^0x([\da-f]{4})$/i.exec(root.read(file)?.trim() ?? '')?.[1]?.toLowerCase();
}

/** A device as it is told; undefined: it is never given to a guest. */
function readDevice(
  root: KernelRoot,
  { address, vendorId, productId, parent }: PciIdentity,
  { tags }: DeviceSpec,
  cells: readonly number[],
): PciDevice | undefined {
  const read = (file: string): string | undefined => root.read(`${directory}/${address}/${file}`)?.trim();
  const number = (file: string): number => Number(read(file) ?? 0);
  if (read('class')?.startsWith('0x06')) return undefined;
  if (parent === undefined && number('sriov_numvfs') > 0) return undefined;
  const isPhysical = parent === undefined && number('sriov_totalvfs') > 0;
  const cell = Number(read('numa_node') ?? -1);
  return {
    ...{ address, vendorId, productId },
    deviceType: parent !== undefined ? 'type-VF' : isPhysical ? 'type-PF' : 'type-PCI',
    ...(cells.includes(cell) && { numaCell: cell }),
    tags: { ...tags },
  };
}

function warnOfSpecs(look: Look, specs: readonly DeviceSpec[]): void {
  for (const spec of specs.slice(0, namedSpecs))
    look.warn(`passthrough: no PCI device of this host matches ${inWords(spec)}`);
  const more = specs.length - namedSpecs;
  if (more > 0) look.warn(`passthrough: of ${more} more specs no PCI device matches either`);
}

function limited(look: Look, devices: PciDevice[]): PciDevice[] {
  let characters = 0;
  const end = devices.findIndex(({ tags }, index) => {
    characters += Object.entries(tags).reduce((sum, [key, value]) => sum + key.length + value.length, 0);
    return index >= maximumDevices || characters > maximumTagCharacters;
  });
  if (end === -1) return devices;
  const most = `${maximumDevices} devices and ${maximumTagCharacters} characters of tags are told`;
  look.warn(`passthrough: ${devices.length - end} devices are left out: at most ${most}`);
  return devices.slice(0, end);
}
