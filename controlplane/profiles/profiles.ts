/** Profiles as immutable revisions, records `profile/<name>/<revision>`, and the desired state that they give a host. */
import type { DesiredStateInput } from '../../proto/gen/drover/v1/DesiredState.js';
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import type { Profile, ProfileInput } from '../../proto/gen/drover/v1/Profile.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { codec } from '../../proto/wire/load.js';
import {
  canonicalJson,
  checkProfile,
  desiredDigest,
  encodeGuests,
  encodeTuners,
  failureWay,
  parseGuests,
  parseTuners,
} from '../../proto/wire/profile.js';
import type { CommitQueue } from '../fleet/directory.js';
import { profileFor } from '../model/selector.js';
import type { Records } from '../store/store.js';

/** Most profiles, and most revisions of one: old revisions beyond it are deleted with the commit that adds a new one. */
export const profileLimits = { profiles: 1_000, revisions: 100 } as const;

/** A desired state with all its fields. */
export type Desired = Required<
  Pick<
    DesiredStateInput,
    'profileName' | 'profileRevision' | 'tuners' | 'digest' | 'trialSeconds' | 'onFailure' | 'guests'
  >
>;

const nothingDesired: Desired = {
  profileName: '',
  profileRevision: 0,
  tuners: {},
  digest: desiredDigest('', 0, {}),
  trialSeconds: 0,
  onFailure: 'revert',
  guests: '',
};

const prefix = 'profile/';

export class Profiles {
  readonly #commits: CommitQueue;
  readonly #now: () => number;
  readonly #onChange: () => void;
  /** Revisions of each profile, oldest first. */
  readonly #revisions = new Map<string, Profile[]>();
  /** Newest revisions by name; undefined after a change. */
  #newest: Profile[] | undefined;
  readonly #desired = new WeakMap<Profile, Desired>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(commits: CommitQueue, now: () => number, onChange: () => void) {
    this.#commits = commits;
    this.#now = now;
    this.#onChange = onChange;
  }

  load(records: Records): void {
    for (const { value } of records.under(prefix)) this.#keep(codec('Profile').decode(value));
    for (const list of this.#revisions.values()) list.sort((a, b) => a.revision - b.revision);
  }

  /** The newest revision of every profile, by name. */
  newest(): readonly Profile[] {
    this.#newest ??= [...this.#revisions.values()]
      .map((list) => list.at(-1) as Profile)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#newest;
  }

  /** A revision; 0 is the newest. Errors: `not-found`. */
  get(name: string, revision: number): Profile {
    const list = this.#revisions.get(name);
    const found = revision === 0 ? list?.at(-1) : list?.find((profile) => profile.revision === revision);
    if (!found)
      throw new DroverError(
        'not-found',
        `profile ${name}${revision ? ` has no revision ${revision}` : ' is not known'}`,
        { field: 'name', value: name },
      );
    return found;
  }

  /** Checks a profile as it came over the wire, and gives it in stored form. Errors: `invalid-argument`. */
  check(input: Profile): ProfileInput {
    const { name, description, priority, selector, trialSeconds, onFailure } = input;
    const plainSelector = {
      hosts: selector?.hosts ?? [],
      labels: selector?.labels ?? {},
      availability_zones: selector?.availabilityZones ?? [],
    };
    const guests = parseGuests(input.guests);
    const document = checkProfile({
      name,
      description,
      priority,
      trial_seconds: trialSeconds,
      on_failure: failureWay(onFailure),
      selector: plainSelector,
      tuners: parseTuners(input.tuners),
      ...(guests && { guests }),
    });
    return {
      name,
      description,
      priority,
      selector: document.selector,
      tuners: encodeTuners(document.tuners),
      trialSeconds,
      onFailure: document.onFailure,
      guests: encodeGuests(document.guests),
    };
  }

  /** Stores a new revision, unless the newest has the same content. One at a time, so revisions have no holes. */
  async apply(input: Profile, author: string): Promise<{ profile: Profile; created: boolean }> {
    const checked = this.check(input);
    return this.#serially(async () => {
      const newest = this.#revisions.get(input.name)?.at(-1);
      if (newest && !newest.withdrawn && sameContent(newest, checked))
        return { profile: newest, created: false };
      if (!newest && this.#revisions.size >= profileLimits.profiles)
        throw new DroverError(
          'resource-exhausted',
          `there are ${profileLimits.profiles} profiles, the most there may be`,
        );
      return {
        profile: await this.#add({ ...checked, revision: (newest?.revision ?? 0) + 1, createdBy: author }),
        created: true,
      };
    });
  }

  /** A new revision that selects no host: its settings go back everywhere. Errors: `not-found`, `invalid-argument`. */
  withdraw(name: string, author: string): Promise<Profile> {
    return this.#serially(async () => {
      const newest = this.get(name, 0);
      if (newest.withdrawn) throw invalid('name', name, 'a profile that is not withdrawn already');
      return this.#add({ ...newest, revision: newest.revision + 1, withdrawn: true, createdBy: author });
    });
  }

  /** What a host should be: the settings of its profile, or the empty state where no profile selects it. */
  desiredFor(host: HostRecord): Desired {
    const profile = profileFor(host, this.newest());
    if (!profile) return nothingDesired;
    const known = this.#desired.get(profile) ?? desiredOf(profile);
    this.#desired.set(profile, known);
    return known;
  }

  async #add(input: ProfileInput): Promise<Profile> {
    const value = codec('Profile').encode({ ...input, createdUnixMs: this.#now() });
    const old = this.#revisions.get(input.name as string) ?? [];
    const surplus = old.slice(0, Math.max(0, old.length + 1 - profileLimits.revisions));
    const deletes = surplus.map((profile) => ({ key: keyOf(profile), value: undefined }));
    await this.#commits.submit([{ key: keyOf(input), value }, ...deletes]);
    this.#revisions.set(input.name as string, old.slice(surplus.length));
    const profile = this.#keep(codec('Profile').decode(value));
    this.#onChange();
    return profile;
  }

  #keep(profile: Profile): Profile {
    const list = this.#revisions.get(profile.name);
    this.#newest = undefined;
    if (list) list.push(profile);
    else this.#revisions.set(profile.name, [profile]);
    return profile;
  }

  #serially<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(work);
    this.#queue = result.catch(() => undefined);
    return result;
  }
}

function desiredOf({ name, revision, tuners, ...profile }: Profile): Desired {
  const { trialSeconds, guests } = profile;
  const more = { trialSeconds, onFailure: failureWay(profile.onFailure), guests };
  return {
    ...more,
    profileName: name,
    profileRevision: revision,
    tuners,
    digest: desiredDigest(name, revision, tuners, more),
  };
}

function keyOf(profile: Pick<ProfileInput, 'name' | 'revision'>): string {
  return `${prefix}${profile.name}/${String(profile.revision).padStart(10, '0')}`;
}

function sameContent(a: ProfileInput, b: ProfileInput): boolean {
  const content = ({
    description,
    priority,
    selector,
    tuners,
    trialSeconds,
    onFailure,
    guests,
  }: ProfileInput) =>
    canonicalJson({
      description: description ?? '',
      priority: priority ?? 0,
      selector,
      tuners,
      trialSeconds: trialSeconds ?? 0,
      onFailure: failureWay(onFailure ?? ''),
      guests: guests ?? '',
    });
  return content(a) === content(b);
}
