/** The error of a placement that found nothing, in words that a person can act on. */
import { DroverError } from '../../proto/wire/errors.js';
import type { Registry } from '../fleet/registry.js';
import type { CheckedRequest } from '../model/request.js';
import { explain } from './explain.js';
import type { Rules } from './select.js';

/** A `no-valid-host` error: hosts left after each filter, and the most frequent refusal with one host as its example. */
export function noValidHost(registry: Registry, rules: Rules, request: CheckedRequest): DroverError {
  const { hostsConsidered, filters, refusals, hosts } = explain(registry, rules, request, 200);
  if (hostsConsidered === 0) return new DroverError('no-valid-host', 'no valid host: no host has joined');
  const left = filters.map(({ filter, hostsLeft }) => `${filter} left ${hostsLeft}`).join(', ');
  const top = refusals[0];
  if (!top) return new DroverError('no-valid-host', `no valid host among ${hostsConsidered}: ${left}`);
  const example = hosts.find((host) => host.refusals.some(({ reason }) => reason === top.reason));
  const refusal = example?.refusals.find(({ reason }) => reason === top.reason);
  const words =
    example && refusal
      ? `; for example ${example.hostName} has ${refusal.observed}, wanted ${refusal.wanted}`
      : '';
  const text = `no valid host among ${hostsConsidered}: ${left}. Most frequent: ${top.filter} refuses ${top.hosts} (${top.reason})${words}`;
  return new DroverError('no-valid-host', text, {
    field: 'request',
    ...(refusal && { value: refusal.observed, cure: refusal.wanted }),
  });
}
