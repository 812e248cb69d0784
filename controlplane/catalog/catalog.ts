/** What placement knows besides hosts, in one place: flavors, host aggregates, server groups, settings, zones. */
import type { CommitQueue } from '../fleet/directory.js';
import type { Registry } from '../fleet/registry.js';
import type { Flavor } from '../model/flavor.js';
import type { CheckedGuest } from '../model/numa/checked-guest.js';
import type { KnownNames } from '../model/request.js';
import type { SchedulerSettings } from '../model/scheduler-settings.js';
import type { Rules } from '../placement/select.js';
import type { Records } from '../store/store.js';
import { type AggregateParts, Aggregates } from './aggregates.js';
import { Flavors } from './flavors.js';
import { aliasNamed } from './pci-aliases.js';
import { type GroupMembers, ServerGroups } from './server-groups.js';
import type { Vocabulary } from './setting-list.js';
import { Settings } from './settings.js';
import { checkZone } from './zones.js';

export interface CatalogParts {
  readonly commits: CommitQueue;
  readonly registry: Registry;
  readonly hosts: AggregateParts['hosts'];
  /** Settings where nothing is set. */
  readonly defaults: SchedulerSettings;
  readonly vocabulary: Vocabulary;
  /** The rules that settings make. */
  rulesOf(settings: SchedulerSettings): Rules;
  membersOf(groupId: string): GroupMembers;
  /** Unix ms. */
  now(): number;
  newId(): string;
  readonly log: { warn(fields: object, message: string): void };
}

export class Catalog {
  readonly flavors: Flavors;
  readonly aggregates: Aggregates;
  readonly groups: ServerGroups;
  readonly settings: Settings;
  /** What requests may name. */
  readonly names: KnownNames;
  readonly #rulesOf: CatalogParts['rulesOf'];
  #rules: Rules;

  constructor(parts: CatalogParts) {
    const { commits, registry, now, newId, log } = parts;
    this.#rulesOf = parts.rulesOf;
    this.#rules = parts.rulesOf(parts.defaults);
    this.flavors = new Flavors(commits, now);
    this.groups = new ServerGroups({ commits, now, newId, membersOf: parts.membersOf });
    this.aggregates = new Aggregates({
      commits,
      now,
      hosts: parts.hosts,
      place: (hostId, aggregates) => registry.setAggregates(hostId, aggregates),
      failed: (error) =>
        log.warn({ error: String(error) }, 'a host that left is still named by an aggregate'),
    });
    this.settings = new Settings({
      commits,
      defaults: parts.defaults,
      vocabulary: parts.vocabulary,
      changed: (settings) => {
        this.#rules = this.#rulesOf(settings);
        registry.setDefaultZone(settings.defaultAvailabilityZone);
        registry.rulesChanged();
      },
      refused: (setting, error) =>
        log.warn({ setting, error }, 'stored setting not taken: its default holds'),
    });
    const guests = new WeakMap<Flavor, CheckedGuest>();
    this.names = {
      guestOf(flavor, read) {
        const guest = guests.get(flavor) ?? read();
        guests.set(flavor, guest);
        return guest;
      },
      flavor: (name, field) => this.flavors.get(name, field),
      alias: (name, field) => aliasNamed(this.settings.current, name, field),
      group: (idOrName, field) => this.groups.ofRequest(idOrName, field),
      checkZone: (zone, field) =>
        checkZone(registry.columns, this.settings.current.defaultAvailabilityZone, zone, field),
    };
  }

  /** Takes over what the store holds, once the hosts are in directory and registry. */
  load(records: Records): void {
    for (const room of [this.settings, this.flavors, this.groups, this.aggregates]) room.load(records);
  }

  /** The rules in force. They change with the settings: ask for each request. */
  readonly rules = (): Rules => this.#rules;

  /** The rules with some settings changed, for a look at what would be. Errors: `invalid-argument` naming the setting. */
  rulesWith(changes: Readonly<Record<string, string>>, field?: string): Rules {
    return this.#rulesOf(this.settings.with(changes, field));
  }
}
