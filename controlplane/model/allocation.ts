/** Allocations: who holds what on which host. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { Amounts } from './host.js';
import type { CheckedRequest } from './request.js';

/** What is taken on a host in sum; `count` is how many allocations or domains take it. */
export interface Totals extends Amounts {
  readonly count: number;
}

export const nothingTaken: Totals = { vcpus: 0, memoryMb: 0, diskMb: 0, count: 0 };

/** `totals` with `amounts` taken `times` more; -1 gives one back. Whole numbers, so giving back is exact. */
export function taken(totals: Totals, amounts: Amounts, times: 1 | -1): Totals {
  return {
    vcpus: totals.vcpus + times * amounts.vcpus,
    memoryMb: totals.memoryMb + times * amounts.memoryMb,
    diskMb: totals.diskMb + times * amounts.diskMb,
    count: totals.count + times,
  };
}

/** What is known of an allocation besides its request. */
export interface AllocationOrigin {
  readonly id: string;
  readonly hostId: string;
  readonly hostName: string;
  readonly idempotencyKey: string;
  readonly createdUnixMs: number;
  readonly createdBy: string;
}

/** The allocation that a request becomes on a host. */
export function newAllocation(request: CheckedRequest, origin: AllocationOrigin): Allocation {
  const { vcpus, memoryMb, diskMb, instanceUuid, availabilityZone } = request;
  const extraSpecs = { ...request.extraSpecs };
  return { ...origin, vcpus, memoryMb, diskMb, instanceUuid, availabilityZone, extraSpecs };
}

/** True when `allocation` answers `request`: the same request for the same virtual machine. */
export function answers(allocation: Allocation, request: CheckedRequest): boolean {
  return (
    allocation.vcpus === request.vcpus &&
    allocation.memoryMb === request.memoryMb &&
    allocation.diskMb === request.diskMb &&
    allocation.instanceUuid === request.instanceUuid &&
    allocation.availabilityZone === request.availabilityZone &&
    isDeepStrictEqual({ ...allocation.extraSpecs }, { ...request.extraSpecs })
  );
}
