/** Values of a JSON query compared as Python compares them, since Nova's answer hangs on it. Pure. */
import { compareTexts } from '../../model/python-text.js';

/** null and undefined are Python's None; true is 1 and false is 0 wherever numbers are compared. */
export type Value = string | number | boolean | null | undefined | readonly Value[] | ValueMap;
export interface ValueMap {
  readonly [key: string]: Value;
}

/** Whether Python counts a value as true: no 0, no empty text, list or object. */
export function isTruthy(value: Value): boolean {
  if (typeof value === 'boolean') return value;
  if (isList(value)) return value.length > 0;
  return isMap(value) ? Object.keys(value).length > 0 : Boolean(value);
}

/** Python's `==`. */
export function isEqual(one: Value, other: Value): boolean {
  if (one === other) return true; // a long list against itself, for each host, would take seconds
  if (isNumeric(one) && isNumeric(other)) return Number(one) === Number(other);
  if (isList(one) && isList(other))
    return one.length === other.length && one.every((value, index) => isEqual(value, other[index]));
  if (isMap(one) && isMap(other)) return isEqualMap(one, other);
  return (one ?? null) === (other ?? null);
}

/**
 * Less than 0, 0 or more, for Python's `<` and its like: numbers, texts by code points, lists by their first difference.
 * undefined: Python has no order between the two, and raises.
 */
export function order(one: Value, other: Value): number | undefined {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  if (isNumeric(one) && isNumeric(other)) return Number(one) - Number(other);
  if (typeof one === 'string' && typeof other === 'string') return compareTexts(one, other);
  if (!isList(one) || !isList(other)) return undefined;
  return one === other ? 0 : orderLists(one, other);
}

function orderLists(one: readonly Value[], other: readonly Value[]): number | undefined {
  const length = Math.min(one.length, other.length);
  for (let index = 0; index < length; index++)
    if (!isEqual(one[index], other[index])) return order(one[index], other[index]);
  return one.length - other.length;
}

function isEqualMap(one: ValueMap, other: ValueMap): boolean {
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => Object.hasOwn(other, key) && isEqual(one[key], other[key]))
  );
}

function isNumeric(value: Value): value is number | boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isMap(value: Value): value is ValueMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
