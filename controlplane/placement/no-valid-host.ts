/** The error of a placement that found nothing, in words that a person can act on. */
import { DroverError } from '../../proto/wire/errors.js';
import type { Registry } from '../fleet/registry.js';
import type { CheckedRequest } from '../model/request.js';
import { type Explanation, explain } from './explain.js';
import type { Rules } from './select.js';
import { exactNeeds } from './unfiltered.js';

/**
 * A `no-valid-host` error: hosts left after each filter, the most frequent refusal with one host as its example, and the
 * smallest change that would admit a host. Where hosts passed, they lack cells or devices that no filter asked for.
 */
export function noValidHost(registry: Registry, rules: Rules, request: CheckedRequest): DroverError {
  const explanation = explain(registry, rules, request, 200);
  const { hostsConsidered, filters, refusals } = explanation;
  if (hostsConsidered === 0) return new DroverError('no-valid-host', 'no valid host: no host has joined');
  const left = filters.map(({ filter, hostsLeft }) => `${filter} left ${hostsLeft}`).join(', ');
  const inVain =
    explanation.hostsPassed > 0 ? roomLacking(explanation.hostsPassed, rules, request) : undefined;
  if (inVain)
    return new DroverError('no-valid-host', `no valid host among ${hostsConsidered}: ${left}. ${inVain}`);
  const top = refusals[0];
  if (!top) {
    const why = left || 'the hosts that the request names are not there';
    return new DroverError('no-valid-host', `no valid host among ${hostsConsidered}: ${why}`);
  }
  const { host, refusal } = exampleOf(explanation, top);
  const words = refusal ? `; for example ${host} has ${refusal.observed}, wanted ${refusal.wanted}` : '';
  const nearest = explanation.relaxations[0];
  const change = nearest ? `. Nearest change: ${nearest.text}` : '';
  const text = `no valid host among ${hostsConsidered}: ${left}. Most frequent: ${top.filter} refuses ${top.hosts} (${top.reason})${words}${change}`;
  return new DroverError('no-valid-host', text, {
    field: 'request',
    ...(refusal && { value: refusal.observed, cure: refusal.wanted }),
  });
}

/** Why hosts that passed every filter are of no use; undefined: nothing is asked of them that only the claim looks at. */
function roomLacking(hosts: number, { settings }: Rules, request: CheckedRequest): string | undefined {
  const needs = exactNeeds(request, settings);
  if (needs.length === 0) return undefined;
  const asleep = needs.flatMap((need) => need.asleep ?? []);
  const cure = asleep.length > 0 ? `; enabled_filters lacks ${asleep.join(' and ')}` : '';
  const what = needs.map((need) => need.what).join(' and ');
  return `Of the ${hosts} that passed, the best cannot give the ${what} that are asked for${cure}`;
}

function exampleOf({ hosts }: Explanation, { filter, reason }: { filter: string; reason: string }) {
  for (const { hostName, refusals } of hosts) {
    const refusal = refusals.find((one) => one.filter === filter && one.reason === reason);
    if (refusal) return { host: hostName, refusal };
  }
  return { host: '', refusal: undefined };
}
