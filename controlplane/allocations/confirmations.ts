/**
 * Whether agents take what was claimed on their hosts. A claim is confirmed by the agent's allocation report, or by a domain
 * that it stands for; an agent that acknowledges the set of allocations and sends no allocation report within ten seconds is
 * of an older build, and has confirmed it so. A claim that is rejected goes to its next alternate, one that lapses is given
 * back; where its domain runs on another host that is reported, it goes there instead.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import type { AllocationReport } from '../../proto/gen/drover/v1/AllocationReport.js';
import type { RejectedAllocation } from '../../proto/gen/drover/v1/RejectedAllocation.js';
import { asDroverError } from '../../proto/wire/errors.js';
import type { Registry } from '../fleet/registry.js';
import { confirmed, movedTo } from '../model/allocation.js';
import type { Chooser } from './chooser.js';
import { domainSet, type RunningDomain } from './domain-set.js';
import type { FailedBuilds } from './failed-builds.js';
import type { Lapses } from './lapses.js';
import type { Ledger } from './ledger.js';
import type { Requests } from './requests.js';
import type { Turns } from './turns.js';

/** How long an agent has for its allocation report after it acknowledged the allocations. */
export const reportGraceMs = 10_000;
/** Claims confirmed, or given back, with one commit. */
export const together = 2_000;

export interface ConfirmationParts {
  readonly registry: Registry;
  readonly ledger: Ledger;
  readonly turns: Turns;
  readonly chooser: Chooser;
  readonly lapses: Lapses;
  readonly failed: FailedBuilds;
  readonly requests: Requests;
  now(): number;
  readonly log: { warn(fields: object, message: string): void };
  /** Told of an allocation that is given back. */
  gone(allocation: Allocation): void;
  /** Takes an allocation to the host where its domain runs, if there is one that is reported; false: there is none. */
  takeHome(allocation: Allocation): Promise<boolean>;
}

interface Acknowledged {
  readonly generation: number;
  readonly atMs: number;
}

export class Confirmations {
  readonly #parts: ConfirmationParts;
  /** Hosts whose agents send allocation reports in their session. */
  readonly #reporters = new Set<string>();
  /** What the others have acknowledged: the set that is waited for, and the newest after it. */
  readonly #acknowledged = new Map<string, [first: Acknowledged, newest?: Acknowledged]>();
  /** Claims that are to be stored as confirmed, with their hosts. */
  readonly #wanted = new Map<string, string>();
  #storing = false;
  #sweeping = false;

  constructor(parts: ConfirmationParts) {
    this.#parts = parts;
  }

  sessionBegan(hostId: string): void {
    this.forget(hostId);
  }

  forget(hostId: string): void {
    this.#reporters.delete(hostId);
    this.#acknowledged.delete(hostId);
  }

  /** An answer counts where the set that it answers had the allocation as it stands now. */
  report(hostId: string, { generation, confirmedIds, rejected }: AllocationReport): void {
    const { ledger } = this.#parts;
    this.#reporters.add(hostId);
    this.#acknowledged.delete(hostId);
    for (const id of confirmedIds)
      if ((ledger.get(id)?.hostGeneration ?? Infinity) <= generation) this.#want(id, hostId);
    void this.#store();
    for (const one of rejected) void this.#reject(hostId, generation, one);
  }

  acknowledged(hostId: string, generation: number): void {
    if (this.#reporters.has(hostId) || !this.#parts.ledger.book(hostId)?.claimed) return;
    const now = { generation, atMs: this.#parts.now() };
    const [first] = this.#acknowledged.get(hostId) ?? [];
    this.#acknowledged.set(hostId, first ? [first, now] : [now]);
  }

  domains(hostId: string, domains: readonly RunningDomain[]): void {
    const book = this.#parts.ledger.book(hostId);
    if (!book?.claimed || domains.length === 0) return;
    const reported = domainSet(domains);
    for (const allocation of book.durable) if (reported.has(allocation)) this.#want(allocation.id, hostId);
    void this.#store();
  }

  async sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      this.#takeAcknowledged();
      await this.#store();
      await this.#lapse();
    } finally {
      this.#sweeping = false;
    }
  }

  #want(id: string, hostId: string): void {
    if (this.#isClaimedOn(id, hostId)) this.#wanted.set(id, hostId);
  }

  #isClaimedOn(id: string, hostId: string): boolean {
    const allocation = this.#parts.ledger.get(id);
    return allocation?.hostId === hostId && allocation.state === 'claimed';
  }

  #takeAcknowledged(): void {
    const { now, ledger } = this.#parts;
    for (const [hostId, [first, newest]] of this.#acknowledged) {
      if (now() - first.atMs < reportGraceMs) continue;
      if (newest) this.#acknowledged.set(hostId, [newest]);
      else this.#acknowledged.delete(hostId);
      for (const { id, hostGeneration } of ledger.book(hostId)?.durable ?? [])
        if (hostGeneration <= first.generation) this.#want(id, hostId);
    }
  }

  /** Stores what is wanted, batch by batch. What the store refuses stays wanted until the next sweep. */
  async #store(): Promise<void> {
    if (this.#storing) return;
    this.#storing = true;
    try {
      for (let batch = this.#batch(); batch.length > 0; batch = this.#batch()) await this.#confirm(batch);
    } catch (error) {
      this.#parts.log.warn({ error: asDroverError(error).message }, 'confirmed allocations not stored');
    } finally {
      this.#storing = false;
    }
  }

  #batch(): Allocation[] {
    const { ledger, turns } = this.#parts;
    const batch: Allocation[] = [];
    for (const [id, hostId] of this.#wanted) {
      if (batch.length >= together) break;
      if (turns.isBusy(id)) continue;
      if (this.#isClaimedOn(id, hostId)) batch.push(ledger.get(id) as Allocation);
      else this.#wanted.delete(id);
    }
    return batch;
  }

  async #confirm(batch: readonly Allocation[]): Promise<void> {
    const { ledger, turns, lapses, requests, failed } = this.#parts;
    const puts = batch.map((before) => ({ before, now: confirmed(before) }));
    await turns.runAll(
      batch.map(({ id }) => id),
      () => ledger.commit({ puts, removed: [] }),
    );
    for (const { id, hostId } of batch) {
      this.#wanted.delete(id);
      lapses.stop();
      requests.drop(id);
      failed.succeeded(hostId);
    }
  }

  async #reject(hostId: string, generation: number, { id, reason }: RejectedAllocation): Promise<void> {
    const { ledger, turns, log } = this.#parts;
    const work = async (): Promise<void> => {
      const before = ledger.get(id);
      if (!before || !this.#isClaimedOn(id, hostId) || generation < before.hostGeneration) return;
      await this.#rejected(before, reason);
    };
    await turns.run(id, work).catch((error: unknown) => {
      log.warn(
        { allocation: id, error: asDroverError(error).message },
        'rejected allocation not placed anew',
      );
    });
  }

  async #rejected(before: Allocation, reason: string): Promise<void> {
    const { ledger, failed, log, lapses, now, gone } = this.#parts;
    failed.failed(before.hostId);
    const said = { allocation: before.id, host: before.hostName, reason, attempts: before.attempts };
    const next = this.#markNext(before);
    if (next) {
      await ledger.commit({ puts: [{ before, now: next }], removed: [] });
      lapses.start(next, now());
      log.warn({ ...said, to: next.hostName }, 'allocation rejected by its host, placed on the next');
      return;
    }
    if (await this.#parts.takeHome(before)) return;
    await ledger.commit({ puts: [], removed: [before] });
    gone(before);
    log.warn(said, 'allocation rejected by its host, and given back: no other host is left');
  }

  /** The allocation on the first of its alternates that still takes it, marked there. */
  #markNext(before: Allocation): Allocation | undefined {
    const { chooser, ledger, lapses, now, registry, requests } = this.#parts;
    if (before.attempts >= chooser.maxAttempts) return undefined;
    for (const [place, name] of before.alternates.entries()) {
      const row = registry.rowOfName(name);
      if (row === undefined) continue;
      try {
        const wish = { request: requests.of(before), seed: before.seed, allocationId: before.id, only: row };
        const choice = chooser.find(wish);
        if (!choice) continue;
        const alternates = before.alternates.slice(place + 1);
        const more = { attempts: before.attempts + 1, lapsesUnixMs: lapses.at(now()) };
        const next = movedTo(before, { ...choice, alternates }, more);
        ledger.mark(next);
        return next;
      } catch (error) {
        this.#parts.log.warn({ host: name, error: asDroverError(error).message }, 'alternate not taken');
      }
    }
    return undefined;
  }

  /** Gives back what has lapsed. What the store refuses lapses again later. */
  async #lapse(): Promise<void> {
    const { lapses, now, ledger, turns, log, gone } = this.#parts;
    const removed: Allocation[] = [];
    for (const id of lapses.take(now(), together)) {
      const allocation = ledger.get(id);
      if (allocation?.state !== 'claimed') continue;
      if (turns.isBusy(id) || this.#wanted.has(id)) lapses.start(allocation, now());
      else if (!(await turns.run(id, () => this.#parts.takeHome(allocation)))) removed.push(allocation);
    }
    const still = removed.filter((one) => ledger.get(one.id) === one && !turns.isBusy(one.id));
    if (still.length === 0) return;
    try {
      const ids = still.map(({ id }) => id);
      await turns.runAll(ids, () => ledger.commit({ puts: [], removed: still }));
    } catch (error) {
      for (const allocation of still) lapses.start(allocation, now());
      log.warn({ error: asDroverError(error).message }, 'lapsed allocations not given back');
      return;
    }
    for (const allocation of still) gone(allocation);
    log.warn(
      { count: still.length, first: still[0]?.id },
      'allocations lapsed: their agents confirmed them not in time',
    );
  }
}
