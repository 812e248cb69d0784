/** The Operations service: translate, call, answer. */
import type { GetOperationRequest } from '../../proto/gen/drover/v1/GetOperationRequest.js';
import type { ListOperationsRequest } from '../../proto/gen/drover/v1/ListOperationsRequest.js';
import type { ListOperationsResponseInput } from '../../proto/gen/drover/v1/ListOperationsResponse.js';
import type { OperationInput } from '../../proto/gen/drover/v1/Operation.js';
import type { StartOperationRequest } from '../../proto/gen/drover/v1/StartOperationRequest.js';
import { DroverError } from '../../proto/wire/errors.js';
import { encodeTuners, parseTuners } from '../../proto/wire/profile.js';
import type { FleetControl } from '../fleet/control.js';

export function operationHandlers(fleet: FleetControl) {
  const { operations, directory, sessions } = fleet;
  return {
    StartOperation: async (request: StartOperationRequest): Promise<OperationInput> => {
      const host = directory.resolve(request.host);
      const tuners = encodeTuners(parseTuners(request.tuners));
      const session = sessions.get(host.id);
      if (!session?.end)
        throw new DroverError('unavailable', `the agent of ${host.name} is not connected`, {
          field: 'host',
          value: host.name,
        });
      const operation = operations.start(host, request.kind, request.deadlineSeconds);
      const { id, kind } = operation;
      session.link.send(
        'operationRequest',
        { operationRequest: { id, kind, tuners, deadlineSeconds: request.deadlineSeconds } },
        false,
      );
      return operation;
    },

    GetOperation: async (request: GetOperationRequest): Promise<OperationInput> => operations.get(request.id),

    ListOperations: async (request: ListOperationsRequest): Promise<ListOperationsResponseInput> => ({
      operations: operations.list(request.host === '' ? '' : directory.resolve(request.host).id),
    }),
  };
}
