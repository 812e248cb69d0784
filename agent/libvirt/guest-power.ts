/**
 * Turning guests off and on through libvirt. Calls that take long run on connections of their own (`power-lanes.ts`). A call
 * whose deadline is over is given up here, not in libvirt: it may still come about, and then the domain's event tells of it.
 */
import { DroverError, invalid } from '../../proto/wire/errors.js';
import type { CallQueue, Lease } from './call-queue.js';
import type { Connection } from './connection.js';
import type { DomainCalls, HypervisorParts, TurnBounds } from './domain-calls.js';
import { withDomain } from './domain-list.js';
import type { DomainKey, GuestPower } from './hypervisor.js';
import { isRefusedBy, jobOf, migrates } from './job.js';
import { errorNumbers } from './library.js';
import type { LibvirtLibrary, Pointer } from './library.js';
import type { Lane, PowerLanes } from './power-lanes.js';

/** virDomainShutdownFlagValues. */
const ways = { acpi: 1, agent: 2 } as const;

/**
 * libvirt asks the guest agent whether it is there and gives up after 5 s; then it hands over the request and waits up to 60 s
 * for the guest to be off. No refusal in this time: the request is delivered.
 */
const agentDeliveredMs = 10_000;

/** For a connection to ask the agent on: others' guests may take their time. */
const agentDeadlineMs = 30_000;

/** libvirt sends SIGTERM, after 10 s SIGKILL, and gives up after 15 s and 2 s more for each device that is passed through. */
const powerOffDeadlineMs = 60_000;

/** QEMU's monitor stops or lets go vCPUs in milliseconds; one that does not answer is given up. */
const askedDeadlineMs = 30_000;

/** Longest deadline of a start or a save. */
const longestMs = 86_400_000;

type Act = (domain: Pointer, connection: Connection, lease: Lease) => Promise<number>;

export class LibvirtPower implements GuestPower {
  readonly #library: LibvirtLibrary;
  readonly #calls: DomainCalls;
  readonly #queues: Readonly<Record<Lane, CallQueue<Connection>>>;

  constructor({ library }: Pick<HypervisorParts, 'library'>, calls: DomainCalls, { queues }: PowerLanes) {
    this.#library = library;
    this.#calls = calls;
    this.#queues = queues;
  }

  async askToShutDown(domain: DomainKey, way: 'acpi' | 'agent'): Promise<void> {
    const label = `ask ${domain.uuid} by ${way} to shut down`;
    const ask: Act = (found, connection, lease) =>
      connection.call(lease, label, () => this.#library.shutDown(found, ways[way]));
    if (way === 'acpi') await this.#act(domain, label, ask, { queue: this.#queues.acpi });
    else await this.#askAgent(domain, label, ask);
  }

  /** Done when libvirt answers, or when its silence says that the agent has the request. */
  #askAgent(domain: DomainKey, label: string, ask: Act): Promise<void> {
    return new Promise((resolve, reject) => {
      let delivered: NodeJS.Timeout | undefined;
      const asked: Act = (...turn) => {
        delivered = setTimeout(resolve, agentDeliveredMs);
        return ask(...turn).finally(() => clearTimeout(delivered));
      };
      const bounds = { queue: this.#queues.agent, deadlineMs: agentDeadlineMs };
      this.#act(domain, label, asked, bounds).then(() => resolve(), reject);
    });
  }

  async managedSave(domain: DomainKey, deadlineMs: number): Promise<void> {
    const label = `save ${domain.uuid}`;
    const save: Act = (found, connection, lease) =>
      connection.call(lease, label, () => this.#library.managedSave(found, 0));
    await this.#act(domain, label, save, this.#slow(deadlineMs));
  }

  async powerOff({ uuid, id }: DomainKey): Promise<void> {
    const label = `power ${uuid} off`;
    const off: Act = async (found, connection, lease) => {
      const runs = this.#library.domainId(found) | 0;
      if (runs === -1) return 0;
      if (id !== undefined && id !== runs) throw anotherStart(uuid);
      return connection.call(lease, label, () => this.#library.destroy(found)).catch(unlessOff(found));
    };
    const unlessOff = (found: Pointer) => async (thrown: unknown) => {
      const isOff =
        isRefusedBy(thrown, errorNumbers.invalidOperation) && (await this.#library.isActive(found)) === 0;
      if (isOff) return 0;
      throw thrown;
    };
    const bounds = { queue: this.#queues.off, deadlineMs: powerOffDeadlineMs };
    // A transient domain that is off is not there any more.
    await this.#act({ uuid }, label, off, bounds).catch((thrown: unknown) => {
      if (!isRefusedBy(thrown, errorNumbers.noDomain)) throw thrown;
    });
  }

  async suspend(domain: DomainKey): Promise<void> {
    const label = `suspend ${domain.uuid}`;
    await this.#act(
      domain,
      label,
      (found, connection, lease) => connection.call(lease, label, () => this.#library.suspend(found)),
      this.#slow(askedDeadlineMs),
    );
  }

  async resume(domain: DomainKey): Promise<void> {
    const label = `resume ${domain.uuid}`;
    await this.#act(
      domain,
      label,
      (found, connection, lease) => connection.call(lease, label, () => this.#library.resume(found)),
      this.#slow(askedDeadlineMs),
    );
  }

  async start(uuid: string, deadlineMs: number): Promise<void> {
    const label = `start ${uuid}`;
    const start: Act = async (found, connection, lease) => {
      if ((this.#library.domainId(found) | 0) !== -1) throw runsAlready(label, uuid);
      return connection
        .call(lease, label, () => this.#library.create(found))
        .catch(async (thrown: unknown) => {
          const isInvalid = isRefusedBy(thrown, errorNumbers.invalidOperation);
          if (isInvalid && (await this.#library.isActive(found)) === 1) throw runsAlready(label, uuid);
          throw thrown;
        });
    };
    await this.#act({ uuid }, label, start, this.#slow(deadlineMs));
  }

  async isPersistent(uuid: string): Promise<boolean> {
    return (await this.#look(uuid, 'persistence', (domain) => this.#library.isPersistent(domain))) === 1;
  }

  async hasManagedSave(uuid: string): Promise<boolean> {
    return (
      (await this.#look(uuid, 'saved memory', (domain) => this.#library.hasManagedSave(domain, 0))) === 1
    );
  }

  /** Behind a call that hangs in this domain it is refused: libvirt would not answer it either. */
  async isMigrating(domain: DomainKey): Promise<boolean> {
    const label = `look at the job of ${domain.uuid}`;
    return this.#calls.submit(label, domain.uuid, (connection, lease) =>
      withDomain(this.#library, connection, lease, domain, async (found) =>
        migrates(await jobOf(this.#library, connection, lease, found, label)),
      ),
    );
  }

  /** What libvirtd knows without QEMU, and thus answers while a change of the domain hangs: it does not queue behind one. */
  #look(uuid: string, what: string, ask: (domain: Pointer) => Promise<number>): Promise<number> {
    const label = `look at the ${what} of ${uuid}`;
    return this.#calls.submit(label, label, (connection, lease) =>
      withDomain(this.#library, connection, lease, { uuid }, (found) =>
        connection.call(lease, label, () => ask(found)),
      ),
    );
  }

  #act(domain: DomainKey, label: string, act: Act, bounds: TurnBounds): Promise<number> {
    return this.#calls.submit(
      label,
      domain.uuid,
      (connection, lease) =>
        withDomain(this.#library, connection, lease, domain, (found) => act(found, connection, lease)),
      bounds,
    );
  }

  /** It overstays with its deadline, not before. */
  #slow(deadlineMs: number): TurnBounds {
    if (!Number.isInteger(deadlineMs) || deadlineMs < 1 || deadlineMs > longestMs)
      throw invalid('deadlineMs', deadlineMs, `a whole number 1..${longestMs}`);
    return { queue: this.#queues.slow, deadlineMs, lateMs: deadlineMs };
  }
}

function runsAlready(label: string, uuid: string): DroverError {
  return new DroverError('already-exists', `${label}: it runs already`, { field: 'domain', value: uuid });
}

function anotherStart(uuid: string): DroverError {
  const message = `power ${uuid} off: the domain was started anew`;
  return new DroverError('not-found', message, { field: 'domain', value: uuid });
}
