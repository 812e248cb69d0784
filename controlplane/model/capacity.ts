/** OpenStack Placement's rules for one inventory: how much it has, and whether an allocation may be made. Pure. */

export interface Inventory {
  readonly total: number;
  readonly reserved: number;
  readonly allocationRatio: number;
  readonly minUnit: number;
  readonly maxUnit: number;
  readonly stepSize: number;
}

/** Most of anything that Placement keeps (`placement/db/constants.py`), and the greatest ratio. */
const mostUnits = 2_147_483_647;
const greatestRatio = 3.40282e38;

/** Placement's values for what an inventory does not say. */
export const inventoryDefaults = {
  reserved: 0,
  allocationRatio: 1,
  minUnit: 1,
  maxUnit: mostUnits,
  stepSize: 1,
} as const;

/**
 * Why an allocation is refused: no inventory of the class, a size that the inventory does not hand out (below the least,
 * above the most, or between two steps), or no room.
 */
export type AllocationRefusal = 'no_inventory' | 'constraints' | 'capacity';

/** What can be handed out in sum: (total - reserved) x ratio, as a double. */
export function capacity({
  total,
  reserved,
  allocationRatio,
}: Pick<Inventory, 'total' | 'reserved' | 'allocationRatio'>): number {
  return (total - reserved) * allocationRatio;
}

/**
 * True where an inventory can be: whole numbers within what Placement keeps (`placement/schemas/inventory.py`), and a capacity
 * that is not negative, cut to a whole number as Placement does.
 */
export function isInventory(inventory: Inventory): boolean {
  const { total, reserved, allocationRatio, minUnit, maxUnit, stepSize } = inventory;
  if (![total, minUnit, maxUnit, stepSize].every((units) => isUnits(units, 1))) return false;
  if (!isUnits(reserved, 0) || !(allocationRatio <= greatestRatio)) return false;
  return Math.trunc(capacity(inventory)) >= 0;
}

function isUnits(units: number, least: number): boolean {
  return Number.isInteger(units) && units >= least && units <= mostUnits;
}

/** Why an allocation of `amount` on top of `used` is refused; undefined: it is not. Sizes are looked at before room. */
export function allocationRefusal(
  inventory: Inventory | undefined,
  used: number,
  amount: number,
): AllocationRefusal | undefined {
  if (!inventory) return 'no_inventory';
  const { minUnit, maxUnit, stepSize } = inventory;
  if (amount < minUnit || amount > maxUnit || amount % stepSize !== 0) return 'constraints';
  return used + amount > capacity(inventory) ? 'capacity' : undefined;
}

/** The inventory that Nova's libvirt driver makes of a host's resource: whole units, and at most all of it for one server. */
export function inventoryOfHost(total: number, reserved: number, allocationRatio: number): Inventory {
  return { ...inventoryDefaults, total, reserved, allocationRatio, maxUnit: total };
}
