/** Which call may have a slot while others hang. Pure. */

export interface SlotBounds {
  readonly slots: readonly unknown[];
  /** Slots that are used while no call is late. */
  readonly usual: number;
}

/** A call that holds a slot. */
export interface Held {
  readonly request: { readonly key?: string };
  readonly late: boolean;
}

/**
 * True when a call with this key may start now: its key holds no slot; each late call makes room for one more than usual;
 * and of all slots one is never for keyed calls, so that the look at all domains goes on when many domains hang.
 */
export function mayStart(bounds: SlotBounds, held: readonly Held[], key: string | undefined): boolean {
  if (key !== undefined && held.some(({ request }) => request.key === key)) return false;
  const late = held.filter((call) => call.late).length;
  return held.length < Math.min(bounds.usual + late, bounds.slots.length) && !keyedFull(bounds, held, key);
}

/** True when late calls hold every slot that a call with this key could have: waiting is in vain then. */
export function starved(bounds: SlotBounds, held: readonly Held[], key: string | undefined): boolean {
  const late = held.filter((call) => call.late);
  return late.length >= bounds.slots.length || keyedFull(bounds, late, key);
}

function keyedFull({ slots, usual }: SlotBounds, held: readonly Held[], key: string | undefined): boolean {
  const limit = Math.max(slots.length - 1, usual);
  return key !== undefined && held.filter(({ request }) => request.key !== undefined).length >= limit;
}
