import type { Columns } from '../../fleet/registry-resources.js';
import type { CheckedRequest } from '../../model/request.js';
import { type Capability, capabilityOf, JsonTexts } from '../requirements/capability.js';
import {
  checkRequirement,
  specRequirement,
  type SpecRequirement,
  wantedInWords,
} from '../requirements/extra-specs.js';
import { Verdicts } from '../requirements/verdicts.js';
import { asksNothing, type Filter } from './filter.js';

const scope = 'capabilities:';
const reasons = ['capability-missing', 'capability-differs', 'capability-not-a-number'] as const;

type Verdict = 'met' | 'differs' | 'unreadable';

interface Asked {
  readonly spec: SpecRequirement;
  readonly capability: Capability;
  readonly verdicts: Verdicts<unknown, Verdict>;
  /** Without a scope: hosts that do not know the key pass. */
  readonly isUnscoped: boolean;
}

/**
 * Each extra spec with the scope `capabilities:` is met by what the host has under its key; one without a scope too, where
 * the host knows the key. Other scopes are not looked at. Nova `compute_capabilities_filter.py`. A capability that is no
 * number where one is asked for meets nothing; Nova fails the whole request over it.
 */
export const computeCapabilitiesFilter: Filter = {
  name: 'ComputeCapabilitiesFilter',
  reasons,
  isOncePerRequest: true,
  prepare: (request, columns) => {
    const asked = askedBy(request, columns);
    if (asked.length === 0) return asksNothing;
    for (const { spec, capability, isUnscoped } of asked)
      if (!isUnscoped || capability.isAttribute) checkRequirement(spec);
    const firstUnmet = (row: number) => asked.find((one) => !meets(one, row)) as Asked;
    return {
      passes: (row) => passesAll(asked, row),
      reasonOf: (row) => reasonOf(firstUnmet(row), row),
      wordsOf: (row) => {
        const { spec, capability } = firstUnmet(row);
        return { observed: observedInWords(spec, capability, row), wanted: wantedInWords(spec) };
      },
    };
  },
};

function askedBy({ extraSpecs }: CheckedRequest, columns: Columns): Asked[] {
  const texts = new JsonTexts();
  return Object.entries(extraSpecs).flatMap(([name, text]) => {
    const isScoped = name.startsWith(scope);
    if (!isScoped && name.includes(':')) return [];
    const key = isScoped ? name.slice(scope.length) : name;
    const capability = capabilityOf(key, columns, texts);
    const spec = specRequirement(name, key, text);
    const verdicts = new Verdicts<unknown, Verdict>((value) => verdictOn(spec, capability.textOf(value)));
    return [{ spec, capability, verdicts, isUnscoped: !isScoped }];
  });
}

function verdictOn({ matches }: SpecRequirement, text: string): Verdict {
  const matched = matches(text);
  if (matched === undefined) return 'unreadable';
  return matched ? 'met' : 'differs';
}

function passesAll(asked: readonly Asked[], row: number): boolean {
  for (let index = 0; index < asked.length; index++) if (!meets(asked[index] as Asked, row)) return false;
  return true;
}

function meets({ capability, verdicts, isUnscoped }: Asked, row: number): boolean {
  const value = capability.valueOf(row);
  if (value === undefined) return isUnscoped && !capability.isKnown(row);
  return verdicts.of(value) === 'met';
}

function reasonOf({ capability, verdicts }: Asked, row: number): number {
  const value = capability.valueOf(row);
  if (value === undefined) return 0;
  return verdicts.of(value) === 'unreadable' ? 2 : 1;
}

function observedInWords({ key }: SpecRequirement, { valueOf, textOf }: Capability, row: number): string {
  const value = valueOf(row);
  return value === undefined ? `tells no ${key || 'capability'}` : `${key} "${textOf(value)}"`;
}
