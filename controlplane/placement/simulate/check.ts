/** What may be simulated: limits, and one kind of change at a time. Pure. */
import type { SimulatedChange } from '../../../proto/gen/drover/v1/SimulatedChange.js';
import type { SimulateRequest } from '../../../proto/gen/drover/v1/SimulateRequest.js';
import { invalid } from '../../../proto/wire/errors.js';

/** Limits of one simulation. */
export const simulationLimits = {
  changes: 100,
  placements: 1_000,
  machines: 10_000,
  addedHosts: 10_000,
  /** Largest allocation ratio, as of a host. */
  ratio: 1_000,
} as const;

/** Errors: `invalid-argument` naming the field that is beyond a limit, or a change that is none or several. */
export function checkSimulation({ changes, placements }: SimulateRequest): void {
  atMost(changes.length, simulationLimits.changes, 'changes', 'changes');
  atMost(placements.length, simulationLimits.placements, 'placements', 'entries');
  let machines = 0;
  for (const { count } of placements) machines += count || 1;
  atMost(machines, simulationLimits.machines, 'placements', 'machines in all');
  let added = 0;
  for (const [index, change] of changes.entries()) {
    checkKind(change, `changes[${index}]`);
    added += change.addHosts?.count ?? 0;
    atMost(added, simulationLimits.addedHosts, `changes[${index}].add_hosts.count`, 'added hosts in all');
  }
}

function atMost(count: number, limit: number, field: string, what: string): void {
  if (count > limit) throw invalid(field, `${count} ${what}`, `at most ${limit}`);
}

function checkKind({ overcommit, drain, addHosts, settings }: SimulatedChange, field: string): void {
  const kinds = [overcommit !== null, drain !== null, addHosts !== null, Object.keys(settings).length > 0];
  const given = kinds.filter(Boolean).length;
  if (given !== 1)
    throw invalid(field, `${given} kinds of change`, 'one of overcommit, drain, add_hosts, settings');
  if (overcommit) checkRatios(overcommit, `${field}.overcommit`);
  if (addHosts && addHosts.count < 1)
    throw invalid(`${field}.add_hosts.count`, addHosts.count, `1 to ${simulationLimits.addedHosts}`);
}

function checkRatios(overcommit: NonNullable<SimulatedChange['overcommit']>, field: string): void {
  const ratios = [
    ['cpu_allocation_ratio', overcommit.cpuAllocationRatio],
    ['ram_allocation_ratio', overcommit.ramAllocationRatio],
    ['disk_allocation_ratio', overcommit.diskAllocationRatio],
  ] as const;
  for (const [name, value] of ratios)
    if (!(value >= 0 && value <= simulationLimits.ratio))
      throw invalid(
        `${field}.${name}`,
        value,
        `a number above 0 and up to ${simulationLimits.ratio}, or 0 for what it is`,
      );
  if (ratios.every(([, value]) => value === 0)) throw invalid(field, 'no ratio', 'at least one ratio');
}
