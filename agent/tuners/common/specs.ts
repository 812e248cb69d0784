/** Flavor extra specs of a domain, read as numbers. A value that is none is a reason, never a guess. */
import type { DomainView } from '../../libvirt/hypervisor.js';

export type SpecNumber = { readonly value: number } | { readonly fault: string };

/**
 * An extra spec as a whole number within bounds. Undefined: the domain has no such spec. `fault`: what is wrong with it, in
 * words that name the spec, its value and what would be right; the knob is then held with that reason.
 */
export function specNumber(
  { specs }: Pick<DomainView, 'specs'>,
  name: string,
  lowest: number,
  highest: number,
): SpecNumber | undefined {
  const text = specs[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^-?\d+$/.test(text.trim()) && value >= lowest && value <= highest) return { value };
  return { fault: `extra spec ${name} is ${text}; want a whole number ${lowest}..${highest}` };
}

/** An extra spec that is one of some words; as `specNumber`. */
export function specWord<Word extends string>(
  { specs }: Pick<DomainView, 'specs'>,
  name: string,
  words: readonly Word[],
): { readonly value: Word } | { readonly fault: string } | undefined {
  const text = specs[name];
  if (text === undefined) return undefined;
  const word = words.find((each) => each === text.trim());
  return word === undefined
    ? { fault: `extra spec ${name} is ${text}; want ${words.join(', ')}` }
    : { value: word };
}
