/** Numbers, sizes and flags in texts as oslo.utils reads them, since flavors and images are written for Nova. Pure. */
import { stripped } from '../python-text.js';

/** oslo's `is_int_like`: a whole number written the one usual way, without blanks, plus or leading zeros. */
export function isIntLike(text: string): boolean {
  return /^(0|-?[1-9]\d*)$/.test(text);
}

/** oslo's `bool_from_string`: what does not say yes says no. */
export function isTrue(text: string | undefined): boolean {
  return ['1', 't', 'true', 'on', 'y', 'yes'].includes(stripped(text ?? '').toLowerCase());
}

const prefixes: Readonly<Record<string, number>> = { K: 1, M: 2, G: 3, T: 4 };

/**
 * oslo's `string_to_bytes` with powers of 1024, rounded up to whole bytes: `2MB`, `1GiB`, `512KB`; `b` and `bit` are bits. A
 * size without `B` is none: `2M` gives undefined.
 */
export function bytesOf(text: string): number | undefined {
  const match = /^([-+]?\d*\.?\d+)(?:([KMGT])i?)?(b|bit|B)\n?$/.exec(text);
  if (!match) return undefined;
  const units = Number(match[1]) / (match[3] === 'B' ? 1 : 8);
  return Math.ceil(units * 1024 ** (prefixes[match[2] ?? ''] ?? 0));
}
