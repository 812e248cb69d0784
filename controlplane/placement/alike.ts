/** Which requests are the same question to the filters and weighers, and can be answered from one search. Pure. */
import type { Flavor, Image } from '../model/flavor.js';
import type { CheckedRequest } from '../model/request.js';
import { namesHosts } from './preselect.js';

/**
 * True where the answer follows from amounts, zone, extra specs and image alone: what is asked about a host then depends on
 * that host and on nothing else, neither other hosts nor what was placed before.
 */
export function isRepeatable(request: CheckedRequest): boolean {
  const { group, numa, retry, network, destination, pciRequests } = request;
  if (group !== null || numa !== null || retry !== null || network !== null || destination !== null)
    return false;
  return pciRequests.length === 0 && !namesHosts(request) && isEmpty(request.hints);
}

/** True where two repeatable requests ask the same. Which virtual machine they are for makes no difference. */
export function areAlike(one: CheckedRequest, other: CheckedRequest): boolean {
  if (one === other) return true;
  return (
    one.availabilityZone === other.availabilityZone &&
    one.projectId === other.projectId &&
    one.isVolumeBooted === other.isVolumeBooted &&
    sameFlavor(one.flavor, other.flavor) &&
    sameTexts(one.extraSpecs, other.extraSpecs) &&
    sameImage(one.image, other.image)
  );
}

function sameFlavor(one: Flavor, other: Flavor): boolean {
  if (one === other) return true;
  const sizes = one.vcpus === other.vcpus && one.memoryMb === other.memoryMb && one.rootGb === other.rootGb;
  const more = one.ephemeralGb === other.ephemeralGb && one.swapMb === other.swapMb;
  return sizes && more && one.name === other.name && sameTexts(one.extraSpecs, other.extraSpecs);
}

function sameImage(one: Image | null, other: Image | null): boolean {
  if (one === other) return true;
  if (one === null || other === null) return false;
  return one.id === other.id && one.name === other.name && sameTexts(one.properties, other.properties);
}

function sameTexts(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  if (one === other) return true;
  let count = 0;
  for (const key in one) {
    if (other[key] !== one[key]) return false;
    count++;
  }
  for (const _key in other) count--;
  return count === 0;
}

function isEmpty(map: object): boolean {
  for (const _ in map) return false;
  return true;
}
