/** Where each guest of a stop stands; says so after each change. */
import type { GuestStanding, GuestState, Stage, StageCause } from '../guest.js';
import type { Clock } from './clock.js';
import type { StopGuest } from './stop-guest.js';

export interface ProgressOptions {
  readonly id: string;
  readonly cause: StageCause;
  readonly clock: Clock;
  readonly onStage: (stage: Stage) => void;
  /** A stage that this one goes on with: its guests that are gone stay in the list. */
  readonly earlier?: Stage | undefined;
}

export class Progress {
  readonly #options: ProgressOptions;
  /** By UUID, in the order of the waves. */
  readonly #standings = new Map<string, GuestStanding>();
  #stage: Omit<Stage, 'guests'>;

  constructor(options: ProgressOptions) {
    const { id, cause, clock, earlier } = options;
    this.#options = options;
    const startedMs = earlier?.startedMs ?? clock.now();
    this.#stage = { id, kind: 'stop', cause, state: 'running', startedMs, endedMs: 0, waves: 0, message: '' };
  }

  /** Waves of a plan, numbered on from `offset`; guests of the earlier stage that are not among them were stopped. */
  begin(waves: readonly (readonly StopGuest[])[], offset: number): void {
    const here = new Set(waves.flat().map(({ uuid }) => uuid));
    for (const one of this.#options.earlier?.guests ?? [])
      if (!here.has(one.uuid) && !this.#standings.has(one.uuid))
        this.#standings.set(one.uuid, one.state === 'stopped' ? one : { ...one, state: 'stopped' });
    for (const [index, wave] of waves.entries())
      for (const guest of wave) this.#add(guest, offset + index + 1);
    this.#stage = { ...this.#stage, waves: offset + waves.length };
    this.#tell();
  }

  #add({ uuid, name, id }: StopGuest, wave: number): void {
    this.#standings.delete(uuid); // a guest that was started anew stands in its new wave
    const sinceMs = this.#options.clock.now();
    this.#standings.set(uuid, { uuid, name, id, wave, state: 'waiting', message: '', sinceMs });
  }

  get waves(): number {
    return this.#stage.waves;
  }

  standings(): readonly GuestStanding[] {
    return [...this.#standings.values()];
  }

  standing({ uuid, id }: Pick<StopGuest, 'uuid' | 'id'>): GuestStanding | undefined {
    const standing = this.#standings.get(uuid);
    return standing?.id === id ? standing : undefined;
  }

  /**
   * `sinceMs` is kept as long as the state is the same, unless it is given. Nothing is said of what changes nothing, nor after
   * the end: the answer to an asking can come when another stop goes on with these guests.
   */
  set(guest: StopGuest, state: GuestState, message: string, sinceMs?: number): void {
    const known = this.standing(guest);
    if (this.#stage.endedMs > 0 || !known || (known.state === state && known.message === message)) return;
    const since = sinceMs ?? (known.state === state ? known.sinceMs : this.#options.clock.now());
    this.#standings.set(guest.uuid, { ...known, state, message, sinceMs: since });
    this.#tell();
  }

  /** A look at the end found this guest: also one that nobody knew of, or that counted as stopped. */
  stillRuns(guest: StopGuest): void {
    const state = this.standing(guest)?.state;
    if (state === 'left' || state === 'failed') return;
    if (state === undefined) this.#add(guest, Math.max(1, this.waves));
    this.set(guest, 'failed', 'runs, though the others are stopped');
  }

  end(state: Stage['state'], message: string): Stage {
    this.#stage = { ...this.#stage, state, message, endedMs: this.#options.clock.now() };
    return this.#tell();
  }

  #tell(): Stage {
    const stage = { ...this.#stage, guests: this.standings() };
    this.#options.onStage(stage);
    return stage;
  }
}
