/** Domain events of one connection, in Drover's words. */
import type { Lease } from './call-queue.js';
import type { Connection } from './connection.js';
import type { DomainEvent } from './hypervisor.js';
import type { LibvirtLibrary, Pointer } from './library.js';
import type { Tuned } from './own-changes.js';

/** virDomainEventType, by number. */
const kinds: readonly DomainEvent['kind'][] = [
  'defined', 'undefined', 'started', 'suspended', 'resumed', 'stopped', 'shutdown', 'pmsuspended', 'crashed',
]; // prettier-ignore

/** virDomainEventStartedDetailType and virDomainEventStoppedDetailType, by number. */
const details: { readonly [Kind in DomainEvent['kind']]?: readonly string[] } = {
  started: ['booted', 'migrated', 'restored', 'from-snapshot', 'wakeup'],
  stopped: ['shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from-snapshot'],
};

/**
 * virDomainEventID (libvirt/libvirt-domain.h). Beside the lifecycle those after which the domain's XML is another: disk-change
 * 9, device-removed 15, block-job-2 16 (a pivot gives the disk another file), tunable 17, device-added 19, metadata-change 23.
 */
const lifecycleEvent = 0;
const changeEvents: readonly { readonly id: number; readonly kind: DomainEvent['kind'] }[] = [
  { id: 9, kind: 'device-changed' },
  { id: 15, kind: 'device-changed' },
  { id: 16, kind: 'device-changed' },
  { id: 19, kind: 'device-changed' },
  { id: 23, kind: 'metadata-changed' },
];

/** Tunable: it says what was set, so that it can be told from an event of our own write. */
const tunableEvent = 17;

const uuidBytes = 37; // VIR_UUID_STRING_BUFLEN: 36 characters and a NUL

/** The word for a virDomainEventType; undefined for one that a later libvirt added. */
export function eventKind(event: number): DomainEvent['kind'] | undefined {
  return kinds[event];
}

/** Why a domain started or stopped, in a word; undefined for other kinds and for what a later libvirt added. */
export function eventDetail(kind: DomainEvent['kind'], detail: number): string | undefined {
  return details[kind]?.[detail];
}

/** A domain's UUID as text. Reads the handle only, without asking libvirtd. */
export function uuidOf(library: LibvirtLibrary, domain: Pointer): string {
  const text = Buffer.alloc(uuidBytes);
  library.domainUuid(domain, text);
  return text.toString('latin1', 0, uuidBytes - 1);
}

/**
 * Registers for a connection's events and hands them to `tell`. In the callback only the name and UUID are copied: no
 * domain pointer outlives it, so no reference has to be kept. libvirt's event thread waits for the callback, hence `tell`
 * hears of it in a later turn of the JavaScript loop.
 */
export class DomainEvents {
  readonly #library: LibvirtLibrary;
  readonly #lifecycle: Pointer;
  readonly #changes: ReadonlyMap<DomainEvent['kind'], Pointer>;
  readonly #tunable: Pointer;
  #registered: number[] = [];

  /** `tell` also hears what was tuned, where an event says so. */
  constructor(library: LibvirtLibrary, tell: (event: DomainEvent, tuned?: Tuned) => void) {
    this.#library = library;
    const pass = (domain: Pointer, kind: DomainEvent['kind'], tuned?: Tuned, detail?: string): void => {
      const event = { uuid: uuidOf(library, domain), name: library.domainName(domain), kind };
      setImmediate(() => tell({ ...event, ...(detail !== undefined && { detail }) }, tuned));
    };
    this.#tunable = library.tunableHandler((_connection, domain, list, count) =>
      pass(domain, 'tuned', library.parametersAt(list, count)),
    );
    this.#lifecycle = library.lifecycleHandler((_connection, domain, number, detail) => {
      const kind = eventKind(number);
      if (kind) pass(domain, kind, undefined, eventDetail(kind, detail));
      return 0;
    });
    // One callback a kind: which event it was is not among what every callback is given.
    const changes = [...new Set(changeEvents.map(({ kind }) => kind))];
    this.#changes = new Map(
      changes.map((kind) => [kind, library.domainHandler((_connection, domain) => pass(domain, kind))]),
    );
  }

  /** Errors: those of `Connection.call` for lifecycle events; the others are left out where a driver lacks them. */
  async register(connection: Connection, lease: Lease): Promise<void> {
    const add = (id: number, callback: Pointer) =>
      connection.call(lease, `register event ${id}`, (handle) =>
        this.#library.registerEvent(handle, null, id, callback, null, null),
      );
    this.#registered = [await add(lifecycleEvent, this.#lifecycle)];
    const others = changeEvents.map(({ id, kind }) => [id, this.#changes.get(kind) as Pointer] as const);
    for (const [id, callback] of [...others, [tunableEvent, this.#tunable] as const]) {
      const number = await add(id, callback).catch(() => -1);
      if (number >= 0) this.#registered.push(number);
    }
  }

  /** Takes the callbacks off again, also from a connection that is lost: the local part of it always works. */
  async deregister(connection: Connection, lease: Lease): Promise<void> {
    for (const id of this.#registered) {
      await connection
        .call(lease, 'deregister event', (handle) => this.#library.deregisterEvent(handle, id))
        .catch(() => undefined);
    }
    this.#registered = [];
  }

  /** Forgets the callbacks; the last thing, after `deregister`. */
  dispose(): void {
    this.#library.dropCallback(this.#lifecycle);
    this.#library.dropCallback(this.#tunable);
    for (const callback of this.#changes.values()) this.#library.dropCallback(callback);
  }
}
