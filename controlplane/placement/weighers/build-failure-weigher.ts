import { isEven } from './raw-values.js';
import type { Weigher } from './weigher.js';

/** Fewest failed builds first: the multiplier is negated, an aggregate's after its smallest was found. Nova `weights/compute.py`. */
export const buildFailureWeigher: Weigher = {
  name: 'BuildFailureWeigher',
  multiplierKey: 'build_failure_weight_multiplier',
  multiplier: 1_000_000,
  isNegated: true,
  prepare: (_request, { failedBuilds }) =>
    isEven(failedBuilds, undefined) ? undefined : { column: failedBuilds, floor: undefined },
};
