/** JSON as Python reads and writes it, where Nova keeps JSON inside a text (`cpu_info`, `stats`). Pure. */
import { valueText, WrittenNumber } from './python-text.js';

/** Strings, so that numbers inside them stay; then numbers. */
const stringOrNumber = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Marks a number on its way through the parser. A string that begins so is taken for one and reads the same as text. */
const mark = '\0#';

/** The value of a JSON text, its numbers as WrittenNumber; undefined: no JSON. */
export function readJson(text: string): unknown {
  try {
    JSON.parse(text);
    const marked = text.replaceAll(stringOrNumber, (token) =>
      token.startsWith('"') ? token : `"\\u0000#${token}"`,
    );
    return JSON.parse(marked, (_key, value: unknown) =>
      typeof value === 'string' && value.startsWith(mark)
        ? new WrittenNumber(value.slice(mark.length))
        : value,
    );
  } catch {
    return undefined;
  }
}

/** A JSON text as `json.dumps` writes it: `{"a": [1, 2]}`, all beyond ASCII escaped. */
export function jsonText(value: unknown): string {
  if (typeof value === 'number' || value instanceof WrittenNumber) return valueText(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .map(([key, inner]) => `${ascii(key)}: ${jsonText(inner)}`)
      .join(', ')}}`;
  return ascii(value);
}

function ascii(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').replaceAll(
    /[\x7f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
