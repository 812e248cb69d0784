/** The Catalog service: translate, call, answer. */
import type { CreateServerGroupRequest } from '../../proto/gen/drover/v1/CreateServerGroupRequest.js';
import type { DeleteAggregateRequest } from '../../proto/gen/drover/v1/DeleteAggregateRequest.js';
import type { DeleteFlavorRequest } from '../../proto/gen/drover/v1/DeleteFlavorRequest.js';
import type { DeleteServerGroupRequest } from '../../proto/gen/drover/v1/DeleteServerGroupRequest.js';
import type { Flavor } from '../../proto/gen/drover/v1/Flavor.js';
import type { HostAggregate } from '../../proto/gen/drover/v1/HostAggregate.js';
import type { ListAggregatesRequest } from '../../proto/gen/drover/v1/ListAggregatesRequest.js';
import type { ListAggregatesResponseInput } from '../../proto/gen/drover/v1/ListAggregatesResponse.js';
import type { ListAvailabilityZonesResponseInput } from '../../proto/gen/drover/v1/ListAvailabilityZonesResponse.js';
import type { ListFlavorsRequest } from '../../proto/gen/drover/v1/ListFlavorsRequest.js';
import type { ListFlavorsResponseInput } from '../../proto/gen/drover/v1/ListFlavorsResponse.js';
import type { ListServerGroupsRequest } from '../../proto/gen/drover/v1/ListServerGroupsRequest.js';
import type { ListServerGroupsResponseInput } from '../../proto/gen/drover/v1/ListServerGroupsResponse.js';
import type { PutAggregateRequest } from '../../proto/gen/drover/v1/PutAggregateRequest.js';
import type { PutFlavorRequest } from '../../proto/gen/drover/v1/PutFlavorRequest.js';
import type { SchedulerSettings } from '../../proto/gen/drover/v1/SchedulerSettings.js';
import type { ServerGroup } from '../../proto/gen/drover/v1/ServerGroup.js';
import type { UpdateSchedulerSettingsRequest } from '../../proto/gen/drover/v1/UpdateSchedulerSettingsRequest.js';
import { codec } from '../../proto/wire/load.js';
import type { Catalog } from '../catalog/catalog.js';
import { availabilityZones } from '../catalog/zones.js';
import type { Registry } from '../fleet/registry.js';
import { page } from './page.js';

/** Bytes of one page: half of the largest message, and one record is always less than that. */
export const pageBytes = 4 * 2 ** 20;

interface PageRequest {
  readonly pageSize: number;
  readonly pageToken: string;
}

export function catalogHandlers(catalog: Catalog, registry: Registry) {
  const { flavors, aggregates, groups, settings } = catalog;
  return {
    ListFlavors: async (request: ListFlavorsRequest): Promise<ListFlavorsResponseInput> => {
      const { items, ...rest } = pageOf(flavors.all(), request, (one) => one, sizeOf('Flavor'));
      return { flavors: items, ...rest };
    },
    PutFlavor: async ({ flavor }: PutFlavorRequest): Promise<Flavor> => flavors.put(flavor),
    DeleteFlavor: async ({ name }: DeleteFlavorRequest): Promise<object> => {
      await flavors.delete(name);
      return {};
    },

    ListAggregates: async (request: ListAggregatesRequest): Promise<ListAggregatesResponseInput> => {
      const shown = (one: HostAggregate): HostAggregate => aggregates.shown(one);
      const { items, ...rest } = pageOf(aggregates.all(), request, shown, sizeOf('HostAggregate'));
      return { aggregates: items, ...rest };
    },
    PutAggregate: async ({ aggregate }: PutAggregateRequest): Promise<HostAggregate> =>
      aggregates.put(aggregate),
    DeleteAggregate: async ({ name }: DeleteAggregateRequest): Promise<object> => {
      await aggregates.delete(name);
      return {};
    },

    ListServerGroups: async (request: ListServerGroupsRequest): Promise<ListServerGroupsResponseInput> => {
      const shown = (one: ServerGroup): ServerGroup => groups.shown(one);
      const { items, ...rest } = pageOf(groups.all(), request, shown, sizeOf('ServerGroup'));
      return { serverGroups: items, ...rest };
    },
    CreateServerGroup: async ({ serverGroup }: CreateServerGroupRequest): Promise<ServerGroup> =>
      groups.create(serverGroup),
    DeleteServerGroup: async ({ serverGroup }: DeleteServerGroupRequest): Promise<object> => {
      await groups.delete(serverGroup);
      return {};
    },

    ListAvailabilityZones: async (): Promise<ListAvailabilityZonesResponseInput> => ({
      zones: availabilityZones(registry.columns),
    }),

    GetSchedulerSettings: async (): Promise<SchedulerSettings> => settings.shown(),
    UpdateSchedulerSettings: async (request: UpdateSchedulerSettingsRequest): Promise<SchedulerSettings> =>
      settings.update(request.settings),
  };
}

/** Bytes of a record as it travels. */
function sizeOf(name: 'Flavor' | 'HostAggregate' | 'ServerGroup'): (record: never) => number {
  return (record) => codec(name).encode(record).byteLength;
}

/** A page of records by name, as many as one message can carry and at least one. */
function pageOf<Item extends { readonly name: string }>(
  all: readonly Item[],
  { pageSize, pageToken }: PageRequest,
  shown: (item: Item) => Item,
  bytesOf: (item: never) => number,
) {
  const whole = page(all, pageSize, pageToken, ({ name }) => name);
  const fitting = fit(whole.items, shown, bytesOf);
  if (fitting.length === whole.items.length) return { ...whole, items: fitting };
  return { ...page(all, fitting.length, pageToken, ({ name }) => name), items: fitting };
}

function fit<Item>(
  items: readonly Item[],
  shown: (item: Item) => Item,
  bytesOf: (item: never) => number,
): Item[] {
  const fitting: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    const whole = shown(item);
    bytes += bytesOf(whole as never);
    if (bytes > pageBytes && fitting.length > 0) break;
    fitting.push(whole);
  }
  return fitting;
}
