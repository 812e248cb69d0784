/** Judges a case: decides it with Drover's own code and compares with Nova's answer. */
import { judgeCapacity } from './judge-capacity.js';
import { judgeFilter } from './judge-filter.js';
import { judgeHostState } from './judge-host-state.js';
import { judgeMatch } from './judge-match.js';
import { judgeNuma } from './judge-numa.js';
import { judgeResources } from './judge-resources.js';
import { judgeSelect } from './judge-select.js';
import { judgeWeigh } from './judge-weigh.js';
import { disagree, type Judgement, unsupported } from './judgement.js';
import type { Vector } from './vector.js';

const judges: Readonly<Record<string, (vector: Vector) => Judgement>> = {
  capacity: judgeCapacity,
  filter: judgeFilter,
  host_state: judgeHostState,
  match: judgeMatch,
  numa: judgeNuma,
  resources: judgeResources,
  select: judgeSelect,
  weigh: judgeWeigh,
};

/** The judgement of a case. What the code throws is a disagreement. */
export function judge(vector: Vector): Judgement {
  const judgeKind = Object.hasOwn(judges, vector.kind) ? judges[vector.kind] : undefined;
  if (!judgeKind) return unsupported(`kind ${vector.kind}`);
  try {
    return judgeKind(vector);
  } catch (thrown) {
    return disagree(`threw ${String(thrown)}`);
  }
}
