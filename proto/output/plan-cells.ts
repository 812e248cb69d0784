/** What the cells of a plan say: from which value to which, where, and why. Pure. */
import { formatBytes } from '../wire/units.js';
import { displayWidth } from './display-width.js';
import type { SettingGroup } from './setting-groups.js';
import { nothing, orNothing } from './words.js';

/** Most domain names in one line; a host may run thousands. */
const namedDomains = 3;
/** Values longer than this are shown by what is added and taken away. */
const longValue = 40;
/** Arrows stand under each other where the old values are no wider than this. */
const alignedWidth = 20;
/** The agent tells no more names of those who feel a change. */
const toldAffected = 64;

/** `0-1 → 1` for each group, the arrows under each other; of long values the words that come (+) and go (-). */
export function changesOf(groups: readonly SettingGroup[]): (group: SettingGroup) => string {
  const before = new Map(groups.map((group) => [group, readable(group, group.one.now)]));
  const width = Math.max(0, ...[...before.values()].map(displayWidth).filter((one) => one <= alignedWidth));
  return (group) => {
    const { now, wanted } = group.one;
    // A tuner that could not look knows neither.
    if (now === '' && wanted === '') return nothing;
    const difference = wordsApart(now, wanted);
    if (difference !== undefined) return difference;
    const text = before.get(group) ?? readable(group, now);
    const padding = ' '.repeat(Math.max(0, width - displayWidth(text)));
    return `${padding}${text} → ${readable(group, wanted)}`;
  };
}

/** Of two long lists of words what differs, `+hugepages=4 -quiet`; undefined: the values are short, or differ otherwise. */
function wordsApart(now: string, wanted: string): string | undefined {
  if (now.length <= longValue && wanted.length <= longValue) return undefined;
  const [old, fresh] = [now, wanted].map((text) => text.split(/\s+/)) as [string[], string[]];
  const come = fresh.filter((word) => !old.includes(word));
  const gone = old.filter((word) => !fresh.includes(word));
  const isSame = come.length + gone.length === 0 || come.length === fresh.length;
  return isSame
    ? undefined
    : [...come.map((word) => `+${word}`), ...gone.map((word) => `-${word}`)].join(' ');
}

/** A value; numbers of bytes with their size in words, and what a control group says for none as that. */
export function readable({ one: { setting } }: Pick<SettingGroup, 'one'>, value: string): string {
  if (!/bytes|^memory\./.test(`${setting} ${value}`)) return orNothing(value);
  if (/^\d{19,}$/.test(value) || (setting.startsWith('memory.') && value === 'max')) return 'no limit';
  return orNothing(value).replaceAll(
    /(^|bytes[a-z_]*[ =])(\d{7,})/g,
    (_all, lead: string, digits: string) => {
      return `${lead}${digits} (${formatBytes(Number(digits))})`;
    },
  );
}

/** `web-1, web-2`, `web-1, web-2 and 198 more`, `all 200 domains` or `host`. `total`: domains that the plan looked at. */
export function whereOf(domains: readonly string[], total: number): string {
  if (domains.length === 0) return 'host';
  if (domains.length <= namedDomains) return domains.join(', ');
  if (domains.length === total) return `all ${total} domains`;
  return `${domains.slice(0, namedDomains - 1).join(', ')} and ${domains.length - namedDomains + 1} more`;
}

/** The reason, or else who feels a change of the host. */
export function remarkOf({ one: { affects }, domains, reason }: SettingGroup, total: number): string {
  if (reason !== '') return reason;
  if (domains.length > 0 || affects.length === 0) return nothing;
  return affects.length >= toldAffected
    ? `felt by ${affects.length} domains or more`
    : `felt by ${whereOf(affects, total)}`;
}
