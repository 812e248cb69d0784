/** Reads libvirt's domain XML (https://libvirt.org/formatdomain.html): the few parts that Drover acts on. */
import { DroverError } from '../../proto/wire/errors.js';
import { readDisks, readInterfaces, readThrottles } from './domain-xml-devices.js';
import { readGuestWords } from './domain-xml-guest.js';
import { readPciAddresses } from './domain-xml-pci.js';
import { readMetadata } from './domain-xml-metadata.js';
import { readExplicit, readHugepages, readIoThreads, readNumaMemory } from './domain-xml-tuning.js';
import type { XmlPart } from './domain-xml-view.js';
import type { DiskThrottle } from './hypervisor.js';
import { attribute, only, readXml, text } from './xml-element.js';
import type { Element } from './xml-element.js';

export interface ParsedDomain {
  readonly view: XmlPart;
  /** Throttles of QEMU by disk target; a disk without any is absent. */
  readonly throttles: ReadonlyMap<string, DiskThrottle>;
  /** As virDomainGetInfo tells them; undefined where the XML does not. */
  readonly size: DomainSize | undefined;
}

/** What a domain has of the host. */
export interface DomainSize {
  readonly vcpus: number;
  readonly memoryBytes: number;
}

/** What one domain's XML says. Errors: `libvirt-failed` when it is not a domain's XML. */
export function parseDomainXml(xml: string): ParsedDomain {
  const domain = only(readXml(xml), 'domain');
  if (!domain)
    throw new DroverError('libvirt-failed', 'the domain XML has no <domain>', { field: 'domain XML' });
  const numaMemory = readNumaMemory(domain);
  const throttles = readThrottles(domain);
  const interfaces = readInterfaces(domain);
  return {
    throttles,
    size: readSize(domain),
    view: detached({
      ...readMetadata(domain),
      guest: readGuestWords(domain),
      ...(numaMemory ? { numaMemory } : {}),
      disks: readDisks(domain),
      interfaces,
      pciAddresses: readPciAddresses(domain),
      ioThreads: readIoThreads(domain),
      hugepages: readHugepages(domain),
      explicit: readExplicit(domain, throttles, interfaces),
    }),
  };
}

/** V8 keeps a whole document for each piece that was cut out of it: the pieces are written anew, and the document goes. */
function detached<Value>(value: Value): Value {
  if (typeof value === 'string') return Buffer.from(value).toString() as Value;
  if (Array.isArray(value)) return value.map(detached) as Value;
  if (typeof value !== 'object' || value === null) return value;
  const parts = Object.entries(value).map(([key, part]: [string, unknown]) => [key, detached(part)]);
  return Object.fromEntries(parts) as Value;
}

/** libvirt writes <memory> in KiB and <vcpu current=…> for those that are plugged in now. */
function readSize(domain: Element): DomainSize | undefined {
  const [memory, vcpu] = [only(domain, 'memory'), only(domain, 'vcpu')];
  const kib = attribute(memory, 'unit') === 'KiB' ? Number(text(memory)) : Number.NaN;
  const vcpus = Number(attribute(vcpu, 'current') ?? text(vcpu));
  return Number.isSafeInteger(kib) && Number.isSafeInteger(vcpus) && vcpus > 0
    ? { vcpus, memoryBytes: kib * 1024 }
    : undefined;
}
