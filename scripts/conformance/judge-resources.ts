/** Kind `resources`: what a request asks Placement for. */
import { resourcesOf } from '../../controlplane/placement/resources.js';
import { agree, disagree, type Judgement } from './judgement.js';
import { outcome } from './judge-filter.js';
import { requestOf } from './load-request.js';
import type { Vector } from './vector.js';

interface Expected {
  readonly resources?: Readonly<Record<string, number>>;
  readonly required_traits?: readonly string[];
  readonly forbidden_traits?: readonly string[];
  readonly request_error?: string;
  readonly error?: string;
}

export function judgeResources(vector: Vector): Judgement {
  const expected = vector.expect as Expected;
  const ours = outcome(() => resourcesOf(requestOf(vector.request)));
  const refused = expected.request_error ?? expected.error;
  if (refused !== undefined) return ours === undefined ? agree : disagree(`refused by Nova: ${refused}`);
  if (ours === undefined) return disagree('refused here, not by Nova');
  const differences = [
    difference('resources', sorted(ours.resources), sorted(expected.resources ?? {})),
    difference('required', ours.requiredTraits, (expected.required_traits ?? []).toSorted()),
    difference('forbidden', ours.forbiddenTraits, (expected.forbidden_traits ?? []).toSorted()),
  ].filter((text) => text !== undefined);
  return differences.length === 0 ? agree : disagree(differences.join('; '));
}

function sorted(amounts: Readonly<Record<string, number>>): [string, number][] {
  return Object.entries(amounts).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

function difference(what: string, ours: unknown, theirs: unknown): string | undefined {
  const [here, there] = [JSON.stringify(ours), JSON.stringify(theirs)];
  return here === there ? undefined : `${what} ${here}, Nova ${there}`;
}
