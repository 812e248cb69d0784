/**
 * The newest stage that is not this process's: of an earlier life of the agent, or of a command beside it. It is read where
 * its owner leaves it, on disk.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Stage } from './guest.js';
import type { StageFile } from './stop/stage-file.js';

export interface OthersStageOptions {
  /** Where stops and starts are kept. */
  readonly files: readonly StageFile[];
  /** Whether a stage with this id is the newest of this process. */
  isOwn(id: string): boolean;
  /** The living process that owns the stage of this host; undefined: none, so a stage that is not ended never will be. */
  owner(): number | undefined;
  now(): number;
  /** Hears of it when it is another than before. */
  found(stage: Stage): void;
}

export class OthersStage {
  readonly #options: OthersStageOptions;
  #found: Stage | undefined;

  constructor(options: OthersStageOptions) {
    this.#options = options;
  }

  /** True while another process works on it, as far as is known. */
  get isRunning(): boolean {
    return this.#found?.endedMs === 0;
  }

  /** Looks on disk. A file that cannot be read counts as none. Never rejects. */
  async look(): Promise<void> {
    const { files, isOwn, found } = this.#options;
    const kept = await Promise.all(files.map((file) => file.load().catch(() => undefined)));
    const [newest] = kept
      .flatMap((one) => (one ? [one.stage] : []))
      .toSorted((a, b) => b.startedMs - a.startedMs);
    if (!newest || isOwn(newest.id)) return;
    const now = this.#asItStands(newest);
    if (isSame(now, this.#found)) return;
    this.#found = now;
    found(now);
  }

  #asItStands(stage: Stage): Stage {
    if (stage.endedMs > 0 || this.#isOwned()) return stage;
    return { ...stage, state: 'cut-off', endedMs: this.#options.now() };
  }

  /** By another process. A lock that cannot be read is nobody's. */
  #isOwned(): boolean {
    try {
      const owner = this.#options.owner();
      return owner !== undefined && owner !== process.pid;
    } catch {
      return false;
    }
  }
}

/** Times move a little with each reading; one that was cut off is so from when that was seen first. */
function isSame(now: Stage, before: Stage | undefined): boolean {
  if (now.id !== before?.id || now.state !== before.state || now.message !== before.message) return false;
  const states = ({ guests }: Stage) => guests.map(({ state, message }) => [state, message]);
  return isDeepStrictEqual(states(now), states(before));
}
