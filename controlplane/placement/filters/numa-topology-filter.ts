import type { Columns } from '../../fleet/registry-resources.js';
import type { GuestNuma } from '../../model/guest-numa.js';
import type { HostNuma } from '../../model/host-numa.js';
import type { CheckedRequest } from '../../model/request.js';
import type { SchedulerSettings } from '../../model/scheduler-settings.js';
import { roomOf } from '../numa/cell-room.js';
import { fitReason, guestInWords, hostInWords, numaReasons } from '../numa/diagnose-fit.js';
import { type FitAsk, fitLimits, isBound } from '../numa/fit-ask.js';
import type { CellLimits } from '../numa/fit-cell.js';
import { fitAttempts } from '../numa/fit-guest.js';
import { firstCellOf, isSettled, takesFirst } from '../numa/fits-host.js';
import { leastRoom } from '../numa/least-room.js';
import { haveThreads, wantsThreads } from '../numa/wants-threads.js';
import { asksNothing, type Filter, type PreparedFilter } from './filter.js';

/**
 * The cells, pages and dedicated pCPUs that a request asks for fit those of the host, near its devices and networks. Nova
 * `numa_topology_filter.py`, `hardware.numa_fit_instance_to_host`.
 */
export const numaTopologyFilter: Filter = {
  name: 'NUMATopologyFilter',
  reasons: numaReasons,
  prepare(request, columns, settings) {
    if (request.image === null) return withoutImage(columns);
    return request.numa === null ? asksNothing : prepareFit(request, request.numa, columns, settings);
  },
};

/** Nova reads the image's properties first, and raises on a request that has no image at all. */
function withoutImage(columns: Columns): PreparedFilter {
  return {
    within: [columns.nobody],
    reasonOf: () => 0,
    wordsOf: () => ({ observed: 'a request without an image', wanted: 'an image, be it without properties' }),
  };
}

function prepareFit(
  request: CheckedRequest,
  guest: GuestNuma,
  columns: Columns,
  settings: SchedulerSettings,
): PreparedFilter {
  const first = firstCellOf(guest);
  const room = roomOf(columns);
  const needsThreads = wantsThreads(request);
  const limitsOf = (row: number) => ({
    cpuAllocationRatio: columns.vcpus.ratio[row] as number,
    ramAllocationRatio: columns.memoryMb.ratio[row] as number,
  });
  const askOf = asker(request, guest, columns, settings, limitsOf);
  const passes = (row: number) => {
    const cells = room.cells[row] ?? [];
    if (cells.length < guest.cells.length || !first || !takesFirst(cells, first, limitsOf(row))) return false;
    if (needsThreads && !haveThreads(cells)) return false;
    const ask = askOf(row);
    return (
      (isSettled(cells, guest, first) && !isBound(ask)) ||
      fitAttempts(hostOf(columns, row), ask) !== undefined
    );
  };
  return {
    atLeast: leastRoom(room, first),
    passes,
    limitsOf: (row) => (passes(row) ? { numa: limitsOf(row) } : undefined),
    reasonOf: (row) => fitReason(columns.detailsOf(row).numa, askOf(row), needsThreads),
    wordsOf: (row) => ({
      observed: hostInWords(columns.detailsOf(row).numa),
      wanted: `${guestInWords(guest)}${needsThreads ? '; on a host with sibling threads' : ''}`,
    }),
  };
}

function hostOf(columns: Columns, row: number): HostNuma {
  return columns.detailsOf(row).numa ?? { cells: [] };
}

/** What is asked of a row; all rows share the budget of the request. */
function asker(
  { network, pciRequests }: CheckedRequest,
  guest: GuestNuma,
  columns: Columns,
  { packingHostNumaCellsAllocationStrategy: packs }: SchedulerSettings,
  limitsOf: (row: number) => CellLimits,
): (row: number) => FitAsk {
  const budget = { choices: fitLimits.choicesPerRequest };
  return (row) => {
    const { pciPools } = columns.detailsOf(row);
    return { guest, limits: limitsOf(row), packs, network, pciRequests, pciPools, budget };
  };
}
