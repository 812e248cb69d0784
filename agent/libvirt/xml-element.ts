/** XML as a tree of plain objects, and the few questions that Drover asks of it. */
import { XMLParser } from 'fast-xml-parser';
import { DroverError } from '../../proto/wire/errors.js';

/** Far above any real definition; libvirt itself stops at 4 MiB for one string (REMOTE_STRING_MAX). */
const maximumXmlCharacters = 4 * 1024 * 1024;

/** An element: attributes under `@name`, children under their tags, text under `#text`. */
export interface Element {
  readonly [key: string]: Element[] | string | undefined;
}

/**
 * Reads a document. Entities other than XML's own five are not resolved and a DOCTYPE is ignored. Errors: `libvirt-failed`
 * when it is no XML or longer than 4 Mi characters.
 */
export function readXml(xml: string): Element {
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

/** Elements of one tag right below an element; none where the element is absent. */
export function children(element: Element | undefined, tag: string): Element[] {
  const found = element?.[tag];
  return Array.isArray(found) ? found : [];
}

/** The first of `children`. */
export function only(element: Element | undefined, tag: string): Element | undefined {
  return children(element, tag)[0];
}

/** An attribute's text, with XML's own entities resolved. */
export function attribute(element: Element | undefined, name: string): string | undefined {
  const value = element?.[`@${name}`];
  return typeof value === 'string' ? unescape(value) : undefined;
}

/** An element's own text, with XML's own entities resolved; empty where there is none. */
export function text(element: Element | undefined): string {
  const value = element?.['#text'];
  return typeof value === 'string' ? unescape(value) : '';
}

/**
 * Elements of a local name right below an element, whatever their prefix, each with that prefix (with its colon) and the
 * namespace that it declares on itself, as libvirt writes every element in <metadata>.
 */
export function namespaced(
  parent: Element | undefined,
  localName: string,
): { readonly element: Element; readonly prefix: string; readonly namespace: string }[] {
  return Object.entries(parent ?? {}).flatMap(([tag, elements]) => {
    const [prefix, name] = tag.includes(':') ? (tag.split(':', 2) as [string, string]) : ['', tag];
    if (name !== localName || !Array.isArray(elements)) return [];
    const declaration = prefix === '' ? 'xmlns' : `xmlns:${prefix}`;
    return elements.map((element) => ({
      element,
      prefix: prefix === '' ? '' : `${prefix}:`,
      namespace: attribute(element, declaration) ?? '',
    }));
  });
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
