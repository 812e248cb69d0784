/** The Health service: translate, call, answer. */
import type { ListConditionsRequest } from '../../proto/gen/drover/v1/ListConditionsRequest.js';
import type { ListConditionsResponseInput } from '../../proto/gen/drover/v1/ListConditionsResponse.js';
import type { FleetControl } from '../fleet/control.js';

/** Most conditions in an answer. */
export const longestAnswer = 10_000;

export function healthHandlers(fleet: FleetControl) {
  return {
    ListConditions: async (request: ListConditionsRequest): Promise<ListConditionsResponseInput> => {
      const hosts = request.host === '' ? fleet.directory.all() : [fleet.directory.resolve(request.host)];
      const sorted = hosts.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const all = sorted.flatMap((host) => fleet.conditions(host));
      const wanted = request.onlyNotOk ? all.filter((condition) => condition.status !== 'ok') : all;
      return { conditions: wanted.slice(0, longestAnswer), total: wanted.length };
    },
  };
}
