/** Domain events of one connection, in Drover's words. */
import type { Lease } from './call-queue.js';
import type { Connection } from './connection.js';
import type { DomainEvent } from './hypervisor.js';
import type { LibvirtLibrary, Pointer } from './library.js';

/** virDomainEventType, by number. */
const kinds: readonly DomainEvent['kind'][] = [
  'defined', 'undefined', 'started', 'suspended', 'resumed', 'stopped', 'shutdown', 'pmsuspended', 'crashed',
]; // prettier-ignore

/**
 * virDomainEventID. Those in `changes` say that the domain's XML is another now: disk-change 9, device-removed 15, tunable
 * 17, device-added 21, metadata-change 23, block-job-2 24 (a pivot gives the disk another file).
 */
const eventIds = { lifecycle: 0, changes: [9, 15, 17, 21, 23, 24] } as const;

const uuidBytes = 37; // VIR_UUID_STRING_BUFLEN: 36 characters and a NUL

/** The word for a virDomainEventType; undefined for one that a later libvirt added. */
export function eventKind(event: number): DomainEvent['kind'] | undefined {
  return kinds[event];
}

/** A domain's UUID as text. Reads the handle only, without asking libvirtd. */
export function uuidOf(library: LibvirtLibrary, domain: Pointer): string {
  const text = Buffer.alloc(uuidBytes);
  library.domainUuid(domain, text);
  return text.toString('latin1', 0, uuidBytes - 1);
}

export interface DomainEventSink {
  lifecycle(event: DomainEvent): void;
  /** The domain's XML is another now. */
  changed(uuid: string): void;
}

/**
 * Registers for a connection's events and hands them to the sink. In the callback only the name and UUID are copied: no
 * domain pointer outlives it, so no reference has to be kept. libvirt's event thread waits for the callback, hence the sink
 * hears of it in a later turn of the JavaScript loop.
 */
export class DomainEvents {
  readonly #library: LibvirtLibrary;
  readonly #lifecycle: Pointer;
  readonly #changed: Pointer;
  #registered: number[] = [];

  constructor(library: LibvirtLibrary, sink: DomainEventSink) {
    this.#library = library;
    this.#lifecycle = library.lifecycleHandler((_connection, domain, event) => {
      const kind = eventKind(event);
      const [uuid, name] = [uuidOf(library, domain), library.domainName(domain)];
      if (kind) setImmediate(() => sink.lifecycle({ uuid, name, kind }));
      return 0;
    });
    this.#changed = library.domainHandler((_connection, domain) => {
      const uuid = uuidOf(library, domain);
      setImmediate(() => sink.changed(uuid));
    });
  }

  /** Errors: those of `Connection.call` for lifecycle events; the others are left out where a driver lacks them. */
  async register(connection: Connection, lease: Lease): Promise<void> {
    const add = (id: number, callback: Pointer) =>
      connection.call(lease, `register event ${id}`, (handle) =>
        this.#library.registerEvent(handle, null, id, callback, null, null),
      );
    this.#registered = [await add(eventIds.lifecycle, this.#lifecycle)];
    for (const id of eventIds.changes) {
      const number = await add(id, this.#changed).catch(() => -1);
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
    this.#library.dropCallback(this.#changed);
  }
}
