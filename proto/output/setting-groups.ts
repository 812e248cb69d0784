/** Settings that say the same of many vCPUs, interrupts, interfaces, disks and domains, each said once. Pure. */
import type { SettingStatus } from '../gen/drover/v1/SettingStatus.js';
import { shapeOf, joinedName, type Shape } from './setting-names.js';

/** One line of a plan: what it says, and of which domains. */
export interface SettingGroup {
  /** The first of those that are alike; only setting, domain, numbers and what shows the effect may differ. */
  readonly one: SettingStatus;
  /** `vcpu 0-3 affinity` where it stands for several. */
  readonly setting: string;
  /** Names of domains, in the order in which they came; empty: the host. */
  readonly domains: readonly string[];
  /** Settings that it stands for. */
  readonly count: number;
  /**
   * Why, without the names of those who feel it, which a plan says in its own place; `*` stands for the name of each domain
   * where it speaks of several, as in the path of an image.
   */
  readonly reason: string;
  /** What shows the effect; where it differs from one to the next, that of the first with its domain. */
  readonly evidence: string;
}

/** Groups in the order of their first setting. Alike are settings with one tuner, outcome, reason, old and new value. */
export function groupSettings(settings: readonly SettingStatus[]): SettingGroup[] {
  return gather(gather(settings.map(alone), withinDomain).map(numbered), acrossDomains).map(joined);
}

interface Member {
  readonly group: SettingGroup;
  readonly shape: Shape;
  /** The setting's name as it is compared with those of other domains. */
  readonly name: string;
  /** The reason with `*` for the domain's own name and UUID. */
  readonly nameless: string;
  readonly parts: readonly string[];
  readonly evidences: readonly string[];
}

function alone(one: SettingStatus): Member {
  const { setting, domainName, domainUuid, evidence } = one;
  const domains = domainName === '' && domainUuid === '' ? [] : [domainName || domainUuid];
  const shape = shapeOf(one);
  const reason = reasonOf(one);
  return {
    group: { one, setting, domains, count: 1, reason, evidence },
    ...{
      shape,
      name: setting,
      nameless: withoutName(reason, one),
      parts: shape.part === undefined ? [] : [shape.part],
      evidences: [evidence],
    },
  };
}

/** The agent names those who feel a change after their restart; `affects` has all of them. */
function reasonOf({ reason, effect }: SettingStatus): string {
  return effect === 'domain-restart' ? reason.replace(/(^|; )felt after a restart of [^;]*$/, '') : reason;
}

function withoutName(reason: string, { domainName, domainUuid }: SettingStatus): string {
  return [domainUuid, domainName].filter((name) => name !== '').reduce(starsFor, reason);
}

/** The text with a star wherever `name` stands as a word of its own. */
function starsFor(text: string, name: string): string {
  const parts = text.split(name);
  return parts.reduce((all, part) => {
    const isWord = /\w$/.test(all) || /^\w/.test(part);
    return `${all}${isWord ? name : '*'}${part}`;
  });
}

function sameWords({ group: { one }, nameless }: Member): string {
  const { tuner, now, wanted, outcome, effect, original } = one;
  return JSON.stringify([tuner, now, wanted, outcome, nameless, effect, original]);
}

const withinDomain = (member: Member): string =>
  `${member.shape.words}|${member.group.domains[0] ?? ''}|${sameWords(member)}`;

const acrossDomains = (member: Member): string =>
  `${member.name}|${member.group.domains.length > 0}|${sameWords(member)}`;

function gather(members: readonly Member[], keyOf: (member: Member) => string): Member[][] {
  const byKey = new Map<string, Member[]>();
  for (const member of members) {
    const key = keyOf(member);
    const known = byKey.get(key);
    if (known) known.push(member);
    else byKey.set(key, [member]);
  }
  return [...byKey.values()];
}

/** vCPUs of one domain that are alike, as one. Interfaces go by their number of the kind, since each has its own address. */
function numbered(members: readonly Member[]): Member {
  const [first] = members as [Member];
  const { shape } = first;
  const parts = members.flatMap((member) => member.parts);
  const setting = joinedName(shape, parts, first.group.setting);
  return {
    ...first,
    ...{ parts, name: shape.isOwn ? shape.words : setting },
    evidences: members.flatMap((member) => member.evidences),
    group: { ...first.group, setting, count: members.length },
  };
}

/** The same of several domains, as one. */
function joined(members: readonly Member[]): SettingGroup {
  const [{ group, shape, parts, nameless }] = members as [Member];
  const reasons = new Set(members.map((member) => member.group.reason));
  const evidences = new Set(members.flatMap((member) => member.evidences));
  const all = shape.isOwn ? members.flatMap((member) => member.parts) : parts;
  return {
    ...group,
    setting: joinedName(shape, all, group.setting),
    domains: [...new Set(members.flatMap((member) => member.group.domains))],
    count: members.reduce((sum, member) => sum + member.group.count, 0),
    reason: reasons.size > 1 ? nameless : group.reason,
    evidence: evidences.size > 1 ? suchAs(group) : group.evidence,
  };
}

function suchAs({ evidence, domains: [domain], one }: SettingGroup): string {
  return evidence === '' ? '' : `such as ${domain ?? one.setting}: ${evidence}`;
}
