// Original file: proto/drover/v1/fleet.proto

import type { HostInput as _drover_v1_HostInput, Host as _drover_v1_Host } from '../../drover/v1/Host.js';

export interface ListHostsResponseInput {
  'hosts'?: (_drover_v1_HostInput)[];
  'nextPageToken'?: (string);
  'total'?: (number);
}

export interface ListHostsResponse {
  'hosts': (_drover_v1_Host)[];
  'nextPageToken': (string);
  'total': (number);
}
