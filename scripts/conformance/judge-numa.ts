/** Kind `numa`: the guest's cells, whether the filter lets a host pass, and the fit on each host with what it then holds. */
import { hasBit } from '../../controlplane/fleet/registry-columns.js';
import type { GuestNuma } from '../../controlplane/model/guest-numa.js';
import type { HostCell, HostNuma } from '../../controlplane/model/host-numa.js';
import type { CheckedRequest } from '../../controlplane/model/request.js';
import { numaTopologyFilter } from '../../controlplane/placement/filters/numa-topology-filter.js';
import { narrow } from '../../controlplane/placement/narrow.js';
import { consume, placementsOf } from '../../controlplane/placement/numa/cell-usage.js';
import { fitLimits } from '../../controlplane/placement/numa/fit-ask.js';
import { fitAsNova, type FittedCell } from '../../controlplane/placement/numa/place-guest.js';
import { agree, disagree, type Judgement } from './judgement.js';
import { outcome } from './judge-filter.js';
import { registryOf } from './load-hosts.js';
import { requestOf, settingsOf } from './load-request.js';
import {
  type CellUsage,
  type ExpectedCell,
  type ExpectedFit,
  guestCells,
  hostUsage,
  wrongThreads,
} from './numa-answer.js';
import type { Vector } from './vector.js';

interface Expected {
  readonly request_error?: string;
  readonly error?: string;
  readonly instance_numa_topology?: {
    readonly cells: readonly ExpectedCell[];
    readonly emulator_threads_policy: string | null;
  } | null;
  readonly fits?: readonly (ExpectedFit | null)[];
  readonly filter_passes?: readonly boolean[];
}

export function judgeNuma(vector: Vector): Judgement {
  const expected = vector.expect as Expected;
  const request = outcome(() => requestOf(vector.request));
  if (expected.request_error !== undefined)
    return request === undefined ? agree : disagree(`refused by Nova: ${expected.request_error}`);
  if (request === undefined) return disagree('refused here, not by Nova');
  const why = wrongGuest(request.numa, expected) ?? wrongHosts(vector, request, expected);
  return why === undefined ? agree : disagree(why);
}

function wrongGuest(
  numa: GuestNuma | null,
  { instance_numa_topology: theirs, error }: Expected,
): string | undefined {
  if (error !== undefined) return undefined;
  const ours = numa && { cells: guestCells(numa.cells), emulator_threads_policy: numa.emulatorThreadsPolicy };
  return differ('guest', ours, theirs ?? null);
}

/** A text where two things, as JSON, are not the same. */
function differ(what: string, ours: unknown, theirs: unknown): string | undefined {
  const [a, b] = [JSON.stringify(ours), JSON.stringify(theirs)];
  return a === b ? undefined : `${what} ${a}, Nova ${b}`;
}

function wrongHosts(vector: Vector, request: CheckedRequest, expected: Expected): string | undefined {
  const settings = settingsOf(vector);
  const { columns } = registryOf(vector.hosts ?? [], settings, 60);
  const rows = columns.present.slice();
  narrow(rows, numaTopologyFilter.prepare(request, columns, settings));
  for (const [row, passes] of (expected.filter_passes ?? []).entries())
    if (hasBit(rows, row) !== passes) return `host ${row}: passes ${!passes}, Nova says ${passes}`;
  for (const [row, theirs] of (expected.fits ?? []).entries()) {
    const { numa, pciPools } = columns.detailsOf(row);
    const fitted =
      numa &&
      request.numa &&
      fitAsNova(numa, {
        guest: request.numa,
        limits: {
          cpuAllocationRatio: columns.vcpus.ratio[row] as number,
          ramAllocationRatio: columns.memoryMb.ratio[row] as number,
        },
        packs: settings.packingHostNumaCellsAllocationStrategy,
        network: request.network,
        pciRequests: request.pciRequests,
        pciPools,
        budget: { choices: fitLimits.choicesPerHost },
      });
    const why = numa ? wrongFit(numa, fitted ?? undefined, theirs) : differ('fit', null, theirs);
    if (why) return `host ${row}: ${why}`;
  }
  return undefined;
}

/** Nova's answer as it stands, or what it would be without the state that Nova keeps between attempts. */
function wrongFit(
  host: HostNuma,
  fitted: FittedCell[] | undefined,
  theirs: ExpectedFit | null,
): string | undefined {
  if (theirs === null) return fitted ? 'a fit where nothing is asked' : undefined;
  const { stateless } = theirs;
  const why = wrongAnswer(host, fitted, theirs);
  if (why === undefined || !stateless) return why;
  const { thread_order_unspecified: isUnspecified = false } = theirs;
  const { fits, cells } = stateless;
  return (
    wrongAnswer(host, fitted, { fits, cells: cells ?? [], thread_order_unspecified: isUnspecified }) && why
  );
}

function wrongAnswer(
  host: HostNuma,
  fitted: FittedCell[] | undefined,
  theirs: ExpectedFit,
): string | undefined {
  if (theirs.fits !== (fitted !== undefined)) return `fits ${!theirs.fits}, Nova says ${theirs.fits}`;
  if (!fitted) return undefined;
  if (theirs.thread_order_unspecified)
    return wrongThreads(host, fitted, theirs) ?? wrongUsage(host, fitted, theirs, countedCpus);
  return differ('cells', guestCells(fitted), theirs.cells) ?? wrongUsage(host, fitted, theirs);
}

function wrongUsage(
  host: HostNuma,
  fitted: FittedCell[],
  theirs: ExpectedFit,
  as: (usage: readonly CellUsage[]) => unknown = (usage) => usage,
): string | undefined {
  const after = consume(host, placementsOf(host, fitted));
  if (theirs.usage_error !== undefined) return after && overcommitted(after.cells);
  if (theirs.usage_after === undefined) return undefined;
  return differ('usage', after && as(hostUsage(after.cells)), as(theirs.usage_after));
}

/** How many CPUs are pinned, where it is not specified which. */
function countedCpus(usage: readonly CellUsage[]): unknown {
  return usage.map((cell) => ({ ...cell, pinned_cpus: cell.pinned_cpus.length }));
}

/** Where Nova's accounting raises, ours may answer, but not with a pCPU that is not there. */
function overcommitted(cells: readonly HostCell[]): string | undefined {
  const wrong = cells.find(({ pinnedCpus, dedicatedCpus }) =>
    pinnedCpus.some((cpu) => !dedicatedCpus.includes(cpu)),
  );
  return wrong && `cell ${wrong.id} has pinned ${wrong.pinnedCpus.join()} of ${wrong.dedicatedCpus.join()}`;
}
