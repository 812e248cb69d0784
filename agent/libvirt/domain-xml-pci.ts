/** Host PCI devices of a domain (https://libvirt.org/formatdomain.html#host-device-assignment), by their addresses. */
import { attribute, children, only } from './xml-element.js';
import type { Element } from './xml-element.js';

/** Beyond these no address is read. A guest of machine type q35 has room for some 30 devices. */
export const maximumPciAddresses = 64;

/**
 * Addresses such as 0000:3b:00.1 of the host's devices that a domain has, as <hostdev>, as network interface or as NVMe disk;
 * sorted, each once. Of a running domain those that it has now, of another those that its next start takes.
 */
export function readPciAddresses(domain: Element): string[] {
  const devices = only(domain, 'devices');
  const sources = [
    ...children(devices, 'hostdev').filter((each) => attribute(each, 'type') === 'pci'),
    ...children(devices, 'interface').filter((each) => attribute(each, 'type') === 'hostdev'),
    ...children(devices, 'disk').filter((each) => attribute(each, 'type') === 'nvme'),
  ].map((device) => only(only(device, 'source'), 'address'));
  const addresses = new Set(sources.flatMap((address) => readAddress(address) ?? []));
  return [...addresses].sort().slice(0, maximumPciAddresses);
}

/** libvirt writes each part as 0x3b. Undefined for what is no PCI address: an <interface> may have a USB device. */
function readAddress(address: Element | undefined): string | undefined {
  if ((attribute(address, 'type') ?? 'pci') !== 'pci') return undefined;
  const [domain, bus, slot, own] = [
    part(address, 'domain', 0xffff, 4),
    part(address, 'bus', 0xff, 2),
    part(address, 'slot', 0x1f, 2),
    part(address, 'function', 7, 1),
  ];
  if (domain === undefined || bus === undefined || slot === undefined || own === undefined) return undefined;
  return `${domain}:${bus}:${slot}.${own}`;
}

function part(address: Element | undefined, name: string, most: number, digits: number): string | undefined {
  const written = attribute(address, name) ?? '';
  const number = /^(?:0x[\da-f]+|\d+)$/i.test(written) ? Number(written) : Number.NaN;
  return number <= most ? number.toString(16).padStart(digits, '0') : undefined;
}
