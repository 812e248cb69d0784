/** The Fleet service: translate, call, answer. */
import type { CreateJoinTokenRequest } from '../../proto/gen/drover/v1/CreateJoinTokenRequest.js';
import type { CreateJoinTokenResponseInput } from '../../proto/gen/drover/v1/CreateJoinTokenResponse.js';
import type { DeleteHostRequest } from '../../proto/gen/drover/v1/DeleteHostRequest.js';
import type { GetHostRequest } from '../../proto/gen/drover/v1/GetHostRequest.js';
import type { Host } from '../../proto/gen/drover/v1/Host.js';
import type { HostDetailInput } from '../../proto/gen/drover/v1/HostDetail.js';
import type { ListDomainsRequest } from '../../proto/gen/drover/v1/ListDomainsRequest.js';
import type { ListDomainsResponseInput } from '../../proto/gen/drover/v1/ListDomainsResponse.js';
import type { ListHostsRequest } from '../../proto/gen/drover/v1/ListHostsRequest.js';
import type { ListHostsResponseInput } from '../../proto/gen/drover/v1/ListHostsResponse.js';
import type { UpdateHostRequest } from '../../proto/gen/drover/v1/UpdateHostRequest.js';
import type { FleetControl } from '../fleet/control.js';
import { hostChange } from '../model/host-change.js';
import { page } from './page.js';

/** Makes join tokens; `controlplane/security/join-tokens.ts` is one. */
export interface TokenMaker {
  create(ttlSeconds: number, hostName: string, createdBy: string): Promise<CreateJoinTokenResponseInput>;
}

/** Who calls, as the certificate says. */
export interface Caller {
  readonly name: string;
}

export function fleetHandlers(fleet: FleetControl, tokens: TokenMaker) {
  return {
    ListHosts: async (request: ListHostsRequest): Promise<ListHostsResponseInput> => {
      const { availabilityZone, pageSize, pageToken } = request;
      const inZone = fleet.directory
        .all()
        .filter((host) => availabilityZone === '' || fleet.zoneOf(host) === availabilityZone);
      const { items, nextPageToken, total } = page(inZone, pageSize, pageToken, ({ name }) => name);
      return { hosts: items.map((record) => fleet.host(record)), nextPageToken, total };
    },

    GetHost: async (request: GetHostRequest): Promise<HostDetailInput> =>
      fleet.detail(fleet.directory.resolve(request.host)),

    UpdateHost: async (request: UpdateHostRequest): Promise<Host> => {
      const host = fleet.directory.resolve(request.host);
      return fleet.host(await fleet.directory.update(host.id, (before) => hostChange(before, request)));
    },

    DeleteHost: async (request: DeleteHostRequest): Promise<object> => {
      await fleet.remove(fleet.directory.resolve(request.host).id);
      return {};
    },

    ListDomains: async (request: ListDomainsRequest): Promise<ListDomainsResponseInput> => {
      const only = request.host === '' ? undefined : fleet.directory.resolve(request.host).id;
      const { items, nextPageToken, total } = page(
        fleet.domains(only),
        request.pageSize,
        request.pageToken,
        (domain) => `${domain.hostName}/${domain.name}/${domain.uuid}`,
      );
      return { domains: items, nextPageToken, total };
    },

    CreateJoinToken: async (
      request: CreateJoinTokenRequest,
      caller: Caller,
    ): Promise<CreateJoinTokenResponseInput> =>
      tokens.create(request.ttlSeconds, request.hostName, caller.name),
  };
}
