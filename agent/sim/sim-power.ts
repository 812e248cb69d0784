/** Turning simulated guests off and on, as libvirt does it with real ones. */
import { DroverError, invalid } from '../../proto/wire/errors.js';
import type { DomainKey, DomainView, GuestPower } from '../libvirt/hypervisor.js';

/** How a simulated guest behaves. It obeys the power button at once unless this says otherwise. */
export interface SimManners {
  /** It ignores the power button. */
  readonly deaf?: boolean;
  /** It has a guest agent, which obeys also where the guest is deaf. */
  readonly agent?: boolean;
  /** From being asked to being off; 0. */
  readonly stopMs?: number;
  /** From the start to running; 0. */
  readonly startMs?: number;
  /** It does not start, and libvirt says this. */
  readonly broken?: string;
  /** Its definition goes with its stop. */
  readonly transient?: boolean;
}

/** Runs something in `ms` milliseconds. An argument, so that a test has its own clock. */
export type Later = (ms: number, run: () => void) => void;

/** The switches of a simulated host; see `SimHypervisor`. */
export interface SimSwitches {
  /** A domain, running or not; undefined: there is none. */
  find(uuid: string): DomainView | undefined;
  turnOn(uuid: string, detail: string): void;
  pause(uuid: string, isPaused: boolean): void;
  /** A transient domain is gone then. */
  turnOff(uuid: string, detail: string): void;
}

export class SimPower implements GuestPower {
  readonly #switches: SimSwitches;
  readonly #later: Later;
  readonly #manners = new Map<string, SimManners>();
  readonly #saved = new Set<string>();
  readonly #migrating = new Set<string>();

  constructor(switches: SimSwitches, later: Later) {
    this.#switches = switches;
    this.#later = later;
  }

  /** How a guest behaves from now on. */
  setManners(uuid: string, manners: SimManners): void {
    this.#manners.set(uuid, manners);
  }

  /** Begins or ends a migration as far as `isMigrating` tells. */
  setMigrating(uuid: string, isMigrating: boolean): void {
    if (isMigrating) this.#migrating.add(uuid);
    else this.#migrating.delete(uuid);
  }

  isTransient(uuid: string): boolean {
    return this.#of(uuid).transient ?? false;
  }

  /** Its definition is gone, and all that was kept with it. */
  forget(uuid: string): void {
    for (const kept of [this.#manners, this.#saved, this.#migrating]) kept.delete(uuid);
  }

  async askToShutDown(key: DomainKey, way: 'acpi' | 'agent'): Promise<void> {
    const { uuid, id, name } = this.#running(key);
    const { deaf = false, agent = false, stopMs = 0 } = this.#of(uuid);
    if (way === 'agent' && !agent)
      throw refused(`ask ${name} to shut down: QEMU guest agent is not configured`);
    if (way === 'acpi' && deaf) return;
    this.#later(stopMs, () => {
      if (this.#switches.find(uuid)?.id === id) this.#switches.turnOff(uuid, 'shutdown');
    });
  }

  async managedSave(key: DomainKey, deadlineMs: number): Promise<void> {
    checkDeadline(deadlineMs);
    const { uuid, name } = this.#running(key);
    if (this.isTransient(uuid)) throw refused(`save ${name}: cannot do managed save for transient domain`);
    this.#saved.add(uuid);
    this.#switches.turnOff(uuid, 'saved');
  }

  async powerOff({ uuid, id }: DomainKey): Promise<void> {
    const found = this.#switches.find(uuid);
    if (!found || found.id === -1) return;
    if (id !== undefined && id !== found.id) throw notFound('the domain was started anew', uuid);
    this.#switches.turnOff(uuid, 'destroyed');
  }

  async suspend(key: DomainKey): Promise<void> {
    this.#switches.pause(this.#running(key).uuid, true);
  }

  async resume(key: DomainKey): Promise<void> {
    this.#switches.pause(this.#running(key).uuid, false);
  }

  async start(uuid: string, deadlineMs: number): Promise<void> {
    checkDeadline(deadlineMs);
    this.#defined(uuid);
    const { startMs = 0, broken } = this.#of(uuid);
    if (broken !== undefined) throw new DroverError('failed-precondition', `start ${uuid}: ${broken}`);
    if (startMs > deadlineMs)
      throw new DroverError('deadline-exceeded', `start ${uuid}: takes ${startMs} ms`);
    if (startMs > 0) await new Promise<void>((resolve) => this.#later(startMs, resolve));
    const { id, name } = this.#defined(uuid);
    if (id !== -1) throw new DroverError('already-exists', `start ${name}: it runs already`);
    this.#switches.turnOn(uuid, this.#saved.delete(uuid) ? 'restored' : 'booted');
  }

  async isPersistent(uuid: string): Promise<boolean> {
    return !this.isTransient(this.#defined(uuid).uuid);
  }

  async hasManagedSave(uuid: string): Promise<boolean> {
    return this.#saved.has(this.#defined(uuid).uuid);
  }

  async isMigrating(key: DomainKey): Promise<boolean> {
    return this.#migrating.has(this.#running(key).uuid);
  }

  #of(uuid: string): SimManners {
    return this.#manners.get(uuid) ?? {};
  }

  #defined(uuid: string): DomainView {
    const found = this.#switches.find(uuid);
    if (!found) throw notFound('no domain', uuid);
    return found;
  }

  #running({ uuid, id }: DomainKey): DomainView {
    const found = this.#defined(uuid);
    if (id !== undefined && id !== found.id) throw notFound('the domain was started anew or has ended', uuid);
    if (found.id === -1) throw refused(`${found.name}: domain is not running`);
    return found;
  }
}

function checkDeadline(deadlineMs: number): void {
  if (!Number.isInteger(deadlineMs) || deadlineMs < 1)
    throw invalid('deadlineMs', deadlineMs, 'a whole number from 1');
}

function notFound(what: string, uuid: string): DroverError {
  return new DroverError('not-found', `${what}: ${uuid}`, { field: 'domain', value: uuid });
}

function refused(message: string): DroverError {
  return new DroverError('libvirt-failed', message);
}
