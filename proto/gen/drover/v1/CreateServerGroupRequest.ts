// Original file: proto/drover/v1/catalog.proto

import type { ServerGroupInput as _drover_v1_ServerGroupInput, ServerGroup as _drover_v1_ServerGroup } from '../../drover/v1/ServerGroup.js';

export interface CreateServerGroupRequestInput {
  'serverGroup'?: (_drover_v1_ServerGroupInput | null);
}

export interface CreateServerGroupRequest {
  'serverGroup': (_drover_v1_ServerGroup | null);
}
