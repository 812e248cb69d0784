/** Kind `capacity`: Placement's inventories and allocations. */
import {
  type AllocationRefusal,
  allocationRefusal,
  capacity,
  type Inventory,
  inventoryDefaults,
  isInventory,
} from '../../controlplane/model/capacity.js';
import { agree, disagree, type Judgement } from './judgement.js';
import type { Vector } from './vector.js';

interface Expected {
  readonly inventory_status: number;
  readonly candidate?: boolean;
  readonly put_status?: number;
  readonly put_reason?: string;
  readonly summary?: Readonly<Record<string, { readonly capacity: number; readonly used: number }>>;
}

type Given = Readonly<Record<string, number>>;

export function judgeCapacity(vector: Vector): Judgement {
  const given = vector['inventory'] as Readonly<Record<string, Given>>;
  const used = (vector['used'] ?? {}) as Given;
  const expected = vector.expect as unknown as Expected;
  const inventories = new Map(Object.entries(given).map(([name, one]) => [name, inventoryOf(one)]));
  const accepted = [...inventories.values()].every(isInventory);
  if (accepted !== (expected.inventory_status === 200))
    return disagree(`inventory ${accepted ? 'accepted' : 'refused'}, Placement ${expected.inventory_status}`);
  if (!accepted) return agree;
  const refusals = Object.entries(vector.request?.resources ?? {}).map(([name, amount]) =>
    allocationRefusal(inventories.get(name), used[name] ?? 0, amount),
  );
  return compareRefusals(refusals, expected) ?? compareSummary(inventories, used, expected) ?? agree;
}

/** Which of several reasons is named is not specified: it must be one of ours. */
function compareRefusals(
  refusals: readonly (AllocationRefusal | undefined)[],
  { candidate, put_status: status, put_reason: reason }: Expected,
): Judgement | undefined {
  const fits = refusals.every((refusal) => refusal === undefined);
  if (candidate !== undefined && fits !== candidate)
    return disagree(`candidate ${fits}, Placement ${candidate}`);
  if (fits !== (status === 204)) return disagree(`refused for ${refusals.join()}, Placement ${status}`);
  return reason === undefined || refusals.includes(reason as AllocationRefusal)
    ? undefined
    : disagree(`refused for ${refusals.join()}, Placement for ${reason}`);
}

function compareSummary(
  inventories: ReadonlyMap<string, Inventory>,
  used: Given,
  { summary = {} }: Expected,
): Judgement | undefined {
  for (const [name, theirs] of Object.entries(summary)) {
    const inventory = inventories.get(name);
    const whole = inventory && Math.trunc(capacity(inventory));
    if (whole !== theirs.capacity || (used[name] ?? 0) !== theirs.used)
      return disagree(
        `${name}: capacity ${whole}, used ${used[name] ?? 0}; Placement ${JSON.stringify(theirs)}`,
      );
  }
  return undefined;
}

function inventoryOf(given: Given): Inventory {
  return {
    total: given['total'] ?? 0,
    reserved: given['reserved'] ?? inventoryDefaults.reserved,
    allocationRatio: given['allocation_ratio'] ?? inventoryDefaults.allocationRatio,
    minUnit: given['min_unit'] ?? inventoryDefaults.minUnit,
    maxUnit: given['max_unit'] ?? inventoryDefaults.maxUnit,
    stepSize: given['step_size'] ?? inventoryDefaults.stepSize,
  };
}
