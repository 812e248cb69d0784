/** The domains of a report, to be looked up by the allocation that they stand for. */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';

/** What is read of a reported domain. */
export interface RunningDomain {
  readonly uuid: string;
  /** From its metadata; empty: none. */
  readonly allocationId: string;
  readonly state: string;
  /** Addresses of the host devices that it has; absent: none. */
  readonly pciAddresses?: readonly string[];
}

export interface DomainSet {
  has(allocation: Pick<Allocation, 'id' | 'instanceUuid'>): boolean;
  hasDomain(domain: Pick<RunningDomain, 'uuid'>): boolean;
}

/** UUIDs compare in any case. */
export function domainSet(domains: readonly RunningDomain[]): DomainSet {
  const ids = new Set(domains.map(({ allocationId }) => allocationId));
  const uuids = new Set(domains.map(({ uuid }) => uuid.toLowerCase()));
  return {
    has: ({ id, instanceUuid }) =>
      ids.has(id) || (instanceUuid !== '' && uuids.has(instanceUuid.toLowerCase())),
    hasDomain: ({ uuid }) => uuids.has(uuid.toLowerCase()),
  };
}

/** True for a domain that holds more than its disk. */
export function isOn({ state }: RunningDomain): boolean {
  return state !== 'shutoff';
}
