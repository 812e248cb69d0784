/** Reads libvirt's domain XML (https://libvirt.org/formatdomain.html): the few parts that Drover acts on. */
import { DroverError } from '../../proto/wire/errors.js';
import { readDisks, readInterfaces, readThrottles } from './domain-xml-devices.js';
import { readMetadata } from './domain-xml-metadata.js';
import { readExplicit, readHugepages, readIoThreads, readNumaMemory } from './domain-xml-tuning.js';
import type { XmlPart } from './domain-xml-view.js';
import type { DiskThrottle } from './hypervisor.js';
import { only, readXml } from './xml-element.js';

export interface ParsedDomain {
  readonly view: XmlPart;
  /** Throttles of QEMU by disk target; a disk without any is absent. */
  readonly throttles: ReadonlyMap<string, DiskThrottle>;
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
    view: {
      ...readMetadata(domain),
      ...(numaMemory ? { numaMemory } : {}),
      disks: readDisks(domain),
      interfaces,
      ioThreads: readIoThreads(domain),
      hugepages: readHugepages(domain),
      explicit: readExplicit(domain, throttles, interfaces),
    },
  };
}
