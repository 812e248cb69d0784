/** Kind `select`: several servers of one request, one after another, by the filters and weighers that the case names. */
import { filters } from '../../controlplane/placement/filters/index.js';
import type { Rules } from '../../controlplane/placement/select.js';
import { selectSequence, type Step } from '../../controlplane/placement/sequence.js';
import { weighers } from '../../controlplane/placement/weighers/index.js';
import { agree, disagree, type Judgement, unsupported } from './judgement.js';
import { registryOf } from './load-hosts.js';
import { requestOf, settingsOf } from './load-request.js';
import { outcome } from './judge-filter.js';
import type { Vector } from './vector.js';

interface ExpectedStep {
  readonly filters: readonly { readonly filter: string; readonly remaining: number }[];
  readonly survivors: readonly number[];
  readonly weights: readonly number[];
  readonly order: readonly (readonly number[])[];
  readonly chosen: number | null;
}

interface Expected {
  readonly steps?: readonly ExpectedStep[];
  readonly request_error?: string;
  readonly error?: string;
}

/** Steps agree when every count, every weight, every group of equals and the chosen host do. */
export function judgeSelect(vector: Vector): Judgement {
  const named = namesOf(vector);
  const unknown = named.find(({ found }) => found === undefined);
  if (unknown) return unsupported(`filter or weigher ${unknown.name}`);
  const expected = vector.expect as Expected;
  const steps = outcome(() => decide(vector));
  const refused = expected.request_error ?? expected.error;
  if (refused !== undefined) return steps === undefined ? agree : disagree(`Nova: ${refused}`);
  if (steps === undefined) return disagree('refused here, not by Nova');
  return compare(steps, expected.steps ?? []);
}

function namesOf(vector: Vector): { name: string; found: unknown }[] {
  const find = (names: unknown, all: readonly { name: string }[]) =>
    (names as string[]).map((name) => ({ name, found: all.find((one) => one.name === name) }));
  return [...find(vector['filters'], filters), ...find(vector['weighers'], weighers)];
}

function decide(vector: Vector): Step[] {
  const settings = settingsOf(vector);
  const hosts = vector.hosts ?? [];
  const registry = registryOf(hosts, settings, Number(vector.options?.['service_down_time'] ?? 60));
  const request = requestOf(vector.request);
  const pick = <One extends { name: string }>(names: unknown, all: readonly One[]): One[] =>
    (names as string[]).flatMap((name) => all.filter((one) => one.name === name));
  const rules: Rules = {
    filters: pick(vector['filters'], filters),
    weighers: pick(vector['weighers'], weighers),
    settings,
  };
  const instanceUuids = vector.request?.instance_uuids ?? [request.instanceUuid];
  return selectSequence(registry, rules, request, { instanceUuids, seed: 1, count: hosts.length });
}

function compare(steps: readonly Step[], expected: readonly ExpectedStep[]): Judgement {
  if (steps.length !== expected.length) return disagree(`${steps.length} steps, Nova has ${expected.length}`);
  for (const [index, step] of steps.entries()) {
    const difference = compareStep(step, expected[index] as ExpectedStep);
    if (difference) return disagree(`step ${index}: ${difference}`);
  }
  return agree;
}

function compareStep({ filters: counts, ranking }: Step, expected: ExpectedStep): string | undefined {
  const ours = counts.map(({ filter, hostsLeft }) => `${filter} ${hostsLeft}`).join(', ');
  const theirs = expected.filters.map(({ filter, remaining }) => `${filter} ${remaining}`).join(', ');
  if (ours !== theirs) return `filters leave ${ours}; Nova ${theirs}`;
  const rows = Array.from(ranking.rows);
  const survivors = rows.toSorted((a, b) => a - b);
  if (survivors.join() !== expected.survivors.join())
    return `survivors ${survivors.join()}; Nova ${expected.survivors.join()}`;
  const heavier = expected.survivors.findIndex(
    (row, place) => !near(weightOf(ranking, row), expected.weights[place] as number),
  );
  if (heavier >= 0)
    return `host ${expected.survivors[heavier]} weighs ${weightOf(ranking, expected.survivors[heavier] as number)}; Nova ${expected.weights[heavier]}`;
  return compareOrder(rows, expected);
}

/** Groups of equals are compared as sets: which of two equals stands first is the chosen host's affair alone. */
function compareOrder(rows: readonly number[], { order, chosen }: ExpectedStep): string | undefined {
  const first = rows[0] ?? null;
  if (first !== chosen) return `chosen ${first}; Nova ${chosen}`;
  let place = 0;
  for (const group of order) {
    const ours = new Set(rows.slice(place, place + group.length));
    if (!group.every((row) => ours.has(row))) return `order ${rows.join()}; Nova ${order.join(' / ')}`;
    place += group.length;
  }
  return undefined;
}

function weightOf({ rows, weights }: Step['ranking'], row: number): number {
  return weights[rows.indexOf(row)] ?? Number.NaN;
}

function near(ours: number, theirs: number): boolean {
  return Math.abs(ours - theirs) <= 1e-9 * Math.max(1, Math.abs(theirs));
}
