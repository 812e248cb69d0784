/** Passthrough devices in words. */
import type { PciDevice } from '../../../proto/gen/drover/v1/PciDevice.js';

/** Addresses of one kind that are named; the others are counted. */
const shownAddresses = 4;

/** `0000:3b:00.1, 8086:154c type-VF, cell 1`. */
export function deviceText(device: PciDevice): string {
  return `${device.address}, ${kindText(device)}`;
}

/** Each kind with its devices: `2 of 8086:154c type-VF, cell 0 (0000:3b:02.0, 0000:3b:02.1)`; kinds with a semicolon between. */
export function devicesText(devices: readonly PciDevice[]): string {
  const kinds = new Map<string, string[]>();
  for (const device of devices) {
    const kind = kindText(device);
    kinds.set(kind, [...(kinds.get(kind) ?? []), device.address]);
  }
  return [...kinds]
    .map(([kind, addresses]) => `${addresses.length} of ${kind} (${addressesText(addresses)})`)
    .join('; ');
}

function kindText({ vendorId, productId, deviceType, numaCell, tags }: PciDevice): string {
  const near = numaCell === undefined ? '' : `, cell ${numaCell}`;
  const more = Object.entries(tags).map(([key, value]) => `, ${key}=${value}`);
  return `${vendorId}:${productId} ${deviceType}${near}${more.join('')}`;
}

function addressesText(addresses: readonly string[]): string {
  const shown = addresses.slice(0, shownAddresses).join(', ');
  const more = addresses.length - shownAddresses;
  return more > 0 ? `${shown} and ${more} more` : shown;
}
