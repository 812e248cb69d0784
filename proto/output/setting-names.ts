/** Names of settings that differ in one part only: the number of a vCPU or interrupt, an address, a disk. Pure. */
import type { SettingStatus } from '../gen/drover/v1/SettingStatus.js';
import { formatCpuSet } from '../wire/cpu-set.js';

/** A setting's name with the part taken out in which it may differ from others of its kind. */
export interface Shape {
  /** The rest, with `#` in its place. */
  readonly words: string;
  readonly part?: string;
  /** The part is a number, and several make a range. */
  readonly isNumber?: boolean;
  /** Each domain has a part of its own, so that it says nothing between domains. */
  readonly isOwn?: boolean;
}

/** Most parts that are named in one line. */
const namedParts = 3;

const numberKinds: readonly RegExp[] = [
  /^((?:vcpu|iothread) )(\d+)( .*)$/,
  // An interrupt's label belongs to its number: of several only the numbers are said.
  /^(irq )(\d+)()(?: .*)?$/,
  /^(\S+ policy)(\d+)()$/,
  /^(\S+ \S+ cell )(\d+)()$/,
];
const address = /^(.* )((?:[0-9a-f]{2}:){5}[0-9a-f]{2})$/i;

/** The shape of a setting's name; one without a part of its own is whole. */
export function shapeOf({ tuner, setting }: Pick<SettingStatus, 'tuner' | 'setting'>): Shape {
  for (const kind of numberKinds) {
    const match = kind.exec(setting);
    if (match) return { words: `${match[1]}#${match[3]}`, part: match[2] as string, isNumber: true };
  }
  const interfaces = address.exec(setting);
  if (interfaces) return { words: `${interfaces[1]}#`, part: interfaces[2] as string, isOwn: true };
  const disk = tuner === 'block-queue' ? /^(\S+ )(\S+)$/.exec(setting) : null;
  return disk ? { words: `${disk[1]}#`, part: disk[2] as string } : { words: setting };
}

/** One name for several parts: `irq 24-27`, `inbound of 400 interfaces`; of one part, the name as it was. */
export function joinedName(
  { words, isNumber, isOwn }: Shape,
  parts: readonly string[],
  name: string,
): string {
  if (parts.length < 2) return name;
  if (isOwn) return words.replace('#', `of ${parts.length} interfaces`);
  if (isNumber) return words.replace('#', formatCpuSet(parts.map(Number)));
  const more = parts.length > namedParts ? ` and ${parts.length - namedParts} more` : '';
  return words.replace('#', `${parts.slice(0, namedParts).join(', ')}${more}`);
}
