/** A claim of a call, on its way to its answer. */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import type { CheckedRequest } from '../model/request.js';
import type { WantedClaim } from './claims-parts.js';
import type { Put } from './ledger.js';

/** Requests of one call that no host takes, with why: in one turn hosts only get fuller, and explaining costs. */
export type Refused = Map<string, DroverError>;

/** A claim that was marked or known, on its way to its answer. */
export interface Placed {
  readonly allocation: Allocation;
  readonly existed: boolean;
  /** Where it was marked: what is to be written. */
  readonly put?: Put;
}

/**
 * What placement looks at: requests of one text go to the same hosts. Undefined where what was placed before in the same
 * call matters: groups and hints.
 */
export function textOf(request: CheckedRequest): string | undefined {
  if (request.group !== null || Object.keys(request.hints).length > 0) return undefined;
  return JSON.stringify({ ...request, instanceUuid: '' });
}

/** The claim, or its error thrown. */
export function readable(claim: WantedClaim | DroverError): WantedClaim {
  if (claim instanceof DroverError) throw claim;
  return claim;
}

/** What `place` answers; its error names the claim. */
export function atIndex(index: number, place: () => Placed): Placed {
  try {
    return place();
  } catch (thrown) {
    const { code, message, value, cure } = asDroverError(thrown);
    throw new DroverError(code, `claims[${index}]: ${message}`, {
      field: `claims[${index}]`,
      ...(value && { value }),
      ...(cure && { cure }),
      cause: thrown,
    });
  }
}
