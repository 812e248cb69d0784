/**
 * Dedicated CPUs that are promised and perhaps not pinned yet. Domains are planned and written side by side: between one's
 * plan and its pins another may choose the same CPUs, and only this memory knows.
 */
import { formatCpuSet, intersectCpus } from '../../../../proto/wire/cpu-set.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import type { KernelRoot } from '../../../kernel/root.js';
import type { Knob, KnobDomain } from '../../tuner.js';
import { incarnationRuns } from '../domain-knob.js';

/** The place of a domain as one plan chose it. */
export interface PinClaim {
  /** The value of the knob that carries it; another value is an undo and claims nothing. */
  readonly value: string;
  /** CPU by setting. */
  readonly cpus: ReadonlyMap<string, number>;
  /** All that the place takes, also siblings that stay unused. */
  readonly taken: readonly number[];
  /** How many promises had been made when the plan looked: those it saw. */
  readonly seen: number;
}

/** Under it the claim goes with the knob of a want; a symbol, as ledgers and messages carry none. */
export const claimOf: unique symbol = Symbol('claimed CPUs');
export type ClaimingKnob = Knob & { readonly [claimOf]?: PinClaim };

interface PinPromise extends PinClaim {
  readonly domain: KnobDomain;
  readonly atMs: number;
  readonly number: number;
}

/** Domains with promises; beyond it the oldest is forgotten. */
export const maximumPromises = 4_096;
/** A pin that did not come by then does not come. */
export const promiseLifeMs = 30_000;

export class PinPromises {
  readonly #promises = new Map<string, PinPromise>();
  readonly #limit: number;
  #made = 0;

  constructor(limit = maximumPromises) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#promises.size;
  }

  /** How many were made so far. */
  get made(): number {
    return this.#made;
  }

  /** CPU by setting that a domain was promised lately. */
  promisedTo(domain: KnobDomain, nowMs: number): ReadonlyMap<string, number> | undefined {
    const own = this.#promises.get(keyOf(domain));
    return own && nowMs - own.atMs < promiseLifeMs ? own.cpus : undefined;
  }

  /** What was promised lately to running domains that are none of these, ascending. */
  promisedBeside(kernel: KernelRoot, domains: readonly KnobDomain[], nowMs: number): number[] {
    if (this.#promises.size === 0) return [];
    const known = new Set(domains.map(keyOf));
    const others = [...this.#promises].filter(
      ([key, { atMs, domain }]) =>
        !known.has(key) && nowMs - atMs < promiseLifeMs && incarnationRuns(kernel, domain),
    );
    return [...new Set(others.flatMap(([, { taken }]) => taken))].toSorted((a, b) => a - b);
  }

  /**
   * Promises a claim, unless a CPU of it went to another running domain after the plan had looked. A promise that is kept
   * stays known for plans that are older than the pin. Errors: `failed-precondition` naming CPU and domain.
   */
  promise(kernel: KernelRoot, domain: KnobDomain, claim: PinClaim, nowMs: number): void {
    const key = keyOf(domain);
    for (const [other, later] of this.#promises) {
      if (other === key || later.number <= claim.seen) continue;
      const both = intersectCpus(claim.taken, later.taken);
      if (both.length === 0) continue;
      if (incarnationRuns(kernel, later.domain)) throw takenMeanwhile(both, later.domain);
      this.#promises.delete(other);
    }
    this.#promises.delete(key);
    this.#promises.set(key, { ...claim, domain, atMs: nowMs, number: ++this.#made });
    const [oldest] = this.#promises.keys();
    if (this.#promises.size > this.#limit && oldest !== undefined) this.#promises.delete(oldest);
  }

  /** A setting of the domain gets another value than the promised one: it leaves that place. */
  withdraw(domain: KnobDomain, setting: string): void {
    if (this.#promises.get(keyOf(domain))?.cpus.has(setting)) this.#promises.delete(keyOf(domain));
  }
}

function keyOf({ uuid, incarnation }: KnobDomain): string {
  return `${uuid}@${incarnation}`;
}

function takenMeanwhile(cpus: readonly number[], { name }: KnobDomain): DroverError {
  const which = `${cpus.length === 1 ? 'CPU' : 'CPUs'} ${formatCpuSet(cpus)}`;
  const verb = cpus.length === 1 ? 'was' : 'were';
  return new DroverError(
    'failed-precondition',
    `${which} ${verb} taken meanwhile by ${name}; the next pass chooses anew`,
  );
}
