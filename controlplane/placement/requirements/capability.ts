/**
 * What a host has under a capability key such as `cpu_info:topology:cores`: first Nova's attribute of that name, then the
 * host's `stats`; deeper keys go into objects, and into the JSON that a text holds. Nova `compute_capabilities_filter.py`.
 */
import type { Columns } from '../../fleet/registry-resources.js';
import { readJson } from '../../model/python-json.js';
import { valueText, WrittenNumber } from '../../model/python-text.js';
import { attributeOf, attributeText, cpuInfoText, keptText } from './host-attributes.js';

/** Texts whose JSON is kept while a request is decided; hosts of one kind say the same. */
const keptTexts = 1024;

/** The JSON of texts, each read once while it is among the last. */
export class JsonTexts {
  readonly #values = new Map<string, unknown>();

  /** The value; undefined: no JSON. */
  read(text: string): unknown {
    if (this.#values.has(text)) return this.#values.get(text);
    if (this.#values.size >= keptTexts) this.#values.clear();
    const value = readJson(text);
    this.#values.set(text, value);
    return value;
  }

  get size(): number {
    return this.#values.size;
  }
}

export interface Capability {
  /** The host knows the key at all: Nova's attributes are known of every host, others where its stats have them. */
  readonly isKnown: (row: number) => boolean;
  /** Known of every host. */
  readonly isAttribute: boolean;
  /** What the host has, a list or an object as its text already; undefined: nothing. */
  readonly valueOf: (row: number) => unknown;
  /** A value as Nova compares it. */
  readonly textOf: (value: unknown) => string;
}

/** The capability of a key, for the hosts of a registry. */
export function capabilityOf(key: string, columns: Columns, texts: JsonTexts): Capability {
  const [first = '', ...deeper] = key.split(':');
  const attribute = attributeOf(first);
  const readFirst = readerOf(first);
  const readers = deeper.map(readerOf);
  const top = first === 'cpu_info' && deeper.length === 0 ? cpuInfoText : attribute;
  return {
    isKnown: (row) => attribute !== undefined || Object.hasOwn(columns.detailsOf(row).stats, first),
    isAttribute: attribute !== undefined,
    valueOf: (row) => {
      let value = top?.(columns, row) ?? readFirst(columns.detailsOf(row).stats);
      for (let depth = 0; depth < readers.length && value !== undefined; depth++)
        value = inside(value, readers[depth] as Reader, texts);
      if (typeof value === 'object' && value !== null) return keptText(value, columns, valueText);
      return value ?? undefined;
    },
    textOf: (value) => (deeper.length === 0 ? attributeText(first, value) : valueText(value)),
  };
}

function inside(value: unknown, read: Reader, texts: JsonTexts): unknown {
  const whole = typeof value === 'string' ? texts.read(value) : value;
  if (typeof whole !== 'object' || whole === null) return undefined;
  return Array.isArray(whole) || whole instanceof WrittenNumber ? undefined : read(whole);
}

type Reader = (object: object) => unknown;

/** Reads an object's own property. A name that no object inherits needs no look at whose it is, which would be slower. */
function readerOf(name: string): Reader {
  const inherited = name in Object.prototype;
  return (object) =>
    inherited && !Object.hasOwn(object, name) ? undefined : (object as Record<string, unknown>)[name];
}
