/** Compares block devices. */
import { driveType, readPartitions } from '../../agent/facts/block-devices.js';
import type { KernelRoot } from '../../agent/kernel/root.js';
import type { BlockDevice } from '../../proto/gen/drover/v1/BlockDevice.js';
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import type { Comparison, ExpectedBlockDevice } from './expected.js';

/** Every field of every device that is named, and that no other device with a size was found. */
export function compareBlockDevices(
  expected: readonly ExpectedBlockDevice[],
  facts: HostFacts,
  root: KernelRoot,
): Comparison[] {
  const named = new Set(expected.map(({ name }) => name));
  const others = facts.blockDevices.filter(({ name, sizeBytes }) => sizeBytes > 0 && !named.has(name));
  const unnamed = { field: 'block_devices others', expected: [], got: others.map(({ name }) => name) };
  return [unnamed, ...expected.flatMap((device) => compareDevice(device, facts, root))];
}

function compareDevice(
  { name, ...fields }: ExpectedBlockDevice,
  facts: HostFacts,
  root: KernelRoot,
): Comparison[] {
  const device = facts.blockDevices.find((each) => each.name === name);
  return Object.entries(fields).map(([field, expected]) => {
    const comparison = {
      field: `block_devices ${name} ${field}`,
      expected,
      got: device && valueOf(device, field, root),
    };
    if (field !== 'model' && field !== 'vendor') return comparison;
    return compareIdentity(comparison, field, device, root);
  });
}

function valueOf(device: BlockDevice, field: string, root: KernelRoot): unknown {
  const values: Record<string, unknown> = {
    size_bytes: device.sizeBytes,
    size_kib: Math.floor(device.sizeBytes / 1024),
    logical_block_size: device.logicalBlockBytes,
    dev: device.deviceNumber,
    rotational: device.rotational,
    removable: device.removable,
    drive_type: driveType(device),
    vendor: device.vendor,
    model: device.model,
    partitions: readPartitions(root, device.name).map(({ name, sizeBytes }) => ({
      name,
      size_bytes: sizeBytes,
    })),
  };
  return values[field];
}

/**
 * Model and vendor as udev spells them, with `_` for what it does not allow. A tree that holds neither the device's own
 * file nor udev's record cannot tell them: that is said, and is no disagreement.
 */
function compareIdentity(
  comparison: Comparison,
  field: string,
  device: BlockDevice | undefined,
  root: KernelRoot,
): Comparison {
  if (device === undefined) return comparison;
  const own = `sys/block/${device.name}/device/${field}`;
  const record = `run/udev/data/b${device.deviceNumber}`;
  if (!root.exists(own) && !root.exists(record))
    return { ...comparison, untold: `the tree has neither ${own} nor ${record}` };
  const same = udevSpelling(comparison.expected) === udevSpelling(comparison.got);
  return { ...comparison, got: same ? comparison.expected : comparison.got };
}

function udevSpelling(value: unknown): string {
  return String(value)
    .trim()
    .replace(/[^\w#+.:=@-]+/g, '_');
}
