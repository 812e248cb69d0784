/** Kind `filter`: each host asked alone. */
import { hasBit } from '../../controlplane/fleet/registry-columns.js';
import type { CheckedRequest } from '../../controlplane/model/request.js';
import { filters } from '../../controlplane/placement/filters/index.js';
import type { Filter, Limits, PreparedFilter } from '../../controlplane/placement/filters/filter.js';
import { narrow } from '../../controlplane/placement/narrow.js';
import { DroverError } from '../../proto/wire/errors.js';
import { agree, disagree, type Judgement, unsupported } from './judgement.js';
import { registryOf } from './load-hosts.js';
import { requestOf, settingsOf } from './load-request.js';
import type { Vector } from './vector.js';

interface Expected {
  readonly passes?: readonly (boolean | null)[];
  readonly limits?: readonly Record<string, unknown>[];
  readonly request_error?: string;
}

export function judgeFilter(vector: Vector): Judgement {
  const filter = filters.find(({ name }) => name === vector.name);
  if (!filter) return unsupported(`filter ${vector.name}`);
  const expected = vector.expect as Expected;
  const request = outcome(() => requestOf(vector.request));
  if (expected.request_error !== undefined)
    return request === undefined || !prepares(vector, filter, request)
      ? agree
      : disagree(`refused by Nova: ${expected.request_error}`);
  if (request === undefined) return disagree('refused here, not by Nova');
  return judgePasses(vector, filter, request, expected);
}

/** A filter may be the first that reads what makes a request bad. */
function prepares(vector: Vector, filter: Filter, request: CheckedRequest): boolean {
  const settings = settingsOf(vector);
  const { columns } = registryOf(vector.hosts ?? [], settings, 60);
  return outcome(() => filter.prepare(request, columns, settings)) !== undefined;
}

function judgePasses(
  vector: Vector,
  filter: Filter,
  request: CheckedRequest,
  { passes = [], limits }: Expected,
): Judgement {
  const settings = settingsOf(vector);
  const serviceDownTimeS = Number(vector.options?.['service_down_time'] ?? 60);
  const { columns } = registryOf(vector.hosts ?? [], settings, serviceDownTimeS);
  const rows = columns.present.slice();
  const prepared = outcome(() => filter.prepare(request, columns, settings));
  if (prepared) narrow(rows, prepared);
  for (const [row, wanted] of passes.entries()) {
    const passed = prepared !== undefined && hasBit(rows, row);
    if (passed !== (wanted ?? false)) return disagree(`host ${row}: passes ${passed}, Nova says ${wanted}`);
    const words = !passed && prepared ? wordless(filter, prepared, row) : undefined;
    if (words) return disagree(words);
    if (prepared && limits && !sameLimits(prepared.limitsOf?.(row) ?? {}, limits[row] ?? {}))
      return disagree(
        `host ${row}: limits ${JSON.stringify(prepared.limitsOf?.(row))}, Nova ${JSON.stringify(limits[row])}`,
      );
  }
  return agree;
}

/** A refusal that cannot be told to anybody is a fault of its own. */
function wordless(filter: Filter, prepared: PreparedFilter, row: number): string | undefined {
  const { observed, wanted } = prepared.wordsOf(row);
  const reason = filter.reasons[prepared.reasonOf(row)];
  const isTold = Boolean(reason && observed && wanted) && !/undefined|NaN/.test(`${observed}${wanted}`);
  return isTold ? undefined : `host ${row}: refused without words: ${reason}: ${observed}; ${wanted}`;
}

function sameLimits(ours: Limits, theirs: Record<string, unknown>): boolean {
  const numa = theirs['numa_topology'] as Record<string, number> | undefined;
  return (
    near(ours.memoryMb, theirs['memory_mb']) &&
    near(ours.vcpus, theirs['vcpu']) &&
    near(ours.diskGb, theirs['disk_gb']) &&
    near(ours.numa?.cpuAllocationRatio, numa?.['cpu_allocation_ratio']) &&
    near(ours.numa?.ramAllocationRatio, numa?.['ram_allocation_ratio'])
  );
}

function near(ours: number | undefined, theirs: unknown): boolean {
  if (theirs === undefined || theirs === null || ours === undefined) return (theirs ?? undefined) === ours;
  return Math.abs(ours - Number(theirs)) <= 1e-9 * Math.max(1, Math.abs(Number(theirs)));
}

/** What `work` answers; undefined where it refuses in Drover's way. Any other throw is a fault, and goes on. */
export function outcome<Result>(work: () => Result): Result | undefined {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof DroverError) return undefined;
    throw thrown;
  }
}
