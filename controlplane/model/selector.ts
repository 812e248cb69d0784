/** Which hosts a profile selects, and which profile a host gets. Pure. */
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import type { Profile } from '../../proto/gen/drover/v1/Profile.js';
import type { ProfileSelector } from '../../proto/gen/drover/v1/ProfileSelector.js';

/** True when every part of the selector that is given matches; an empty selector takes every host. */
export function selects(
  selector: ProfileSelector | null,
  host: Pick<HostRecord, 'name' | 'labels' | 'availabilityZone'>,
): boolean {
  if (!selector) return true;
  const byName =
    selector.hosts.length === 0 || selector.hosts.some((pattern) => matchesPattern(pattern, host.name));
  const byZone =
    selector.availabilityZones.length === 0 || selector.availabilityZones.includes(host.availabilityZone);
  return (
    byName && byZone && Object.entries(selector.labels).every(([key, value]) => host.labels[key] === value)
  );
}

/** The profile of a host: of those that select it the one with the highest priority, then the name that sorts first. */
export function profileFor(
  host: Pick<HostRecord, 'name' | 'labels' | 'availabilityZone'>,
  profiles: Iterable<Profile>,
): Profile | undefined {
  let best: Profile | undefined;
  for (const profile of profiles) {
    if (profile.withdrawn || !selects(profile.selector, host)) continue;
    if (
      !best ||
      profile.priority > best.priority ||
      (profile.priority === best.priority && profile.name < best.name)
    )
      best = profile;
  }
  return best;
}

/** `*` stands for any run of characters, `?` for one. Linear: no backtracking over nested stars. */
export function matchesPattern(pattern: string, name: string): boolean {
  let at = 0;
  let star = -1;
  let mark = 0;
  let p = 0;
  while (at < name.length) {
    if (pattern[p] === '*') {
      star = p++;
      mark = at;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === name[at])) {
      p++;
      at++;
    } else if (star >= 0) {
      p = star + 1;
      at = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}
