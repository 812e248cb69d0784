/** IP addresses and networks as Python's netaddr 0.8 reads them for Nova. Pure. */
import { readInteger } from '../../model/python-text.js';

/** The character `.`, counted from `0`. */
const dot = -2;

/** Bytes of an address, highest first: 4 or 16. */
export type IpAddress = readonly number[];

export interface IpNetwork {
  readonly address: IpAddress;
  /** Bits that count. */
  readonly prefix: number;
}

/** An IPv4 or IPv6 address written in full or with `::`; undefined where it is none. */
export function readIpAddress(text: string): IpAddress | undefined {
  return readIpv4(text) ?? readIpv6(text);
}

/**
 * A network: an address, and behind a slash its bits, netmask or hostmask; without a slash the address alone. Octets that are
 * missing at the end of an IPv4 address are 0. undefined where it is none.
 */
export function readIpNetwork(text: string): IpNetwork | undefined {
  const slash = text.indexOf('/');
  const [first, bits] = slash < 0 ? [text, undefined] : [text.slice(0, slash), text.slice(slash + 1)];
  return (
    network(readIpv4(first) ?? readPartial(first), bits, readIpv4) ?? network(readIpv6(first), bits, readIpv6)
  );
}

/** Whether an address is in a network; one of the other family never is. */
export function isInNetwork(address: IpAddress, { address: base, prefix }: IpNetwork): boolean {
  if (address.length !== base.length) return false;
  const whole = prefix >>> 3;
  for (let index = 0; index < whole; index++) if (address[index] !== base[index]) return false;
  const rest = (0xff00 >> (prefix & 7)) & 0xff;
  return rest === 0 || ((address[whole] as number) & rest) === ((base[whole] as number) & rest);
}

function network(
  address: IpAddress | undefined,
  bits: string | undefined,
  readMask: (text: string) => IpAddress | undefined,
): IpNetwork | undefined {
  if (!address) return undefined;
  const width = address.length * 8;
  const prefix = bits === undefined ? width : (readInteger(bits) ?? maskBits(readMask(bits)));
  return prefix !== undefined && prefix >= 0 && prefix <= width ? { address, prefix } : undefined;
}

/** Ones of a netmask, or zeros of a hostmask; undefined where ones and zeros are mixed. */
function maskBits(mask: IpAddress | undefined): number | undefined {
  if (!mask) return undefined;
  const bits = mask.map((byte) => byte.toString(2).padStart(8, '0')).join('');
  if (/^1*0*$/.test(bits)) return bits.lastIndexOf('1') + 1;
  return /^0*1*$/.test(bits) ? bits.indexOf('1') : undefined;
}

/** Four decimal octets without leading zeros. Character by character: it is asked of every host. */
function readIpv4(text: string): IpAddress | undefined {
  const bytes: number[] = [];
  let start = 0;
  let byte = 0;
  for (let index = 0; index <= text.length; index++) {
    const digit = text.charCodeAt(index) - 48;
    const isEnd = index === text.length || digit === dot;
    if (!isEnd && (!(digit >= 0 && digit <= 9) || (byte === 0 && index > start))) return undefined;
    if (!isEnd) byte = byte * 10 + digit;
    if (byte > 255 || (isEnd && index === start)) return undefined;
    if (!isEnd) continue;
    bytes.push(byte);
    start = index + 1;
    byte = 0;
  }
  return bytes.length === 4 ? bytes : undefined;
}

function readPartial(text: string): IpAddress | undefined {
  const parts = text.split('.').map(readInteger);
  if (parts.length > 4 || parts.includes(undefined)) return undefined;
  return readIpv4([...parts, 0, 0, 0].slice(0, 4).join('.'));
}

function readIpv6(text: string): IpAddress | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, index) => readGroups(half, index === halves.length - 1));
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const zeros = 16 - head.length - (tail?.length ?? 0);
  if (tail ? zeros < 2 : zeros !== 0) return undefined;
  return [...head, ...Array.from({ length: zeros }, () => 0), ...(tail ?? [])];
}

/** Groups of up to four hexadecimal digits; the last may be an IPv4 address where the whole ends with it. */
function readGroups(text: string, isEnd: boolean): number[] | undefined {
  if (text === '') return [];
  const groups = text.split(':');
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    const embedded = isEnd && index === groups.length - 1 ? readIpv4(group) : undefined;
    if (!embedded && !/^[\da-f]{1,4}$/i.test(group)) return undefined;
    const value = Number.parseInt(group, 16);
    bytes.push(...(embedded ?? [value >>> 8, value & 0xff]));
  }
  return bytes;
}
