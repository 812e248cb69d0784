/** The extra specs of a request that a filter looks at, as requirements. Pure. */
import { invalid } from '../../../proto/wire/errors.js';
import { operatorHelp, parseRequirement, type Requirement } from './requirement.js';

export interface SpecRequirement extends Requirement {
  /** Of the extra spec, scope and all. */
  readonly spec: string;
  /** What it is asked of: the spec without the scope. */
  readonly key: string;
}

/** An extra spec's requirement of `key`. */
export function specRequirement(spec: string, key: string, text: string): SpecRequirement {
  return { ...parseRequirement(text), spec, key };
}

/**
 * Refuses the request where its requirement cannot be meant, as Nova fails the whole of it. Errors: `invalid-argument`
 * naming `extra_specs.KEY`.
 */
export function checkRequirement({ spec, text, fault }: SpecRequirement): void {
  if (fault !== undefined) throw invalid(`extra_specs.${spec}`, text, `${operatorHelp}: ${fault}`);
}

/** For words: what a spec wants. */
export function wantedInWords({ spec, text }: SpecRequirement): string {
  return `extra spec ${spec} "${text}"`;
}
