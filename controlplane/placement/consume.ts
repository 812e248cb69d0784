/**
 * What a host has left once a server of a request goes there: Nova's `HostState._locked_consume_from_request`. Written into
 * columns, so into those of a fork: nothing is claimed.
 */
import type { Column } from '../fleet/registry-columns.js';
import type { Columns, ResourceColumns } from '../fleet/registry-resources.js';
import type { GuestNuma } from '../model/guest-numa.js';
import type { HostDetails } from '../model/host-details.js';
import type { CheckedRequest } from '../model/request.js';
import type { Limits } from './filters/filter.js';
import { consume as consumeCells, placementsOf } from './numa/cell-usage.js';
import { fitLimits } from './numa/fit-ask.js';
import { askedAgain, fitAsNova } from './numa/place-guest.js';
import { claimDevices } from './pci/claim-devices.js';
import { ecusTaken } from './requirements/ecus.js';

export interface Taking {
  /** What the filters left for the row. */
  readonly limits: Limits | undefined;
  /** Fill one NUMA cell before the next. */
  readonly packs: boolean;
}

/**
 * Takes one server's needs off a host of a fork, and answers the request for the server after it: the host among those of
 * its group, and NUMA cells as they were fitted, since Nova hands those on. Root and ephemeral disk are taken, swap is not, as
 * Nova has it. Where Nova's accounting of cells or devices raises, Nova warns and goes on: what it had taken until then stays
 * taken, and the rest, the build under way among it, is not counted.
 */
export function consume(
  columns: Columns,
  row: number,
  request: CheckedRequest,
  taking: Taking,
): CheckedRequest {
  const { flavor } = request;
  take(columns.vcpus, row, flavor.vcpus);
  take(columns.memoryMb, row, flavor.memoryMb);
  take(columns.diskMb, row, 1024 * (flavor.rootGb + flavor.ephemeralGb));
  increment(columns.servers, row);
  columns.ecusUsed.set(row, (columns.ecusUsed.values[row] as number) + ecusTaken(request.extraSpecs));
  const { numa, isWhole } = takeDetails(columns, row, request, taking);
  if (isWhole) increment(columns.ioOps, row);
  return joinGroup(columns, row, { ...request, numa });
}

function increment(count: Column, row: number): void {
  count.set(row, (count.values[row] as number) + 1);
}

function take(resource: ResourceColumns, row: number, amount: number): void {
  resource.allocated[row] = (resource.allocated[row] as number) + amount;
  resource.derive(row);
}

/** The next server finds this one on the host, and the host among those of the group. */
function joinGroup(columns: Columns, row: number, request: CheckedRequest): CheckedRequest {
  const { group, instanceUuid } = request;
  if (group === null) return request;
  if (instanceUuid !== '') columns.instances.add(instanceUuid, row);
  const name = columns.records[row]?.name ?? '';
  return { ...request, group: { ...group, hosts: [...group.hosts, name] } };
}

/** What was taken; `isWhole`: all of it. */
interface Taken {
  readonly details: HostDetails;
  /** The cells that the next server asks for. */
  readonly numa: GuestNuma | null;
  readonly isWhole: boolean;
}

function takeDetails(columns: Columns, row: number, request: CheckedRequest, taking: Taking): Taken {
  const before = columns.detailsOf(row);
  const asksDevices = request.pciRequests.length > 0 && before.pciPools !== undefined;
  if ((request.numa === null || before.numa === null) && !asksDevices)
    return { details: before, numa: request.numa, isWhole: true };
  const cells = takeCells(before, request, taking);
  const taken = cells.isWhole && asksDevices ? takeDevices(cells, request) : cells;
  columns.details[row] = taken.details;
  columns.touchShape(row);
  return taken;
}

/** A guest that does not fit after all, which can be where no filter asked, goes on without cells, as in Nova. */
function takeCells(
  details: HostDetails,
  { numa: guest, network, pciRequests }: CheckedRequest,
  { limits, packs }: Taking,
): Taken {
  const { numa: host, pciPools } = details;
  if (guest === null || host === null) return { details, numa: guest, isWhole: true };
  const budget = { choices: fitLimits.choicesPerHost };
  const ask = { guest, limits: limits?.numa ?? null, packs, network, pciRequests, pciPools, budget };
  const fitted = fitAsNova(host, ask);
  if (!fitted) return { details, numa: null, isWhole: true };
  const next = askedAgain(guest, fitted);
  const numa = consumeCells(host, placementsOf(host, fitted));
  return numa
    ? { details: { ...details, numa }, numa: next, isWhole: true }
    : { details, numa: next, isWhole: false };
}

/** Requests for devices one after the other, up to the first that the host cannot meet. */
function takeDevices({ details, numa }: Taken, { pciRequests }: CheckedRequest): Taken {
  const cells = numa?.cells.map(({ id }) => id);
  const near = cells ? { cells, host: details.numa ?? { cells: [] } } : null;
  let { pciPools = [] } = details;
  for (const request of pciRequests) {
    const claim = claimDevices(pciPools, [request], near);
    if (!claim) return { details: { ...details, pciPools }, numa, isWhole: false };
    pciPools = claim.left;
  }
  return { details: { ...details, pciPools }, numa, isWhole: true };
}
