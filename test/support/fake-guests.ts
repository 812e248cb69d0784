/** Guests of a host as libvirt shows them, with every fault that a stop can meet: deaf, slow, hung, lost events, silence. */
import type { StopGuest } from '../../agent/guests/stop/stop-guest.js';
import type { DomainEvent, DomainKey, GuestPower } from '../../agent/libvirt/hypervisor.js';
import type { AskingWay } from '../../proto/wire/guest-settings.js';
import { DroverError } from '../../proto/wire/errors.js';
import type { VirtualClock } from './virtual-clock.js';

/** How libvirt treats one way to ask; `hangs`: not delivered, ends in its deadline; `late`: answered when the guest is off. */
export type AskFate = 'delivered' | 'refused' | 'hangs' | 'late';

export interface FakeGuest {
  readonly guest: StopGuest;
  /** How long after an asking that is delivered the guest is off; absent: deaf to that way. */
  readonly obeysMs?: Partial<Record<AskingWay, number>>;
  readonly asks?: Partial<Record<AskingWay, AskFate>>;
  /** Absent: 100 ms. 'never': fails in its deadline each time. */
  readonly powerOffMs?: number | 'never';
  /** Absent: saved after a second. */
  readonly save?: number | 'fails';
  /** Off by itself so long after the begin. */
  readonly leavesMs?: number;
}

export interface Call {
  readonly call: 'ask' | 'delivered' | 'save' | 'power-off' | 'off';
  readonly name: string;
  readonly ms: number;
  readonly way?: AskingWay;
}

export interface FakeGuestsOptions {
  readonly clock: VirtualClock;
  readonly lookMs?: number;
  readonly losesEvents?: boolean;
  /** libvirt answers nothing from … to …, in milliseconds after the begin. */
  readonly silent?: readonly (readonly [number, number])[];
}

const deadlineMs = 5_000;

export class FakeGuests implements Pick<GuestPower, 'askToShutDown' | 'managedSave' | 'powerOff'> {
  readonly calls: Call[] = [];
  readonly #options: FakeGuestsOptions;
  readonly #active = new Map<string, FakeGuest>();
  readonly #listeners = new Set<(event: DomainEvent) => void>();
  readonly #beganMs: number;
  readonly #waiting: { uuid: string; resolve: () => void }[] = [];

  constructor(guests: readonly FakeGuest[], options: FakeGuestsOptions) {
    this.#options = options;
    this.#beganMs = options.clock.now();
    for (const one of guests) this.start(one);
  }

  start(one: FakeGuest): void {
    this.#active.set(one.guest.uuid, one);
    if (one.leavesMs !== undefined) this.#offLater(one, one.leavesMs);
  }

  /** What `runStop` asks for besides its power. */
  parts(): Pick<FakeGuests, 'running' | 'onDomainEvent'> {
    return { running: this.running, onDomainEvent: this.onDomainEvent };
  }

  /** Milliseconds since the begin. */
  nowMs(): number {
    return this.#options.clock.now() - this.#beganMs;
  }

  runs({ uuid, id }: { uuid: string; id?: number | undefined }): boolean {
    const active = this.#active.get(uuid);
    return active !== undefined && (id === undefined || active.guest.id === id);
  }

  active(): StopGuest[] {
    return [...this.#active.values()].map(({ guest }) => guest);
  }

  running = async (): Promise<StopGuest[]> => {
    await this.#answer();
    const seen = this.active();
    await this.#options.clock.sleep(this.#options.lookMs ?? 0);
    return seen;
  };

  onDomainEvent = (listener: (event: DomainEvent) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  async askToShutDown(key: DomainKey, way: AskingWay): Promise<void> {
    const { asks = {}, obeysMs = {}, guest } = this.#called('ask', key, way);
    await this.#answer();
    const fate = asks[way] ?? 'delivered';
    if (fate === 'refused') throw new DroverError('libvirt-failed', `no ${way}`);
    if (fate === 'hangs') await this.#deadline();
    const one = this.#called('delivered', key, way);
    const ms = obeysMs[way];
    if (ms !== undefined) this.#offLater(one, ms);
    if (fate === 'late') await this.#isOff(guest.uuid);
  }

  async managedSave(key: DomainKey): Promise<void> {
    const one = this.#called('save', key);
    await this.#answer();
    if (one.save === 'fails') throw new DroverError('libvirt-failed', 'has a host device');
    await this.#options.clock.sleep(one.save ?? 1_000);
    this.#off(one, 'saved');
  }

  async powerOff(key: DomainKey): Promise<void> {
    const one = this.#called('power-off', key);
    await this.#answer();
    if (one.powerOffMs === 'never') await this.#deadline();
    else await this.#options.clock.sleep(one.powerOffMs ?? 100);
    this.#off(one, 'destroyed');
  }

  #called(call: Call['call'], key: DomainKey, way?: AskingWay): FakeGuest {
    const one = this.#active.get(key.uuid);
    if (!one || !this.runs(key)) throw new DroverError('not-found', 'no such domain');
    this.calls.push({ call, name: one.guest.name, ms: this.nowMs(), ...(way && { way }) });
    return one;
  }

  /** Errors: `deadline-exceeded` after a while, when libvirt is silent now. */
  async #answer(): Promise<void> {
    const now = this.nowMs();
    if ((this.#options.silent ?? []).some(([from, to]) => now >= from && now < to)) await this.#deadline();
  }

  async #deadline(): Promise<never> {
    await this.#options.clock.sleep(deadlineMs);
    throw new DroverError('deadline-exceeded', 'no answer');
  }

  #isOff(uuid: string): Promise<void> {
    return new Promise((resolve) => this.#waiting.push({ uuid, resolve }));
  }

  #offLater(one: FakeGuest, ms: number): void {
    void this.#options.clock.sleep(ms).then(() => this.#off(one, 'shutdown'));
  }

  #off(one: FakeGuest, detail: string): void {
    const { uuid, name } = one.guest;
    if (this.#active.get(uuid) !== one) return;
    this.#active.delete(uuid);
    this.calls.push({ call: 'off', name, ms: this.nowMs() });
    for (const { uuid: waits, resolve } of this.#waiting) if (waits === uuid) resolve();
    if (this.#options.losesEvents) return;
    for (const listener of this.#listeners) listener({ uuid, name, kind: 'stopped', detail });
  }
}
