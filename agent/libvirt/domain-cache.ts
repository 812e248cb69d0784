/** What was read from domains' XML, until an event or a write of our own says that it changed. */
import type { ParsedDomain } from './domain-xml.js';

/** As many as a report to the control plane can name. */
export const maximumCachedDomains = 4_096;

interface Entry {
  readonly id: number;
  readonly parsed: ParsedDomain;
}

/** A reading of XML that is under way. */
export interface CacheRead {
  readonly uuid: string;
}

/** Holds at most `limit` domains; the one that was put first makes room. */
export class DomainCache {
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();
  /** Readings under way of domains that did not change since. As many as there are calls. */
  readonly #fresh = new Set<CacheRead>();

  constructor(limit: number = maximumCachedDomains) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What is known of this start of a domain (`id` as libvirt gave it; undefined: whichever). */
  get(uuid: string, id: number | undefined): ParsedDomain | undefined {
    const entry = this.#entries.get(uuid);
    return id === undefined || entry?.id === id ? entry?.parsed : undefined;
  }

  /** To be called before XML is read; `put` or `drop` ends it. */
  begin(uuid: string): CacheRead {
    const read = { uuid };
    this.#fresh.add(read);
    return read;
  }

  /** Keeps what was read, unless the domain changed since `begin`: then it may be old, and the next look reads again. */
  put(read: CacheRead, id: number, parsed: ParsedDomain): void {
    if (!this.#fresh.delete(read)) return;
    this.#entries.delete(read.uuid);
    this.#entries.set(read.uuid, { id, parsed });
    const oldest = this.#entries.keys().next().value;
    if (this.#entries.size > this.#limit && oldest !== undefined) this.#entries.delete(oldest);
  }

  /** Ends a reading that failed. */
  drop(read: CacheRead): void {
    this.#fresh.delete(read);
  }

  /** Forgets one domain: it changed. */
  invalidate(uuid: string): void {
    this.#entries.delete(uuid);
    for (const read of this.#fresh) if (read.uuid === uuid) this.#fresh.delete(read);
  }

  /** Forgets everything: events may have been missed. */
  clear(): void {
    this.#entries.clear();
    this.#fresh.clear();
  }

  /** Forgets domains that exist no more. */
  keepOnly(uuids: ReadonlySet<string>): void {
    for (const uuid of this.#entries.keys()) if (!uuids.has(uuid)) this.#entries.delete(uuid);
  }
}
