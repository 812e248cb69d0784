/** Keys of knobs, each built once: a pass asks some ten times for the key of each of thousands of knobs. */
import { knobKey, type Knob } from '../tuners/tuner.js';

/** It holds nothing that a knob does not say itself, and nothing longer than the knob. */
const keys = new WeakMap<Knob, string>();

/** `knobKey` of a knob, which never changes. */
export function keyOf(knob: Knob): string {
  let key = keys.get(knob);
  if (key === undefined) keys.set(knob, (key = knobKey(knob)));
  return key;
}
