/** The request that an allocation once was. */
import type { Allocation } from '../../../proto/gen/drover/v1/Allocation.js';
import { checkGuest } from '../../model/numa/checked-guest.js';
import { type CheckedRequest, type Flavor, requestFor } from '../../model/request.js';

/**
 * A request for what an allocation holds, where it was asked for. Image, hints and server group are not known of it. Errors:
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
  const { numa } = checkGuest(flavor, { id: '', name: '', properties: {} }, `allocation ${allocation.id}`);
  return requestFor(flavor, { numa, instanceUuid, projectId: projectId || null, availabilityZone });
}
