/** Puts one call on a connection: for the hypervisor as a whole, or for one domain and bound to that start of it. */
import { DroverError } from '../../proto/wire/errors.js';
import type { CallQueue, Lease } from './call-queue.js';
import type { Connection } from './connection.js';
import type { DomainCache } from './domain-cache.js';
import { readDomainXml, withDomain } from './domain-list.js';
import type { ParsedDomain } from './domain-xml.js';
import type { DomainEvent, DomainKey } from './hypervisor.js';
import type { LibvirtLibrary, Pointer } from './library.js';
import type { Listeners } from './listeners.js';
import type { PowerLanes } from './power-lanes.js';
import { statusMark } from './status-mark.js';
import { withParameters } from './typed-parameters.js';
import type { OwnChanges, Tuned } from './own-changes.js';
import type { Parameter } from './typed-parameters.js';

/** What the hypervisor works with; see `open-hypervisor.ts`. */
export interface HypervisorParts {
  readonly library: LibvirtLibrary;
  readonly queue: CallQueue<Connection>;
  readonly pidDirectory: string;
  /** virDomainModificationImpact of every change: 1 is the running domain only; the test driver pins with 0 only. */
  readonly changeFlags: 0 | 1;
  readonly events: Listeners<DomainEvent>;
  readonly states: Listeners<boolean>;
  readonly cache: DomainCache;
  readonly own: OwnChanges;
  /** Connections for turning guests off and on; absent: it is not done. */
  readonly lanes?: PowerLanes;
  connected(): boolean;
  close(): Promise<void>;
}

/** What is known of a change before it is made. */
export interface ChangeNews {
  readonly tuned?: Tuned;
  readonly keepsXml?: boolean;
}

/** Where a call waits for its turn and how long it may take; what is absent is as for every call. */
export interface TurnBounds {
  readonly queue?: CallQueue<Connection>;
  readonly deadlineMs?: number;
  readonly lateMs?: number;
}

export type Turn<Result> = (connection: Connection, lease: Lease) => Promise<Result>;
type Write = (domain: Pointer, list: Pointer, count: number, flags: number) => Promise<number>;

export class DomainCalls {
  readonly #parts: HypervisorParts;

  constructor(parts: HypervisorParts) {
    this.#parts = parts;
  }

  /** One turn on a connection. `key`: the domain that may be stuck. Errors: those of `Hypervisor`. */
  async submit<Result>(
    label: string,
    key: string | undefined,
    run: Turn<Result>,
    { queue = this.#parts.queue, ...bounds }: TurnBounds = {},
  ): Promise<Result> {
    if (!this.#parts.connected()) throw new DroverError('unavailable', `${label}: libvirt cannot be reached`);
    return queue.submit<Result>({
      label,
      ...bounds,
      ...(key === undefined ? {} : { key }),
      run: async (connection, lease) => {
        await connection.ready(lease);
        return run(connection, lease);
      },
    });
  }

  /** One question about a domain; the answer of libvirt is that of `ask`, below 0 an error. */
  ask(
    key: DomainKey,
    label: string,
    ask: (domain: Pointer, flags: number) => Promise<number>,
  ): Promise<number> {
    const { library, changeFlags } = this.#parts;
    return this.submit(label, key.uuid, (connection, lease) =>
      withDomain(library, connection, lease, key, (domain) =>
        connection.call(lease, label, () => ask(domain, changeFlags)),
      ),
    );
  }

  /**
   * One change of a domain. What was known of its XML is forgotten: not every change of ours comes back as an event. `tuned`:
   * what the event of it will say, which is then nobody's news. `keepsXml`: nothing that is read of the XML
   * is changed by it, as by pins and limits of the control group.
   */
  async change(
    key: DomainKey,
    label: string,
    write: (domain: Pointer, flags: number) => Promise<number>,
    { tuned = [], keepsXml = false }: ChangeNews = {},
  ): Promise<void> {
    // Also when the call was given up and returns much later.
    const done = async (domain: Pointer, flags: number): Promise<number> => {
      const { own, cache } = this.#parts;
      if (tuned.length > 0) own.expect(key.uuid, tuned);
      let answer = -1;
      try {
        return (answer = await write(domain, flags));
      } finally {
        if (answer < 0) own.withdraw(key.uuid, tuned);
        if (!keepsXml) cache.touched(key.uuid);
      }
    };
    await this.ask(key, label, done);
  }

  /** A change that takes typed parameters; none: nothing to do. */
  async set(
    key: DomainKey,
    label: string,
    parameters: readonly Parameter[],
    write: Write,
    news: ChangeNews = {},
  ): Promise<void> {
    if (parameters.length === 0) return;
    const { library } = this.#parts;
    const call = (domain: Pointer, flags: number): Promise<number> =>
      withParameters(library, parameters, (list, count) => write(domain, list, count, flags));
    await this.change(key, label, call, news);
  }

  /**
   * A domain's XML, from what is known already or by reading it, and then it is kept. The reading does not queue behind
   * changes of that domain: libvirt answers it without QEMU, thus also while a change hangs.
   */
  async xml(key: DomainKey): Promise<ParsedDomain> {
    const label = `read ${key.uuid}`;
    return (
      this.#parts.cache.get(key.uuid, key.id) ??
      this.submit(label, `XML of ${key.uuid}`, (...turn) => this.#read(key, ...turn))
    );
  }

  async #read(key: DomainKey, connection: Connection, lease: Lease): Promise<ParsedDomain> {
    const { library, cache, pidDirectory } = this.#parts;
    const read = cache.begin(key.uuid);
    try {
      const markOf = (name: string): string | undefined => statusMark(pidDirectory, name);
      const explicitOf = (id: number) => cache.explicit(key.uuid, id);
      const { id, parsed, by } = await readDomainXml(library, connection, lease, key, { markOf, explicitOf });
      cache.put(read, id, parsed, by);
      return parsed;
    } finally {
      cache.drop(read);
    }
  }
}
