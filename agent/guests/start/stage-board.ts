/** How far each guest of a start has come, and what is told of it. */
import type { Guest, GuestStanding, GuestState, Stage, StageCause } from '../guest.js';
import type { BegunStart } from './begun-start.js';

export interface StageBoardOptions {
  readonly id: string;
  readonly cause: StageCause;
  /** Unix time. */
  now(): number;
  report(stage: Stage): void;
  /** An earlier attempt that this one goes on with. */
  readonly begun?: BegunStart | undefined;
}

/** Names in the message of an end. */
const shownNames = 5;

export class StageBoard {
  readonly #options: StageBoardOptions;
  readonly #startedMs: number;
  readonly #waves: number;
  #message: string;
  readonly #rows: Map<string, GuestStanding>;
  #isOver = false;

  /** Every guest waits; `message` says what of the order could not be kept. */
  constructor(options: StageBoardOptions, waves: readonly (readonly Guest[])[], message: string) {
    this.#options = options;
    this.#startedMs = options.now();
    this.#message = message;
    const { begun } = options;
    const offset = Math.max(0, (begun?.waves ?? 0) - waves.length);
    this.#waves = offset + waves.length;
    const rows = waves.flatMap((wave, index) =>
      wave.map(({ uuid, name }): GuestStanding => {
        const sinceMs = this.#startedMs;
        return { uuid, name, wave: offset + index + 1, state: 'waiting', message: '', sinceMs };
      }),
    );
    this.#rows = new Map([...(begun?.guests ?? []), ...rows].map((row) => [row.uuid, row]));
    this.#tell('running', 0);
  }

  /** Not after the end: what a start that was cut off still comes to is libvirt's to tell. */
  set(uuid: string, state: GuestState, message: string): void {
    const row = this.#rows.get(uuid);
    if (!row || this.#isOver) return;
    this.#rows.set(uuid, { ...row, state, message, sinceMs: this.#options.now() });
    this.#tell('running', 0);
  }

  /** The stage as it ended. */
  end(isCutOff: boolean): Stage {
    if (isCutOff) this.#cutOff();
    this.#isOver = true;
    const failed = [...this.#rows.values()].filter(({ state }) => state === 'failed');
    this.#message = [...(failed.length > 0 ? [missing(failed)] : []), this.#message]
      .filter(Boolean)
      .join('; ');
    return this.#tell(isCutOff ? 'cut-off' : failed.length > 0 ? 'failed' : 'done', this.#options.now());
  }

  #cutOff(): void {
    for (const { uuid, state } of this.#rows.values()) {
      if (state === 'waiting') this.set(uuid, 'left', 'not started: the stage was given up');
      if (state === 'starting') this.set(uuid, 'starting', 'left to libvirt, which had it in hand');
    }
  }

  #tell(state: Stage['state'], endedMs: number): Stage {
    const stage: Stage = {
      ...{ id: this.#options.id, kind: 'start', cause: this.#options.cause, state },
      ...{ startedMs: this.#startedMs, endedMs, waves: this.#waves, message: this.#message },
      guests: [...this.#rows.values()],
    };
    this.#options.report(stage);
    return stage;
  }
}

/** `2 did not start: db, web`. */
function missing(failed: readonly GuestStanding[]): string {
  const names = failed.slice(0, shownNames).map(({ name }) => name);
  const more = failed.length > shownNames ? ` and ${failed.length - shownNames} more` : '';
  return `${failed.length} did not start: ${names.join(', ')}${more}`;
}
