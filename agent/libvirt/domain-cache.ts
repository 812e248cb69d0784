/** What was read from domains' XML, until an event or a write of our own says that it changed. */
import type { ParsedDomain } from './domain-xml.js';
import type { DomainView, ExplicitSettings, InterfaceBandwidth } from './hypervisor.js';

/** As many as a report to the control plane can name. */
export const maximumCachedDomains = 4_096;

/** How old an entry grows, by its UUID: not every change of a definition comes as an event. Ten minutes on average. */
const youngestMs = 450_000;
const spreadMs = 300_000;

/** What libvirt's own record of the running domain said when the XML was read; see `statusMark`. */
export interface KnownBy {
  readonly name: string;
  /** Undefined: there is no record, or it was written too lately to be sure of. */
  readonly mark: string | undefined;
  /** The persistent definition was not read again. */
  readonly isPart?: boolean;
}

interface Entry {
  readonly id: number;
  readonly endsMs: number;
  readonly parsed: ParsedDomain;
  readonly by: KnownBy | undefined;
  /** What was asked of libvirt besides, by the MAC of an interface. */
  readonly bandwidths: Map<string, InterfaceBandwidth>;
  /** A write of ours came after it was read. */
  isTouched?: boolean;
  /** The view that was last made of it. */
  view?: DomainView;
}

/** A reading of XML that is under way. */
export interface CacheRead {
  readonly uuid: string;
  /** What was known when it began. */
  readonly before: object | undefined;
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
  readonly #markOf: (name: string) => string | undefined;

  /** `monotonicMs`: milliseconds of a clock that only goes forward. `markOf`: see `statusMark`; absent: there are none. */
  constructor(
    limit: number = maximumCachedDomains,
    monotonicMs: () => number = () => performance.now(),
    markOf: (name: string) => string | undefined = () => undefined,
  ) {
    this.#limit = limit;
    this.#monotonicMs = monotonicMs;
    this.#markOf = markOf;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What is known of this start of a domain (`id` as libvirt gave it; undefined: whichever), unless it is too old. */
  get(uuid: string, id: number | undefined): ParsedDomain | undefined {
    return this.#entry(uuid, id)?.parsed;
  }

  /** What the persistent definition was last read to say of a start: no change of the running domain alone is one of it. */
  explicit(uuid: string, id: number): ExplicitSettings | undefined {
    const entry = this.#entries.get(uuid);
    const isYoung = entry && entry.id === id && entry.endsMs > this.#monotonicMs();
    return isYoung ? entry.parsed.view.explicit : undefined;
  }

  /** As `get`, while no event and no write of ours came since, whatever libvirt's record says. */
  untouched(uuid: string, id: number | undefined): ParsedDomain | undefined {
    const entry = this.#entries.get(uuid);
    const isOld = !entry || entry.isTouched || entry.endsMs <= this.#monotonicMs();
    return isOld || (id !== undefined && entry.id !== id) ? undefined : entry.parsed;
  }

  /** As `get`, where libvirt's record proves that nothing has changed since: then nothing of it need be asked again. */
  getProven(uuid: string, id: number | undefined): ParsedDomain | undefined {
    return this.#proven(uuid, id)?.parsed;
  }

  /** What an interface was said to have, as long as libvirt's record proves that it is so still. */
  bandwidth(uuid: string, id: number | undefined, mac: string): InterfaceBandwidth | undefined {
    return this.#proven(uuid, id)?.bandwidths.get(mac);
  }

  /**
   * Keeps what libvirt said of an interface between `begin` and now; it counts only where the record did not change. Beside
   * XML that was read meanwhile it is not kept: that may be newer.
   */
  putBandwidth(read: CacheRead, mac: string, bandwidth: InterfaceBandwidth): void {
    const entry = this.#entries.get(read.uuid);
    if (this.#fresh.delete(read) && entry === read.before) entry?.bandwidths.set(mac, bandwidth);
  }

  /** The same view as last time where it says the same, so that what was worked out of it can be kept too. */
  sameView(view: DomainView): DomainView {
    const entry = this.#entries.get(view.uuid);
    if (!entry || entry.id !== view.id) return view;
    if (!entry.view || !sameFields(entry.view, view)) entry.view = view;
    return entry.view;
  }

  #proven(uuid: string, id: number | undefined): Entry | undefined {
    const entry = this.#entry(uuid, id);
    return entry?.by?.mark === undefined ? undefined : entry;
  }

  #entry(uuid: string, id: number | undefined): Entry | undefined {
    const entry = this.#entries.get(uuid);
    if (!entry || entry.isTouched || entry.endsMs <= this.#monotonicMs()) return undefined;
    if (entry.by && entry.by.mark !== this.#markOf(entry.by.name)) return undefined;
    return id === undefined || entry.id === id ? entry : undefined;
  }

  /** To be called before XML is read; `put` or `drop` ends it. */
  begin(uuid: string): CacheRead {
    const read = { uuid, before: this.#entries.get(uuid) };
    this.#fresh.add(read);
    return read;
  }

  /** Keeps what was read, unless the domain changed since `begin`: then it may be old, and the next look reads again. */
  put(read: CacheRead, id: number, parsed: ParsedDomain, by?: KnownBy): void {
    if (!this.#fresh.delete(read)) return;
    const before = this.#entries.get(read.uuid);
    this.#entries.delete(read.uuid);
    // What was taken over from the entry before keeps its age.
    const isPart = by?.isPart === true && before?.id === id;
    const endsMs = isPart ? before.endsMs : this.#monotonicMs() + lifeMs(read.uuid);
    this.#entries.set(read.uuid, { id, parsed, endsMs, by, bandwidths: new Map() });
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

  /** Forgets of one domain what a change of ours of the running domain may have made untrue. */
  touched(uuid: string): void {
    const entry = this.#entries.get(uuid);
    if (entry) entry.isTouched = true;
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

function sameFields(a: DomainView, b: DomainView): boolean {
  const keys = Object.keys(a) as (keyof DomainView)[];
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

function lifeMs(uuid: string): number {
  let hash = 0;
  for (const character of uuid) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
  return youngestMs + (hash % spreadMs);
}
