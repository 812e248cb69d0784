/** The Tuning service: translate, call, answer. */
import type { ApplyProfileRequest } from '../../proto/gen/drover/v1/ApplyProfileRequest.js';
import type { ApplyProfileResponseInput } from '../../proto/gen/drover/v1/ApplyProfileResponse.js';
import type { GetProfileRequest } from '../../proto/gen/drover/v1/GetProfileRequest.js';
import type { ListProfilesResponseInput } from '../../proto/gen/drover/v1/ListProfilesResponse.js';
import type { Profile, ProfileInput } from '../../proto/gen/drover/v1/Profile.js';
import type { WithdrawProfileRequest } from '../../proto/gen/drover/v1/WithdrawProfileRequest.js';
import { invalid } from '../../proto/wire/errors.js';
import type { FleetControl } from '../fleet/control.js';
import { profileFor } from '../model/selector.js';
import type { Caller } from './fleet.js';

/** Most host names in an answer. */
const longestList = 1_000;

export function tuningHandlers(fleet: FleetControl) {
  const { profiles, directory } = fleet;

  /** Hosts that get this profile when `all` are there, by name: others may have a higher priority. */
  const hostsOf = (name: string, all: readonly Profile[]): string[] =>
    directory
      .all()
      .filter((host) => profileFor(host, all)?.name === name)
      .map((host) => host.name)
      .sort();

  /** How many hosts each profile has, by name: every host is looked at once. */
  const countHosts = (): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const host of directory.all()) {
      const name = profileFor(host, profiles.newest())?.name;
      if (name !== undefined) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  };

  const inForce = (profile: Profile): string[] => hostsOf(profile.name, profiles.newest());

  return {
    ApplyProfile: async (
      request: ApplyProfileRequest,
      caller: Caller,
    ): Promise<ApplyProfileResponseInput> => {
      if (!request.profile) throw invalid('profile', 'nothing', 'a profile');
      if (request.validateOnly) {
        const checked = profiles.check(request.profile);
        const others = profiles.newest().filter(({ name }) => name !== checked.name);
        const hosts = hostsOf(request.profile.name, [...others, { ...request.profile, withdrawn: false }]);
        return {
          profile: { ...checked, selectedHosts: hosts.length },
          created: false,
          selectedHosts: hosts.slice(0, longestList),
        };
      }
      const { profile, created } = await profiles.apply(request.profile, caller.name);
      const hosts = inForce(profile);
      return {
        profile: { ...profile, selectedHosts: hosts.length },
        created,
        selectedHosts: hosts.slice(0, longestList),
      };
    },

    ListProfiles: async (): Promise<ListProfilesResponseInput> => {
      const counts = countHosts();
      const counted = (profile: Profile) => ({ ...profile, selectedHosts: counts.get(profile.name) ?? 0 });
      return { profiles: profiles.newest().map(counted) };
    },

    GetProfile: async (request: GetProfileRequest): Promise<ProfileInput> => {
      const profile = profiles.get(request.name, request.revision);
      return { ...profile, selectedHosts: inForce(profile).length };
    },

    WithdrawProfile: async (request: WithdrawProfileRequest, caller: Caller): Promise<ProfileInput> =>
      profiles.withdraw(request.name, caller.name),
  };
}
