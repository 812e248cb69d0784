// Original file: proto/drover/v1/catalog.proto

import type { ServerGroupInput as _drover_v1_ServerGroupInput, ServerGroup as _drover_v1_ServerGroup } from '../../drover/v1/ServerGroup.js';

export interface ListServerGroupsResponseInput {
  'serverGroups'?: (_drover_v1_ServerGroupInput)[];
  'nextPageToken'?: (string);
  'total'?: (number);
}

export interface ListServerGroupsResponse {
  'serverGroups': (_drover_v1_ServerGroup)[];
  'nextPageToken': (string);
  'total': (number);
}
