/** Lists of the catalog, whole, and one of them by name. */
import type { Flavor } from '../../proto/gen/drover/v1/Flavor.js';
import type { HostAggregate } from '../../proto/gen/drover/v1/HostAggregate.js';
import type { ServerGroup } from '../../proto/gen/drover/v1/ServerGroup.js';
import { DroverError } from '../../proto/wire/errors.js';
import type { Api } from './client.js';
import { everyPage } from './paging.js';

export const allFlavors = (api: Api) =>
  everyPage(
    (pageToken) => api.call('Catalog', 'ListFlavors', { pageToken }),
    ({ flavors }) => flavors,
  );

export const allAggregates = (api: Api) =>
  everyPage(
    (pageToken) => api.call('Catalog', 'ListAggregates', { pageToken }),
    ({ aggregates }) => aggregates,
  );

export const allGroups = (api: Api) =>
  everyPage(
    (pageToken) => api.call('Catalog', 'ListServerGroups', { pageToken }),
    ({ serverGroups }) => serverGroups,
  );

/** A flavor by name; undefined: there is none. */
export async function findFlavor(api: Api, name: string): Promise<Flavor | undefined> {
  return (await allFlavors(api)).flavors.find((one) => one.name === name);
}

export async function findAggregate(api: Api, name: string): Promise<HostAggregate | undefined> {
  return (await allAggregates(api)).aggregates.find((one) => one.name === name);
}

/** By id or name. */
export async function findGroup(api: Api, idOrName: string): Promise<ServerGroup | undefined> {
  const { serverGroups } = await allGroups(api);
  return serverGroups.find(({ id }) => id === idOrName) ?? serverGroups.find(({ name }) => name === idOrName);
}

/** What was found. Errors: `not-found`, with the command that lists those that are known. */
export function known<Item>(found: Item | undefined, kind: string, name: string, list: string): Item {
  if (found !== undefined) return found;
  const cure = `${list} shows those that are known`;
  throw new DroverError('not-found', `${kind} ${name} is not known`, { field: 'name', value: name, cure });
}

/** Errors: `already-exists`. */
export function fresh(found: unknown, kind: string, name: string, change: string): void {
  if (found === undefined) return;
  const cure = `change it with ${change}`;
  throw new DroverError('already-exists', `there is a ${kind} named ${name}`, {
    field: 'name',
    value: name,
    cure,
  });
}
