/**
 * Python's way with texts and numbers, where Nova's answer hangs on it: what counts as a blank, what reads as a number, and
 * how a value looks once it is text (Python 3 language reference, `str.split`, `float`, `int`, `repr`). Pure.
 */

/** Blanks of `float` and `int`: of ASCII only these six, unlike `str.split`. */
const numberBlanks = String.raw`\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000`;
/** Blanks of `str.split` and `str.strip`; JavaScript's own add U+FEFF and lack the separators below 32. */
const blanks = String.raw`\x1c-\x1f${numberBlanks}`;
const someBlanks = new RegExp(`[${blanks}]+`, 'u');
const outerBlanks = new RegExp(`^[${blanks}]+|[${blanks}]+$`, 'gu');
const outerNumberBlanks = new RegExp(`^[${numberBlanks}]+|[${numberBlanks}]+$`, 'gu');

const digits = String.raw`\d+(?:_\d+)*`;
const integer = new RegExp(`^[+-]?${digits}$`);
const decimal = new RegExp(
  String.raw`^[+-]?(?:${digits}(?:\.(?:${digits})?)?|\.${digits})(?:e[+-]?${digits})?$`,
  'i',
);
/** ASCII without any blank. */
const solid = /^[!-~]*$/;
/** ASCII that `repr` writes as it is. */
const unescaped = /^[ !#-&(-[\]-~]*$/;
/** What nearly every number looks like. */
const plainDecimal = /^-?\d+(?:\.\d+)?$/;
const plainInteger = /^-?\d+$/;
const unbounded = /^([+-]?)inf(?:inity)?$/i;
const notANumber = /^[+-]?nan$/i;

/** The text without blanks at both ends, as `str.strip()`. */
export function stripped(text: string): string {
  if (solid.test(text)) return text;
  return text.replaceAll(outerBlanks, '');
}

/** The words of a text, as `str.split()`: none of them empty. */
export function wordsOf(text: string): string[] {
  return text.split(someBlanks).filter((word) => word !== '');
}

/** What `float(text)` reads, `inf` and `nan` included; undefined where Python raises. */
export function readFloat(text: string): number | undefined {
  if (plainDecimal.test(text)) return Number(text);
  const plain = plainNumber(text);
  if (decimal.test(plain)) return Number(plain.replaceAll('_', ''));
  const infinite = unbounded.exec(plain);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  return notANumber.test(plain) ? Number.NaN : undefined;
}

/** What `int(text)` reads, rounded to a double; undefined where Python raises. */
export function readInteger(text: string): number | undefined {
  if (plainInteger.test(text)) return Number(text);
  const plain = plainNumber(text);
  return integer.test(plain) ? Number(plain.replaceAll('_', '')) : undefined;
}

/** Without outer blanks, and with ASCII digits for those of other scripts, which Python reads alike. */
function plainNumber(text: string): string {
  const bare = text.replaceAll(outerNumberBlanks, '');
  return /^[\0-\x7f]*$/.test(bare) ? bare : bare.replaceAll(/\p{Nd}/gu, asciiDigit);
}

/** Unicode keeps the decimal digits of a script together, 0 first; a run may hold several sets of ten. */
function asciiDigit(digit: string): string {
  let zero = digit.codePointAt(0) as number;
  const own = zero;
  while (/^\p{Nd}$/u.test(String.fromCodePoint(zero - 1))) zero--;
  return String((own - zero) % 10);
}

/** Less than 0, 0 or more: by code points, where JavaScript's `<` goes by UTF-16 units. */
export function compareTexts(one: string, other: string): number {
  const length = Math.min(one.length, other.length);
  for (let index = 0; index < length; index++) {
    if (one.charCodeAt(index) !== other.charCodeAt(index))
      return (codePointAround(one, index) as number) - (codePointAround(other, index) as number);
  }
  return one.length - other.length;
}

/** The code point at an index; of the second half of a pair, the pair's: what comes before is alike in both texts. */
function codePointAround(text: string, index: number): number | undefined {
  const inPair = index > 0 && (text.charCodeAt(index) & 0xfc00) === 0xdc00;
  return text.codePointAt(inPair ? index - 1 : index);
}

/** A number that knows how it was written: Python tells 4 from 4.0. */
export class WrittenNumber {
  readonly text: string;

  constructor(source: string) {
    this.text = /[.e]/i.test(source) ? floatText(Number(source)) : source === '-0' ? '0' : source;
  }
}

/** A float as `str()` writes it: `1.0`, `1e+16`, `1e-05`. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4))
    return value.toExponential().replace(/e([+-])(\d)$/, 'e$10$2');
  if (Object.is(value, -0)) return '-0.0';
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

/** A value of JSON as `str()` writes it; numbers that are whole count as integers unless a WrittenNumber says otherwise. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : representation(value);
}

function representation(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number') return Number.isInteger(value) ? String(value) : floatText(value);
  if (value instanceof WrittenNumber) return value.text;
  if (Array.isArray(value)) return `[${value.map(representation).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return 'None';
  return `{${Object.entries(value).map(pair).join(', ')}}`;
}

function pair([key, value]: [string, unknown]): string {
  return `${quoted(key)}: ${representation(value)}`;
}

function quoted(text: string): string {
  if (unescaped.test(text)) return `'${text}'`;
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`);
  return `${quote}${body.replaceAll(/[\p{C}\p{Z}]/gu, escaped)}${quote}`;
}

function escaped(character: string): string {
  const short = { ' ': ' ', '\n': '\\n', '\r': '\\r', '\t': '\\t' }[character];
  if (short !== undefined) return short;
  const point = character.codePointAt(0) as number;
  if (point < 0x100) return `\\x${point.toString(16).padStart(2, '0')}`;
  return point < 0x10000
    ? `\\u${point.toString(16).padStart(4, '0')}`
    : `\\U${point.toString(16).padStart(8, '0')}`;
}
