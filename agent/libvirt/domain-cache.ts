/** What was read from domains' XML, until an event or a write of our own says that it changed. */
import type { ParsedDomain } from './domain-xml.js';

/** As many as a report to the control plane can name. */
export const maximumCachedDomains = 4_096;

/** How old an entry grows, by its UUID: not every change of a definition comes as an event. Ten minutes on average. */
const youngestMs = 450_000;
const spreadMs = 300_000;

interface Entry {
  readonly id: number;
  readonly endsMs: number;
  readonly parsed: ParsedDomain;
}

/** A reading of XML that is under way. */
export interface CacheRead {
  readonly uuid: string;
}

/**
 * Holds at most `limit` domains, each for 7.5 to 12.5 minutes; the one that was put first makes room. Domains that were read
 * together do not grow old together, so that no look has to read them all again.
 */
export class DomainCache {
  readonly #limit: number;
  readonly #monotonicMs: () => number;
  readonly #entries = new Map<string, Entry>();
  /** Readings under way of domains that did not change since. As many as there are calls. */
  readonly #fresh = new Set<CacheRead>();

  /** `monotonicMs`: milliseconds of a clock that only goes forward. */
  constructor(limit: number = maximumCachedDomains, monotonicMs: () => number = () => performance.now()) {
    this.#limit = limit;
    this.#monotonicMs = monotonicMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What is known of this start of a domain (`id` as libvirt gave it; undefined: whichever), unless it is too old. */
  get(uuid: string, id: number | undefined): ParsedDomain | undefined {
    const entry = this.#entries.get(uuid);
    if (entry && entry.endsMs <= this.#monotonicMs()) return undefined;
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
    this.#entries.set(read.uuid, { id, parsed, endsMs: this.#monotonicMs() + lifeMs(read.uuid) });
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

function lifeMs(uuid: string): number {
  let hash = 0;
  for (const character of uuid) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return youngestMs + (hash % spreadMs);
}
