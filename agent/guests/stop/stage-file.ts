/**
 * A stage on disk: the second line of a shutdown, or the agent that is started anew, goes on where its owner ended. What is
 * on disk is at most half a second behind. A disk that fails does not hold up guests: `flush` says so at the end.
 */
import { z } from 'zod';
import { asDroverError } from '../../../proto/wire/errors.js';
import type { Log } from '../../log.js';
import { jsonOf, readText, replaceFile } from '../../reconcile/durable-file.js';
import type { Stage } from '../guest.js';
import type { Clock } from './clock.js';

/** Between two writes: each is two fsyncs. */
export const writeEveryMs = 500;

/** From here on the time of day was set; what is less is the reading of two clocks. */
const setByMs = 1_000;

/** Longer files are damaged: 4,096 guests with messages take some 1.5 MiB. */
const maximumBytes = 16 * 2 ** 20;

const standing = z.object({
  uuid: z.string(),
  name: z.string(),
  id: z.int().optional(),
  wave: z.int(),
  state: z.enum([
    'waiting',
    'asked',
    'saving',
    'powering-off',
    'stopped',
    'starting',
    'running',
    'left',
    'failed',
  ]),
  message: z.string(),
  sinceMs: z.number(),
});

const stage = z.object({
  id: z.string(),
  kind: z.enum(['stop', 'start']),
  cause: z.enum(['host-shutdown', 'maintenance', 'command', 'boot']),
  state: z.enum(['running', 'done', 'failed', 'cut-off']),
  startedMs: z.number(),
  endedMs: z.number(),
  waves: z.int(),
  message: z.string(),
  guests: z.array(standing),
});

const kept = z.object({ version: z.literal(1), bootId: z.string(), zeroMs: z.number(), stage });

export interface StageFileOptions {
  readonly file: string;
  /** /proc/sys/kernel/random/boot_id: graces of an earlier boot are over. */
  readonly bootId: string;
  readonly clock: Clock;
  /** CLOCK_MONOTONIC in milliseconds, which all processes of a boot share (process.hrtime). */
  readonly monotonicMs: () => number;
  readonly log?: Pick<Log, 'warn'>;
}

export interface KeptStage {
  /** As its owner left it: `running` when it could not end it. Times are those of this process's clock. */
  readonly stage: Stage;
  readonly isOfThisBoot: boolean;
}

export class StageFile {
  readonly #options: StageFileOptions;
  #next: Stage | undefined;
  #writing: Promise<void> | undefined;
  #hurry = new AbortController();
  #fault: unknown;

  constructor(options: StageFileOptions) {
    this.#options = options;
  }

  get path(): string {
    return this.#options.file;
  }

  /** The stage on disk; undefined where there is none or it is damaged, which is logged. Errors: `storage-failed`. */
  async load(): Promise<KeptStage | undefined> {
    const { file, bootId, log } = this.#options;
    const text = await readText(file);
    if (text === undefined) return undefined;
    const { success, data } = kept.safeParse(text.length > maximumBytes ? undefined : jsonOf(text));
    if (!success) {
      log?.warn({ file }, 'damaged, so it counts as none: graces begin anew');
      return undefined;
    }
    const isOfThisBoot = data.bootId === bootId;
    // Within a boot, times are counted by the monotonic clock: somebody may have set the time of day meanwhile.
    const moveMs = isOfThisBoot ? this.#zeroMs() - data.zeroMs : 0;
    // An end that was told is known again by its time, which two readings of two clocks do not give to the millisecond.
    const isAsTold = data.stage.endedMs > 0 && Math.abs(moveMs) < setByMs;
    return { stage: moved(data.stage as Stage, isAsTold ? 0 : moveMs), isOfThisBoot };
  }

  /** Will be on disk within half a second, or a newer one. Never fails. */
  put(stage: Stage): void {
    this.#next = stage;
    this.#writing ??= this.#write();
  }

  /** The newest stage is on disk. Errors: `storage-failed` when it is not. */
  async flush(): Promise<void> {
    this.#hurry.abort();
    await this.#writing;
    this.#hurry = new AbortController();
    if (this.#fault !== undefined) throw asDroverError(this.#fault);
  }

  async #write(): Promise<void> {
    const { file, bootId, clock } = this.#options;
    while (this.#next) {
      const next = this.#next;
      this.#next = undefined;
      const text = JSON.stringify({ version: 1, bootId, zeroMs: this.#zeroMs(), stage: next });
      this.#fault = await replaceFile(file, text).then(() => undefined, identity);
      await clock.sleep(writeEveryMs, this.#hurry.signal);
    }
    this.#writing = undefined;
  }

  /** What this clock shows where the monotonic one shows 0. */
  #zeroMs(): number {
    return this.#options.clock.now() - this.#options.monotonicMs();
  }
}

function identity(cause: unknown): unknown {
  return cause;
}

function moved(stage: Stage, ms: number): Stage {
  const guests = stage.guests.map((guest) => ({ ...guest, sinceMs: guest.sinceMs + ms }));
  const endedMs = stage.endedMs === 0 ? 0 : stage.endedMs + ms;
  return { ...stage, startedMs: stage.startedMs + ms, endedMs, guests };
}
