/** How a guest is stopped and started. Pure. */
import type { GuestRule, GuestSettings } from '../../proto/wire/guest-settings.js';
import type { DomainView } from '../libvirt/hypervisor.js';
import type { Guest, GuestPolicy } from './guest.js';

/** A guest without a number stands between those that are to come first and those that are to come last. */
export const middleOrder = 1000;

/** A guest of a domain: its metadata over the first rule that names it over the profile's defaults, key by key. */
export function guestOf(domain: DomainView, settings: GuestSettings): Guest {
  const { uuid, name, id } = domain;
  return { uuid, name, id, policy: policyOf(domain, settings) };
}

/** See `guestOf`. */
export function policyOf(
  { name, guest }: Pick<DomainView, 'name' | 'guest'>,
  { rules, stop }: GuestSettings,
): GuestPolicy {
  const rule: Partial<GuestRule> =
    rules.find(({ domains }) => domains.some((one) => matches(name, one))) ?? {};
  return {
    order: guest.order ?? rule.order ?? middleOrder,
    after: guest.after ?? rule.after ?? [],
    graceMs: (guest.graceSeconds ?? rule.grace_seconds ?? stop.grace_seconds) * 1000,
    ask: [...new Set(guest.ask ?? rule.ask ?? stop.ask)],
    // oxlint-disable-next-line unicorn/no-thenable -- a word of the profile; nobody awaits a policy
    then: guest.then ?? rule.then ?? stop.then,
    resume: guest.resume ?? rule.resume ?? true,
  };
}

/**
 * `*` stands for any text and `?` for one character, as in the hosts of a selector. It takes name times pattern steps at
 * most, whatever the pattern: where a character does not match, only the latest star takes one more.
 */
export function matches(name: string, pattern: string): boolean {
  let at = 0;
  let sign = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    if (pattern[sign] === '*') {
      star = sign++;
      starAt = at;
    } else if (pattern[sign] === '?' || pattern[sign] === name[at]) {
      at++;
      sign++;
    } else if (star >= 0) {
      sign = star + 1;
      at = ++starAt;
    } else return false;
  }
  while (pattern[sign] === '*') sign++;
  return sign === pattern.length;
}
