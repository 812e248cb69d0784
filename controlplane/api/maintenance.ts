/** Drain, maintenance and resume of the Fleet service: translate, call, answer. */
import type { MaintainHostRequest } from '../../proto/gen/drover/v1/MaintainHostRequest.js';
import type { MaintainHostResponseInput } from '../../proto/gen/drover/v1/MaintainHostResponse.js';
import type { ResumeHostRequest } from '../../proto/gen/drover/v1/ResumeHostRequest.js';
import type { FleetControl } from '../fleet/control.js';
import type { Maintenance, MaintenanceAnswer } from '../maintenance/maintenance.js';
import type { Caller } from './fleet.js';

export function maintenanceHandlers(fleet: FleetControl, maintenance: Maintenance) {
  const shown = ({ host, ...answer }: MaintenanceAnswer): MaintainHostResponseInput => ({
    ...answer,
    host: fleet.host(host),
  });
  return {
    MaintainHost: async (request: MaintainHostRequest, caller: Caller): Promise<MaintainHostResponseInput> =>
      shown(await maintenance.maintain(request, caller.name)),

    ResumeHost: async (request: ResumeHostRequest, caller: Caller): Promise<MaintainHostResponseInput> =>
      shown(await maintenance.resume(request, caller.name)),
  };
}
