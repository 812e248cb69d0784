/** Server groups, records `catalog/server-group/<id>`. Who is in one follows from the allocations. */
import type { ServerGroup as Message, ServerGroupInput } from '../../proto/gen/drover/v1/ServerGroup.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { codec } from '../../proto/wire/load.js';
import type { CommitQueue } from '../fleet/directory.js';
import type { GroupOfRequest } from '../model/request.js';
import { text, whole } from '../model/request-values.js';
import { groupPolicies, type ServerGroup } from '../model/server-group.js';
import type { Records } from '../store/store.js';
import { catalogLimits } from './limits.js';
import { checkCatalogName, Shelf } from './shelf.js';
import { unknownName } from './unknown-name.js';

/** Who is in a group now, claims that are on their way to the store included. */
export interface GroupMembers {
  /** UUIDs. */
  readonly members: readonly string[];
  /** Names of the hosts that they are on. */
  readonly hosts: readonly string[];
}

export interface ServerGroupParts {
  readonly commits: CommitQueue;
  /** Unix ms. */
  now(): number;
  newId(): string;
  membersOf(groupId: string): GroupMembers;
  readonly most?: number;
}

export class ServerGroups {
  readonly #parts: ServerGroupParts;
  readonly #shelf: Shelf<ServerGroupInput, Message>;
  readonly #idByName = new Map<string, string>();

  constructor(parts: ServerGroupParts) {
    this.#parts = parts;
    this.#shelf = new Shelf(parts.commits, {
      noun: 'server group',
      prefix: 'catalog/server-group/',
      codec: () => codec('ServerGroup'),
      keyOf: ({ id }) => id,
      nameOf: ({ name }) => name,
      most: parts.most ?? catalogLimits.serverGroups,
    });
  }

  load(records: Records): void {
    this.#shelf.load(records);
    for (const { id, name } of this.#shelf.all()) this.#idByName.set(name, id);
  }

  /** Every group by name, without its members. */
  all(): readonly Message[] {
    return this.#shelf.all();
  }

  /** As listings show it: with its members. */
  shown(record: Message): Message {
    const { members, hosts } = this.#parts.membersOf(record.id);
    return { ...record, members: [...members], hosts: [...hosts] };
  }

  /** A group by id or name. Errors: `not-found` with the nearest name. */
  resolve(idOrName: string, field = 'server_group'): Message {
    const found = this.#shelf.get(idOrName) ?? this.#shelf.get(this.#idByName.get(idOrName) ?? '');
    if (!found)
      throw unknownName('server group', idOrName, field, this.#idByName.keys(), 'drover group list');
    return found;
  }

  /** The rules of a group by id; undefined: there is none. */
  get(id: string): ServerGroup | undefined {
    const found = this.#shelf.get(id);
    return found && rulesOf(found);
  }

  /** A group as a request has it: rules, members and hosts of this moment. Errors: `not-found`. */
  ofRequest(idOrName: string, field: string): GroupOfRequest {
    const { id, policy, maxServerPerHost } = rulesOf(this.resolve(idOrName, field));
    return { id, policy, maxServerPerHost, ...this.#parts.membersOf(id) };
  }

  /** Makes a group; durable when it resolves. Errors: `invalid-argument`, `already-exists`, `resource-exhausted`. */
  async create(given: Message | null, field = 'server_group'): Promise<Message> {
    if (given === null) throw invalid(field, 'nothing', 'a server group with name and policy');
    const checked = checkGroup(given, field);
    return this.#shelf.inTurn(async () => {
      const { name } = checked;
      if (this.#idByName.has(name))
        throw new DroverError('already-exists', `there is a server group named ${name}`, {
          field: `${field}.name`,
          value: name,
        });
      const id = this.#parts.newId();
      const record = await this.#shelf.put(id, { ...checked, id, createdUnixMs: this.#parts.now() });
      this.#idByName.set(name, id);
      return this.shown(record);
    });
  }

  /** Errors: `not-found`; `failed-precondition` while it has members. */
  async delete(idOrName: string): Promise<void> {
    await this.#shelf.inTurn(async () => {
      const { id, name } = this.resolve(idOrName);
      const { members } = this.#parts.membersOf(id);
      if (members.length > 0)
        throw new DroverError(
          'failed-precondition',
          `server group ${name} has ${members.length} members; release their allocations first`,
          { field: 'server_group', value: name },
        );
      await this.#shelf.remove(id);
      this.#idByName.delete(name);
    });
  }
}

function rulesOf({ id, name, policy, maxServerPerHost }: Message): ServerGroup {
  return { id, name, policy, maxServerPerHost: maxServerPerHost || undefined };
}

/** Nova's rules: `max_server_per_host` belongs to anti-affinity alone. */
function checkGroup({ name, policy, maxServerPerHost, projectId }: Message, field: string) {
  checkCatalogName(name, `${field}.name`);
  if (!(groupPolicies as readonly string[]).includes(policy))
    throw invalid(`${field}.policy`, policy, `one of ${groupPolicies.join(', ')}`);
  if (maxServerPerHost !== 0 && policy !== 'anti-affinity')
    throw invalid(
      `${field}.max_server_per_host`,
      maxServerPerHost,
      'nothing, unless the policy is anti-affinity',
    );
  whole(maxServerPerHost, `${field}.max_server_per_host`, 0, catalogLimits.serversPerHost, 'servers');
  text(projectId, `${field}.project_id`, 255);
  return { name, policy, maxServerPerHost, projectId };
}
