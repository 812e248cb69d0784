/** Kind `match`: one value against one requirement of an extra spec. */
import { parseRequirement } from '../../controlplane/placement/requirements/requirement.js';
import { agree, disagree, type Judgement } from './judgement.js';
import type { Vector } from './vector.js';

interface Expected {
  readonly match?: boolean;
  readonly error?: string;
}

/** A value that is null meets nothing; a fault of the requirement shows only where a value is compared. */
export function judgeMatch(vector: Vector): Judgement {
  const { value, requirement } = vector as unknown as { value: string | null; requirement: string };
  const expected = vector.expect as Expected;
  const ours = value === null ? false : parseRequirement(requirement).matches(value);
  if (expected.error !== undefined)
    return ours === undefined ? agree : disagree(`answers ${ours}, Nova fails: ${expected.error}`);
  return ours === expected.match ? agree : disagree(`answers ${ours}, Nova ${expected.match}`);
}
