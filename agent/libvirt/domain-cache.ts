/** What was read from domains' XML, until an event says that it changed. */
import type { ParsedDomain } from './domain-xml.js';

/** As many as a report to the control plane can name. */
export const maximumCachedDomains = 4_096;

interface Entry {
  readonly id: number;
  readonly parsed: ParsedDomain;
}

/** Holds at most `limit` domains; the one that was put first makes room. */
export class DomainCache {
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();
  #changes = 0;

  constructor(limit: number = maximumCachedDomains) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What is known of this start of a domain (`id` as libvirt gave it). */
  get(uuid: string, id: number): ParsedDomain | undefined {
    const entry = this.#entries.get(uuid);
    return entry?.id === id ? entry.parsed : undefined;
  }

  /** To be taken before XML is read and given to `put`. */
  stamp(): number {
    return this.#changes;
  }

  /** Keeps what was read, unless some domain changed since `stamp`: then it may be old, and the next look reads again. */
  put(uuid: string, id: number, parsed: ParsedDomain, stamp: number): void {
    if (stamp !== this.#changes) return;
    this.#entries.delete(uuid);
    this.#entries.set(uuid, { id, parsed });
    const oldest = this.#entries.keys().next().value;
    if (this.#entries.size > this.#limit && oldest !== undefined) this.#entries.delete(oldest);
  }

  /** Forgets one domain: an event said that it changed. */
  invalidate(uuid: string): void {
    this.#changes++;
    this.#entries.delete(uuid);
  }

  /** Forgets everything: events may have been missed. */
  clear(): void {
    this.#changes++;
    this.#entries.clear();
  }

  /** Forgets domains that exist no more. */
  keepOnly(uuids: ReadonlySet<string>): void {
    for (const uuid of this.#entries.keys()) if (!uuids.has(uuid)) this.#entries.delete(uuid);
  }
}
