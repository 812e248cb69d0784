/**
 * Knows which guests have stopped: from libvirt's events, and from a look at all domains every few seconds, because events
 * are lost when libvirtd restarts. A look that is not answered says nothing: a guest counts as running until it is known to
 * be gone.
 */
import type { DomainEvent } from '../../libvirt/hypervisor.js';
import type { Clock } from './clock.js';
import type { StopGuest } from './stop-guest.js';
import { within } from './within.js';

/** Between two looks, and the longest that one is waited for. */
export const lookMs = 2_000;
export const lookLimitMs = 10_000;

/**
 * How long libvirt may be silent before guests are given up for it: a restart of libvirtd beside hundreds of domains takes a
 * minute. Nobody waits for nothing meanwhile, since nobody else could be stopped either.
 */
export const silentLimitMs = 120_000;

export interface GoneWatchOptions {
  /** The active guests as of now (`activeGuests` of a fresh `Hypervisor.domains()`). */
  readonly running: () => Promise<readonly StopGuest[]>;
  readonly onDomainEvent: (listener: (event: DomainEvent) => void) => () => void;
  readonly clock: Clock;
  /** Hears once of each followed guest that is gone, and how, as far as that is known. */
  readonly onGone: (guest: StopGuest, how: string) => void;
}

interface Followed {
  readonly guest: StopGuest;
  readonly gone: AbortController;
}

export class GoneWatch {
  readonly #options: GoneWatchOptions;
  readonly #followed = new Map<string, Followed>();
  readonly #closed = new AbortController();
  readonly #unsubscribe: () => void;
  #wanted = new AbortController();
  #answer = new AbortController();
  #answeredMs: number;
  #steadyMs = Infinity;
  #looking: Promise<unknown> = Promise.resolve();

  constructor(options: GoneWatchOptions) {
    this.#options = options;
    this.#answeredMs = options.clock.now();
    this.#unsubscribe = options.onDomainEvent(({ uuid, kind, detail }) => {
      const followed = this.#followed.get(uuid);
      if (kind === 'stopped' && followed) this.tell(followed.guest, detail ?? '');
    });
  }

  /** From now on looks are made by themselves. */
  start(): void {
    void this.#lookOn();
  }

  close(): void {
    this.#unsubscribe();
    this.#closed.abort();
    this.#wanted.abort();
  }

  /** This start of the guest runs: from now on it is followed, in place of an earlier one. */
  follow(guest: StopGuest): void {
    const known = this.#followed.get(guest.uuid);
    if (known?.guest.id === guest.id && !known.gone.signal.aborted) return;
    this.#followed.set(guest.uuid, { guest, gone: new AbortController() });
  }

  /** Aborted when this start of a followed guest is gone. */
  gone({ uuid, id }: StopGuest): AbortSignal {
    const followed = this.#followed.get(uuid);
    return followed?.guest.id === id ? followed.gone.signal : AbortSignal.abort();
  }

  /** Somebody learned that this start of the guest is gone. */
  tell(guest: StopGuest, how: string): void {
    const followed = this.#followed.get(guest.uuid);
    if (followed?.guest.id !== guest.id || followed.gone.signal.aborted) return;
    followed.gone.abort();
    this.#options.onGone(followed.guest, how);
  }

  /** libvirt has answered every look since `fromMs`, and one that began at `toMs` or later. */
  answeredThrough(fromMs: number, toMs: number): boolean {
    return this.#steadyMs <= fromMs && this.#answeredMs >= toMs;
  }

  /** libvirt is silent, and not for so long that it is given up. */
  get mayComeBack(): boolean {
    const silentMs = this.#options.clock.now() - this.#answeredMs;
    return this.#steadyMs === Infinity && silentMs <= silentLimitMs;
  }

  /** When the first look began of those that libvirt has answered without a gap; Infinity: the newest was not answered. */
  get steadyMs(): number {
    return this.#steadyMs;
  }

  /** Aborted when the next look is answered. */
  answer(): AbortSignal {
    return this.#answer.signal;
  }

  /** The next look begins now, and not in a few seconds. */
  hurry(): void {
    this.#wanted.abort();
  }

  /** The active guests by a look that begins now; undefined: not answered in time. */
  look(): Promise<readonly StopGuest[] | undefined> {
    const look = this.#looking.then(() => this.#lookOnce());
    this.#looking = look;
    return look;
  }

  async #lookOn(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      this.#wanted = new AbortController();
      await this.look();
      await this.#options.clock.sleep(lookMs, this.#wanted.signal);
    }
  }

  async #lookOnce(): Promise<readonly StopGuest[] | undefined> {
    const { clock, running } = this.#options;
    const beganMs = clock.now();
    const outcome = await within(running, lookLimitMs, clock, this.#closed.signal);
    this.#steadyMs = outcome.kind === 'done' ? Math.min(this.#steadyMs, beganMs) : Infinity;
    if (outcome.kind !== 'done') return undefined;
    this.#answeredMs = beganMs;
    this.#compare(outcome.value);
    this.#answer.abort();
    this.#answer = new AbortController();
    return outcome.value;
  }

  #compare(active: readonly StopGuest[]): void {
    const ids = new Map(active.map(({ uuid, id }) => [uuid, id]));
    for (const { guest } of this.#followed.values())
      if (ids.get(guest.uuid) !== guest.id) this.tell(guest, '');
  }
}
