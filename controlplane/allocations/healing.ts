/**
 * Allocations compared with what agents report. A domain that others moved takes its allocation along; an allocation whose
 * domain was there and is gone for ten minutes is an orphan; two allocations of one virtual machine are said. What the agent
 * of a host does not report, because it is away, is not judged.
 */
import type { Allocation } from '../../proto/gen/drover/v1/Allocation.js';
import { asDroverError } from '../../proto/wire/errors.js';
import type { Registry } from '../fleet/registry.js';
import { movedTo } from '../model/allocation.js';
import { noRoom } from './chosen-room.js';
import { domainSet, isOn, type RunningDomain } from './domain-set.js';
import type { Lapses } from './lapses.js';
import type { Ledger } from './ledger.js';
import type { Turns } from './turns.js';

/** How long a domain must be away, while its agent is connected, for its allocation to be an orphan. */
export const orphanMs = 600_000;
/** Virtual machines with two allocations that are remembered. */
const mostDoubles = 1_000;
/** Orphans given back, and allocations taken along, by one sweep. */
const together = 1_000;

export interface HealingParts {
  readonly registry: Registry;
  readonly ledger: Ledger;
  readonly turns: Turns;
  readonly lapses: Lapses;
  readonly releasesOrphans: boolean;
  now(): number;
  readonly log: { warn(fields: object, message: string): void };
  gone(allocation: Allocation): void;
  /** Domains of a host whose agent is connected; undefined: nobody knows. */
  domainsOf(hostId: string): readonly RunningDomain[] | undefined;
}

export class Healing {
  readonly #parts: HealingParts;
  /** Allocations whose domain was there and is not any more, with since when, Unix ms. */
  readonly #absent = new Map<string, number>();
  readonly #orphans = new Set<string>();
  /** Allocations whose domain runs on another host, with that host. */
  readonly #strays = new Map<string, string>();
  /** Virtual machines that were seen with two allocations. */
  readonly #doubles = new Set<string>();
  #sweeping = false;

  constructor(parts: HealingParts) {
    this.#parts = parts;
  }

  /** The newest report of a host, and the one before it. */
  domains(hostId: string, now: readonly RunningDomain[], before: readonly RunningDomain[] | undefined): void {
    this.#noteAbsent(hostId, now, before);
    const { ledger } = this.#parts;
    const earlier = before && domainSet(before.filter(isOn));
    for (const domain of now) {
      if (!isOn(domain) || ledger.covers(hostId, domain)) continue;
      const allocation = this.#allocationOf(domain, hostId);
      const isNew = earlier !== undefined && !earlier.hasDomain(domain);
      if (allocation && (isNew || !this.#movedFrom(allocation, hostId)))
        this.#strays.set(allocation.id, hostId);
    }
  }

  /** A domain may run on where its allocation was moved from, for as long as that takes. */
  #movedFrom({ movedFrom }: Allocation, hostId: string): boolean {
    return movedFrom !== '' && this.#hostNamed(movedFrom) === hostId;
  }

  #hostNamed(name: string): string | undefined {
    const { registry } = this.#parts;
    const row = registry.rowOfName(name);
    return row === undefined ? undefined : registry.recordAt(row).id;
  }

  #noteAbsent(hostId: string, now: readonly RunningDomain[], before: readonly RunningDomain[] = []): void {
    const [reported, earlier] = [domainSet(now), domainSet(before)];
    for (const allocation of this.#parts.ledger.book(hostId)?.durable ?? []) {
      const { id, state } = allocation;
      if (reported.has(allocation)) {
        this.#absent.delete(id);
        this.#orphans.delete(id);
      } else if (state === 'confirmed' && earlier.has(allocation)) {
        this.#absent.set(id, this.#parts.now());
      }
    }
  }

  /** The allocation, on another host, that a domain stands for. */
  #allocationOf(domain: RunningDomain, hostId: string): Allocation | undefined {
    const { ledger, registry } = this.#parts;
    const named = domain.allocationId === '' ? undefined : ledger.get(domain.allocationId);
    if (named) return named;
    const uuid = domain.uuid.toLowerCase();
    for (const row of registry.columns.instances.rowsOf(domain.uuid)) {
      const other = registry.recordAt(row).id;
      const held = other === hostId ? [] : (ledger.book(other)?.durable ?? []);
      const found = held.find(({ instanceUuid }) => instanceUuid.toLowerCase() === uuid);
      if (found) return found;
    }
    return undefined;
  }

  /** Called for a new allocation: says when its virtual machine has another. */
  noteDouble({ instanceUuid, id, hostName }: Allocation): void {
    if (instanceUuid === '' || this.#holders(instanceUuid) < 2) return;
    const uuid = instanceUuid.toLowerCase();
    if (this.#doubles.has(uuid) || this.#doubles.size >= mostDoubles) return;
    this.#doubles.add(uuid);
    this.#parts.log.warn(
      { instance: uuid, allocation: id, host: hostName },
      'two allocations for one virtual machine',
    );
  }

  /** Allocations of a virtual machine. */
  #holders(uuid: string): number {
    const { registry, ledger } = this.#parts;
    let count = 0;
    for (const row of registry.columns.instances.rowsOf(uuid))
      count += ledger.book(registry.recordAt(row).id)?.countOf(uuid) ?? 0;
    return count;
  }

  troubleOn(hostId: string): { reason: string; message: string } | undefined {
    const { ledger } = this.#parts;
    const orphan = [...this.#orphans].find((id) => ledger.get(id)?.hostId === hostId);
    if (orphan !== undefined)
      return {
        reason: 'orphan',
        message: `allocation ${orphan} has had no domain for 10 minutes; release it if it is over`,
      };
    const double = [...this.#doubles].find((uuid) => ledger.book(hostId)?.holdsInstance(uuid));
    if (double !== undefined)
      return {
        reason: 'double',
        message: `virtual machine ${double} has two allocations; release the one that is over`,
      };
    return undefined;
  }

  async sweep(): Promise<void> {
    if (this.#sweeping) return;
    this.#sweeping = true;
    try {
      for (const uuid of this.#doubles) if (this.#holders(uuid) < 2) this.#doubles.delete(uuid);
      this.#findOrphans();
      await this.#takeAlong();
      if (this.#parts.releasesOrphans) await this.#releaseOrphans();
    } catch (error) {
      this.#parts.log.warn({ error: asDroverError(error).message }, 'allocations not healed');
    } finally {
      this.#sweeping = false;
    }
  }

  #findOrphans(): void {
    const { now, ledger, log, domainsOf } = this.#parts;
    for (const id of this.#orphans) if (!ledger.get(id)) this.#orphans.delete(id);
    for (const [id, sinceMs] of this.#absent) {
      const allocation = ledger.get(id);
      if (!allocation) this.#absent.delete(id);
      else if (!domainsOf(allocation.hostId)) this.#absent.set(id, now());
      else if (now() - sinceMs > orphanMs) {
        this.#absent.delete(id);
        this.#orphans.add(id);
        log.warn(
          { allocation: id, host: allocation.hostName },
          'orphan: its domain has been gone for 10 minutes',
        );
      }
    }
  }

  async #releaseOrphans(): Promise<void> {
    const { ledger, turns, gone } = this.#parts;
    const free = [...this.#orphans].filter((id) => !turns.isBusy(id)).slice(0, together);
    const removed = free.flatMap((id) => ledger.get(id) ?? []);
    if (removed.length === 0) return;
    await turns.runAll(free, () => ledger.commit({ puts: [], removed }));
    for (const allocation of removed) {
      this.#orphans.delete(allocation.id);
      gone(allocation);
    }
  }

  async #takeAlong(): Promise<void> {
    const { ledger, turns } = this.#parts;
    for (const [id, hostId] of [...this.#strays].slice(0, together)) {
      const allocation = ledger.get(id);
      if (!allocation || allocation.hostId === hostId || this.#runs(allocation, hostId) === false)
        this.#strays.delete(id);
      else if (!turns.isBusy(id) && this.#runs(allocation, allocation.hostId) === false)
        await turns.run(id, () => this.takeHome(ledger.get(id) ?? allocation));
    }
  }

  /** Whether a running domain of the allocation is on a host; undefined: nobody knows. */
  #runs(allocation: Allocation, hostId: string): boolean | undefined {
    const domains = this.#parts.domainsOf(hostId);
    return domains && domainSet(domains.filter(isOn)).has(allocation);
  }

  /**
   * Takes an allocation to the host where its domain runs: the one that it strayed to, or that it was moved from. It is
   * there already, so nobody is asked whether it fits. False: no such host. To be called in the allocation's turn.
   */
  async takeHome(allocation: Allocation): Promise<boolean> {
    const { ledger, registry, lapses, log } = this.#parts;
    const known = [this.#strays.get(allocation.id), this.#hostNamed(allocation.movedFrom)];
    const hostId = known.find(
      (id) => id !== undefined && id !== allocation.hostId && this.#runs(allocation, id) === true,
    );
    const row = registry.rowOf(hostId ?? '');
    if (hostId === undefined || row === undefined) return false;
    const { name: hostName } = registry.recordAt(row);
    const choice = { hostId, hostName, alternates: [], revision: registry.revision, seed: 0, ...noRoom };
    const more = { state: 'confirmed', lapsesUnixMs: 0, movedFrom: allocation.hostName };
    const now = movedTo(allocation, choice, more);
    ledger.mark(now);
    await ledger.commit({ puts: [{ now, before: allocation }], removed: [] });
    lapses.stop();
    this.#strays.delete(now.id);
    log.warn(
      { allocation: now.id, from: allocation.hostName, to: hostName },
      'allocation follows its domain',
    );
    return true;
  }
}
