/** The request that an allocation once was. */
import type { Allocation } from '../../../proto/gen/drover/v1/Allocation.js';
import { checkGuest } from '../../model/numa/checked-guest.js';
import { type CheckedRequest, type Flavor, requestFor } from '../../model/request.js';
import { partsOf } from '../../model/request-rest.js';

/**
 * A request for what an allocation holds, where it was asked for. Its server group is not looked at. Errors:
 * `invalid-argument` where its extra specs ask for cells that cannot be.
 */
export function requestOf(allocation: Allocation): CheckedRequest {
  const { vcpus, memoryMb, diskMb, extraSpecs, instanceUuid, projectId, availabilityZone } = allocation;
  const flavor: Flavor = {
    name: allocation.flavor,
    vcpus,
    memoryMb,
    rootGb: Math.floor(diskMb / 1024),
    ephemeralGb: 0,
    swapMb: diskMb % 1024,
    extraSpecs,
  };
  const parts = partsOf(allocation.requestRest);
  const { numa } = checkGuest(flavor, parts.image, `allocation ${allocation.id}`);
  return requestFor(flavor, { ...parts, numa, instanceUuid, projectId: projectId || null, availabilityZone });
}
