/** Which PCI devices of a host its guests may have: what a spec of the configuration matches. Pure. */

/** One of `passthrough` in agent.yaml, in normal form. What is absent matches every device. */
export interface DeviceSpec {
  /** Four hexadecimal digits in lower case: 8086. */
  readonly vendorId?: string | undefined;
  readonly productId?: string | undefined;
  /** 0000:3b:00.1 in lower case, `*` in place of a part that may be any. */
  readonly address?: string | undefined;
  readonly tags: Readonly<Record<string, string>>;
}

/** What a device is told by. */
export interface PciIdentity {
  readonly address: string;
  readonly vendorId: string;
  readonly productId: string;
  /** Address of the physical function that it is a virtual one of; undefined: it is none. */
  readonly parent: string | undefined;
}

/** Domain, bus, slot and function: how many digits each has in its normal form, and the most that it may be. */
const parts = [
  { digits: 4, most: 0xffff },
  { digits: 2, most: 0xff },
  { digits: 2, most: 0x1f },
  { digits: 1, most: 7 },
] as const;

/** An address or a pattern of addresses in the form of `DeviceSpec.address`; undefined for what is none. */
export function normalAddress(text: string): string | undefined {
  const written = /^([\da-f]+|\*):([\da-f]+|\*):([\da-f]+|\*)\.([\da-f]|\*)$/i.exec(text)?.slice(1);
  const normal = written?.map((part, index) => normalPart(part, parts[index] as (typeof parts)[number]));
  if (!normal || normal.includes(undefined)) return undefined;
  return `${normal.slice(0, 3).join(':')}.${normal[3]}`;
}

function normalPart(part: string, { digits, most }: (typeof parts)[number]): string | undefined {
  if (part === '*') return part;
  const isOne = part.length <= digits && Number.parseInt(part, 16) <= most;
  return isOne ? part.toLowerCase().padStart(digits, '0') : undefined;
}

/**
 * Whether a spec matches a device. The plain address of a physical function matches its virtual ones too, as in Nova's
 * `WhitelistPciAddress.match`.
 */
export function matches(spec: DeviceSpec, { address, vendorId, productId, parent }: PciIdentity): boolean {
  if (spec.vendorId !== undefined && spec.vendorId !== vendorId) return false;
  if (spec.productId !== undefined && spec.productId !== productId) return false;
  if (spec.address === undefined) return true;
  return spec.address === parent || isWithin(spec.address, address);
}

function isWithin(pattern: string, address: string): boolean {
  if (!pattern.includes('*')) return pattern === address;
  const wanted = pattern.split(/[:.]/);
  return address.split(/[:.]/).every((part, index) => wanted[index] === '*' || wanted[index] === part);
}

/** A spec as it stands in the configuration, without its tags. */
export function inWords({ vendorId, productId, address }: DeviceSpec): string {
  return Object.entries({ vendor_id: vendorId, product_id: productId, address })
    .flatMap(([key, value]) => (value === undefined ? [] : [`${key} ${value}`]))
    .join(', ');
}
