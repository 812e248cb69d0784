/** How much room an allocation takes as a message. Pure. */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { restCharacters } from './request-rest.js';

/** Everything but what has no common size: extra specs, and what its request said besides. */
export const usualBytes = 1_024;

/** At about what bytes an allocation is stored and sent; characters beyond ASCII take more. */
export function allocationBytes({ extraSpecs, requestRest, devices }: Allocation): number {
  let bytes = usualBytes;
  for (const key in extraSpecs) bytes += key.length + (extraSpecs[key] ?? '').length;
  if (requestRest !== null) bytes += restCharacters(requestRest);
  for (const { tags } of devices) bytes += tagBytes(tags);
  return bytes;
}

/** A device with its tags. */
function tagBytes(tags: Readonly<Record<string, string>>): number {
  let bytes = 64;
  for (const key in tags) bytes += key.length + (tags[key] ?? '').length;
  return bytes;
}
