/** The real `Hypervisor`: libvirt by foreign-function calls, kept within its bounds by `call-queue.ts`. */
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import type { CallQueue, Lease } from './call-queue.js';
import type { Connection } from './connection.js';
import type { DomainCache } from './domain-cache.js';
import { listDomains, readDomainXml, withDomain } from './domain-list.js';
import type { ListedDomain } from './domain-list.js';
import { readDomainPid } from './domain-pid.js';
import { blockParameters, cpuMap, schedulerParameters } from './domain-settings.js';
import type { ParsedDomain } from './domain-xml.js';
import type { BlockLimits, DomainEvent, DomainView, Hypervisor, SchedulerSettings } from './hypervisor.js';
import type { LibvirtLibrary, Pointer } from './library.js';
import type { Listeners } from './listeners.js';
import { withParameters } from './typed-parameters.js';
import type { Parameter } from './typed-parameters.js';
import { readVersions } from './versions.js';

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
  connected(): boolean;
  close(): Promise<void>;
}

/** What is known of a domain from its XML, or that nothing is. */
type XmlView = ParsedDomain & Pick<DomainView, 'xmlUnknown'>;

/** XML reads of one `domains()` at a time: the other connections stay free for changes. */
const parallelXmlReads = 2;

export class LibvirtHypervisor implements Hypervisor {
  readonly #parts: HypervisorParts;

  constructor(parts: HypervisorParts) {
    this.#parts = parts;
  }

  get reachable(): boolean {
    return this.#parts.connected();
  }

  /** A domain whose XML could not be read is there with `xmlUnknown`, no disks and everything explicit: nothing will touch it. */
  async domains(): Promise<DomainView[]> {
    const { library, cache, pidDirectory } = this.#parts;
    const listed = await this.#submit('list domains', undefined, (connection, lease) =>
      listDomains(library, connection, lease),
    );
    cache.keepOnly(new Set(listed.map((domain) => domain.uuid)));
    const parsed = await mapLimited(listed, parallelXmlReads, (domain) => this.#parsed(domain));
    return listed.map((domain, index) => ({
      ...domain,
      ...(parsed[index] as XmlView),
      pid: domain.id === -1 ? undefined : readDomainPid(pidDirectory, domain.name),
    }));
  }

  pinVcpu(uuid: string, vcpu: number, cpus: readonly number[]): Promise<void> {
    return this.#change(uuid, `pin vcpu ${vcpu} of ${uuid}`, (domain, flags) => {
      const map = cpuMap(cpus, `vcpu ${vcpu} pin`);
      return this.#parts.library.pinVcpu(domain, vcpu, map, map.length, flags);
    });
  }

  pinEmulator(uuid: string, cpus: readonly number[]): Promise<void> {
    return this.#change(uuid, `pin the emulator of ${uuid}`, (domain, flags) => {
      const map = cpuMap(cpus, 'emulator pin');
      return this.#parts.library.pinEmulator(domain, map, map.length, flags);
    });
  }

  async setScheduler(uuid: string, settings: SchedulerSettings): Promise<void> {
    await this.#set(
      uuid,
      `set the scheduler of ${uuid}`,
      schedulerParameters(settings),
      this.#parts.library.setScheduler,
    );
  }

  async setBlockLimits(uuid: string, device: string, limits: BlockLimits): Promise<void> {
    await this.#set(
      uuid,
      `limit ${device} for ${uuid}`,
      blockParameters(device, limits),
      this.#parts.library.setBlkio,
    );
  }

  onDomainEvent(listener: (event: DomainEvent) => void): () => void {
    return this.#parts.events.add(listener);
  }

  onReachable(listener: (reachable: boolean) => void): () => void {
    return this.#parts.states.add(listener);
  }

  versions(): Promise<Record<string, string>> {
    return this.#submit('read versions', undefined, (connection, lease) =>
      readVersions(this.#parts.library, connection, lease),
    );
  }

  close(): Promise<void> {
    return this.#parts.close();
  }

  async #parsed(domain: ListedDomain): Promise<XmlView> {
    const { library, cache } = this.#parts;
    const known = cache.get(domain.uuid, domain.id);
    if (known) return known;
    const stamp = cache.stamp();
    try {
      const read = await this.#submit(`read ${domain.name}`, domain.uuid, (connection, lease) =>
        readDomainXml(library, connection, lease, domain),
      );
      cache.put(domain.uuid, domain.id, read, stamp);
      return read;
    } catch (thrown) {
      return nothingKnown(domain, asDroverError(thrown)); // said by the view itself: see `domains`
    }
  }

  async #set(
    uuid: string,
    label: string,
    parameters: readonly Parameter[],
    write: (domain: Pointer, list: Pointer, count: number, flags: number) => Promise<number>,
  ): Promise<void> {
    if (parameters.length === 0) return;
    await this.#change(uuid, label, (domain, flags) =>
      withParameters(this.#parts.library, parameters, (list, count) => write(domain, list, count, flags)),
    );
  }

  async #change(
    uuid: string,
    label: string,
    write: (domain: Pointer, flags: number) => Promise<number>,
  ): Promise<void> {
    const { library, changeFlags } = this.#parts;
    await this.#submit(label, uuid, (connection, lease) =>
      withDomain(library, connection, lease, uuid, (domain) =>
        connection.call(lease, label, () => write(domain, changeFlags)),
      ),
    );
  }

  /** One turn on a connection. `key`: the domain that may be stuck. */
  async #submit<Result>(
    label: string,
    key: string | undefined,
    run: (connection: Connection, lease: Lease) => Promise<Result>,
  ): Promise<Result> {
    if (!this.reachable) throw new DroverError('unavailable', `${label}: libvirt cannot be reached`);
    return this.#parts.queue.submit<Result>({
      label,
      ...(key === undefined ? {} : { key }),
      run: async (connection, lease) => {
        await connection.ready(lease);
        return run(connection, lease);
      },
    });
  }
}

/** Stands for XML that could not be read: to the safe side, so that no tuner writes over a setting it cannot see. */
function nothingKnown(domain: ListedDomain, { message }: DroverError): XmlView {
  const vcpuPins = Array.from({ length: domain.vcpus }, (_, index) => index);
  return {
    disks: [],
    explicit: { vcpuPins, emulatorPin: true, vcpuBandwidth: true, cpuShares: true, blockDevices: [] },
    allocationId: '',
    xmlUnknown: `the XML of the domain could not be read: ${message}`,
  };
}

/** As `Promise.all` over `map`, with at most `limit` under way. */
async function mapLimited<Item, Result>(
  items: readonly Item[],
  limit: number,
  map: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const work = async () => {
    for (const [index, item] of queue) results[index] = await map(item);
  };
  await Promise.all(Array.from({ length: limit }, work));
  return results;
}
