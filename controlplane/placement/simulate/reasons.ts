/** Why simulated placements are refused. */
import { asDroverError } from '../../../proto/wire/errors.js';
import type { Registry } from '../../fleet/registry.js';
import type { CheckedRequest } from '../../model/request.js';
import { noValidHost } from '../no-valid-host.js';
import type { Rules } from '../select.js';

/** Refusals that are explained: each costs a look at every host. */
const mostExplained = 32;

/** Why requests were refused, in words: of so many; the others are told where to ask. */
export class Reasons {
  readonly #fork: Registry;
  readonly #rules: Rules;
  #explained = 0;

  constructor(fork: Registry, rules: Rules) {
    this.#fork = fork;
    this.#rules = rules;
  }

  of(request: CheckedRequest): string {
    if (this.#explained++ >= mostExplained)
      return `no valid host; the first ${mostExplained} refusals are explained, ask for this one alone`;
    try {
      return noValidHost(this.#fork, this.#rules, request).message;
    } catch (thrown) {
      return asDroverError(thrown).message;
    }
  }
}
