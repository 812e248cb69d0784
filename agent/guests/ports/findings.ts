/** Keeps what was found of ports from pass to pass: since when, how often tried, and what was mended in the last hour. */
import type { PortFinding } from '../../../proto/gen/drover/v1/PortFinding.js';
import type { Fault } from './find.js';

/** Most findings of one answer, what is wrong now before what was mended. */
export const maximumFindings = 1_024;
const keptMs = 3_600_000;

/** Between tries of what could not be mended: from 20 s, doubling. */
const firstWaitMs = 20_000;
const longestWaitMs = 600_000;

export interface OpenFault {
  readonly fault: Fault;
  /** Monotonic. */
  readonly firstMs: number;
  readonly foundUnixMs: number;
  readonly outcome: 'seen' | 'held' | 'failed';
  readonly reason: string;
  readonly tries: number;
  /** Monotonic; not before. */
  readonly nextTryMs: number;
}

export interface Times {
  readonly monotonicMs: number;
  readonly unixMs: number;
}

export class Findings {
  #open = new Map<string, OpenFault>();
  #mended: PortFinding[] = [];

  /** Takes a look's faults over: those with the same evidence keep their time, the others are forgotten. */
  note(faults: readonly Fault[], now: Times): void {
    this.#open = new Map(
      faults.map((fault) => {
        const open = this.#open.get(fault.evidence) ?? newly(fault, now);
        return [fault.evidence, { ...open, fault }];
      }),
    );
  }

  /** Faults that were there `gapMs` ago as well and whose turn it is; oldest first. */
  due(gapMs: number, { monotonicMs }: Times): OpenFault[] {
    return [...this.#open.values()]
      .filter(({ firstMs, nextTryMs }) => monotonicMs - firstMs >= gapMs && monotonicMs >= nextTryMs)
      .toSorted((a, b) => a.firstMs - b.firstMs);
  }

  get open(): readonly OpenFault[] {
    return [...this.#open.values()];
  }

  hold(evidence: string, reason: string): void {
    this.#change(evidence, { outcome: 'held', reason });
  }

  /** It could not be mended: the next try waits longer each time. */
  fail(evidence: string, reason: string, { monotonicMs }: Times): void {
    const tries = (this.#open.get(evidence)?.tries ?? 0) + 1;
    const waitMs = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(tries - 1, 10));
    this.#change(evidence, { outcome: 'failed', reason, tries, nextTryMs: monotonicMs + waitMs });
  }

  mended({ fault, foundUnixMs }: Pick<OpenFault, 'fault' | 'foundUnixMs'>, { unixMs }: Times): void {
    this.#open.delete(fault.evidence);
    const finding = { ...words(fault), outcome: 'mended', reason: fault.reason };
    this.#mended.push({ ...finding, foundUnixMs, mendedUnixMs: unixMs });
    this.#mended = this.#mended.slice(-maximumFindings);
  }

  /** Evidence from before is worth nothing: it takes two new looks. What was mended stays. */
  forget(): void {
    this.#open.clear();
  }

  /** What is wrong now, and what was mended in the last hour, newest first; at most 1024. */
  list({ unixMs }: Times): PortFinding[] {
    this.#mended = this.#mended.filter(({ mendedUnixMs }) => unixMs - mendedUnixMs < keptMs);
    const open = this.open.map(({ fault, outcome, reason, foundUnixMs }) => ({
      ...words(fault),
      outcome,
      reason,
      foundUnixMs,
      mendedUnixMs: 0,
    }));
    return [...open, ...this.#mended.toReversed()].slice(0, maximumFindings);
  }

  #change(evidence: string, change: Partial<OpenFault>): void {
    const open = this.#open.get(evidence);
    if (open) this.#open.set(evidence, { ...open, ...change });
  }
}

/** A fault that is seen for the first time. */
export function newly(fault: Fault, { monotonicMs, unixMs }: Times): OpenFault {
  const times = { firstMs: monotonicMs, foundUnixMs: unixMs, tries: 0, nextTryMs: 0 };
  return { fault, ...times, outcome: 'seen', reason: fault.reason };
}

function words({ port, bridge, kind, domain }: Fault) {
  return { port, bridge, kind, domainUuid: domain?.uuid ?? '', domainName: domain?.name ?? '' };
}
