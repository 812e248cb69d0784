/** Kind `weigh`: one weigher over all hosts. */
import { Candidates } from '../../controlplane/placement/candidates.js';
import { rank } from '../../controlplane/placement/rank.js';
import { prepareTerms, type Term, termAt } from '../../controlplane/placement/weigh.js';
import { weighers } from '../../controlplane/placement/weighers/index.js';
import { agree, disagree, type Judgement, unsupported } from './judgement.js';
import { outcome } from './judge-filter.js';
import { registryOf } from './load-hosts.js';
import { requestOf, settingsOf } from './load-request.js';
import type { Vector } from './vector.js';

interface Expected {
  readonly weights?: readonly number[];
  readonly order?: readonly (readonly number[])[];
  readonly request_error?: string;
  readonly error?: string;
}

export function judgeWeigh(vector: Vector): Judgement {
  const weigher = weighers.find(({ name }) => name === vector.name);
  if (!weigher) return unsupported(`weigher ${vector.name}`);
  const expected = vector.expect as Expected;
  const weighed = outcome(() => weigh(vector, weigher));
  const refused = expected.request_error ?? expected.error;
  if (refused !== undefined) return weighed === undefined ? agree : disagree(`Nova: ${refused}`);
  if (weighed === undefined) return disagree('refused here, not by Nova');
  return compare(weighed.weights, weighed.order, expected);
}

function weigh(vector: Vector, weigher: (typeof weighers)[number]): { weights: number[]; order: number[] } {
  const hosts = vector.hosts ?? [];
  const request = requestOf(vector.request);
  const settings = settingsOf(vector);
  const { columns } = registryOf(hosts, settings, 60);
  const candidates = new Candidates({ filters: [], settings }, request, columns);
  const terms =
    hosts.length < 2 ? [] : prepareTerms(candidates, { weighers: [weigher], settings }, request, columns);
  return {
    weights: hosts.map((_, row) => weightOf(terms, row)),
    order: Array.from(rank(candidates, terms, hosts.length).rows),
  };
}

function weightOf(terms: readonly Term[], row: number): number {
  return terms.reduce((sum, term) => sum + termAt(term, row), 0);
}

function compare(weights: readonly number[], order: readonly number[], expected: Expected): Judgement {
  for (const [row, wanted] of (expected.weights ?? []).entries()) {
    const weight = weights[row] as number;
    if (!(Math.abs(weight - wanted) <= 1e-9 * Math.max(1, Math.abs(wanted))))
      return disagree(`host ${row}: weight ${weight}, Nova says ${wanted}`);
  }
  const theirs = (expected.order ?? []).flatMap((group) => group.toSorted((a, b) => a - b));
  return JSON.stringify(order) === JSON.stringify(theirs)
    ? agree
    : disagree(`order ${order.join(' ')}, Nova ${theirs.join(' ')}`);
}
