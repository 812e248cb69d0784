import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { ConditionInput as _drover_v1_ConditionInput, Condition as _drover_v1_Condition } from './drover/v1/Condition.js';
import type { HealthClient as _drover_v1_HealthClient, HealthDefinition as _drover_v1_HealthDefinition } from './drover/v1/Health.js';
import type { ListConditionsRequestInput as _drover_v1_ListConditionsRequestInput, ListConditionsRequest as _drover_v1_ListConditionsRequest } from './drover/v1/ListConditionsRequest.js';
import type { ListConditionsResponseInput as _drover_v1_ListConditionsResponseInput, ListConditionsResponse as _drover_v1_ListConditionsResponse } from './drover/v1/ListConditionsResponse.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  drover: {
    v1: {
      Condition: MessageTypeDefinition<_drover_v1_ConditionInput, _drover_v1_Condition>
      Health: SubtypeConstructor<typeof grpc.Client, _drover_v1_HealthClient> & { service: _drover_v1_HealthDefinition }
      ListConditionsRequest: MessageTypeDefinition<_drover_v1_ListConditionsRequestInput, _drover_v1_ListConditionsRequest>
      ListConditionsResponse: MessageTypeDefinition<_drover_v1_ListConditionsResponseInput, _drover_v1_ListConditionsResponse>
    }
  }
}

