/** Reads libvirt's domain XML (https://libvirt.org/formatdomain.html): the few parts that Drover acts on. */
import { XMLParser } from 'fast-xml-parser';
import { DroverError } from '../../proto/wire/errors.js';
import type { DomainDisk, ExplicitSettings } from './hypervisor.js';

/** Namespace of Drover's element in `<metadata>`. */
export const metadataNamespace = 'https://drover.dev/xmlns/1';

/** Far above any real definition; libvirt itself stops at 4 MiB for one string (REMOTE_STRING_MAX). */
const maximumXmlCharacters = 4 * 1024 * 1024;

export interface ParsedDomain {
  readonly disks: readonly DomainDisk[];
  readonly explicit: ExplicitSettings;
  /** Empty: none. */
  readonly allocationId: string;
}

/** An element: attributes under `@name`, children under their tags, text under `#text`. */
interface Element {
  readonly [key: string]: Element[] | string | undefined;
}

/**
 * Disks, explicit settings and the allocation of one domain. Entities other than XML's own five are not resolved and a
 * DOCTYPE is ignored. Errors: `libvirt-failed` when it is not a domain's XML.
 */
export function parseDomainXml(xml: string): ParsedDomain {
  const domain = only(readXml(xml), 'domain');
  if (!domain)
    throw new DroverError('libvirt-failed', 'the domain XML has no <domain>', { field: 'domain XML' });
  return { disks: readDisks(domain), explicit: readExplicit(domain), allocationId: readAllocation(domain) };
}

function readXml(xml: string): Element {
  if (xml.length > maximumXmlCharacters) {
    throw new DroverError(
      'libvirt-failed',
      `the domain XML has ${xml.length} characters; at most ${maximumXmlCharacters} are read`,
      { field: 'domain XML' },
    );
  }
  // Every element is an array, so one disk and ten disks have one shape.
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '@',
    alwaysCreateTextNode: true,
    parseTagValue: false,
    parseAttributeValue: false,
    processEntities: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
    isArray: (_name, _path, _leaf, isAttribute) => !isAttribute,
  });
  try {
    return parser.parse(xml, true) as Element;
  } catch (cause) {
    throw new DroverError('libvirt-failed', `the domain XML cannot be read: ${String(cause)}`, {
      field: 'domain XML',
      cause,
    });
  }
}

function readDisks(domain: Element): DomainDisk[] {
  return children(only(domain, 'devices'), 'disk').map((disk) => ({
    target: attribute(only(disk, 'target'), 'dev') ?? '',
    source: readSource(only(disk, 'source')),
    type: readDiskType(attribute(disk, 'type')),
    cache: attribute(only(disk, 'driver'), 'cache'),
  }));
}

function readSource(source: Element | undefined): string | undefined {
  return attribute(source, 'file') ?? attribute(source, 'dev');
}

function readDiskType(type: string | undefined): DomainDisk['type'] {
  return type === 'file' || type === 'block' || type === 'network' ? type : 'other';
}

function readExplicit(domain: Element): ExplicitSettings {
  const tune = only(domain, 'cputune');
  const vcpu = only(domain, 'vcpu');
  // <vcpu cpuset> pins every vCPU and the emulator that have no pin of their own.
  const pinnedAll = attribute(vcpu, 'cpuset') !== undefined;
  const pinned = children(tune, 'vcpupin').map((pin) => Number(attribute(pin, 'vcpu')));
  const every = Array.from({ length: Number(text(vcpu) || '1') }, (_, index) => index);
  const has = (tag: string) => children(tune, tag).length > 0;
  return {
    vcpuPins: (pinnedAll ? every : pinned.filter(Number.isInteger)).toSorted((a, b) => a - b),
    emulatorPin: pinnedAll || has('emulatorpin'),
    vcpuBandwidth: has('period') || has('quota'),
    cpuShares: has('shares'),
    blockDevices: children(only(domain, 'blkiotune'), 'device')
      .map((device) => text(only(device, 'path')))
      .filter((path) => path !== ''),
  };
}

/** `<P:allocation xmlns:P="https://drover.dev/xmlns/1" id="…"/>`, whatever the prefix P. */
function readAllocation(domain: Element): string {
  for (const [tag, elements] of Object.entries(only(domain, 'metadata') ?? {})) {
    const [prefix, name] = tag.includes(':') ? (tag.split(':', 2) as [string, string]) : ['', tag];
    if (name !== 'allocation' || !Array.isArray(elements)) continue;
    const ours = elements.find(
      (element) => attribute(element, prefix === '' ? 'xmlns' : `xmlns:${prefix}`) === metadataNamespace,
    );
    if (ours) return attribute(ours, 'id') ?? '';
  }
  return '';
}

function children(element: Element | undefined, tag: string): Element[] {
  const found = element?.[tag];
  return Array.isArray(found) ? found : [];
}

function only(element: Element | undefined, tag: string): Element | undefined {
  return children(element, tag)[0];
}

function attribute(element: Element | undefined, name: string): string | undefined {
  const value = element?.[`@${name}`];
  return typeof value === 'string' ? unescape(value) : undefined;
}

function text(element: Element | undefined): string {
  const value = element?.['#text'];
  return typeof value === 'string' ? unescape(value) : '';
}

const named: Record<string, string> = { lt: '<', gt: '>', amp: '&', apos: "'", quot: '"' };

/** XML's own five entities and character numbers, which libvirt writes in names and paths. */
function unescape(escaped: string): string {
  return escaped.replaceAll(
    /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|(lt|gt|amp|apos|quot));/gi,
    (whole, hex?: string, decimal?: string, name?: string) => {
      if (name !== undefined) return named[name.toLowerCase()] ?? whole;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code <= 0x10_ff_ff ? String.fromCodePoint(code) : whole;
    },
  );
}
