/** Tells the control plane of this host's guests, when something has changed. */
import { isDeepStrictEqual } from 'node:util';
import type { GuestReportInput } from '../../proto/gen/drover/v1/GuestReport.js';
import type { Stage } from './guest.js';
import { guestReport, type Findings } from './report.js';

export interface TellerOptions {
  /** As of now; `stage`: the newest of this process. */
  parts(): Findings;
  say(report: GuestReportInput): void;
}

/** Changes that come together are told together. */
const tellDelayMs = 500;

/** Most stages beside the newest that wait to be told, one a report; the oldest go first. */
export const maximumWaitingStages = 16;

export class Teller {
  readonly #options: TellerOptions;
  /** Of an earlier life of the agent or of a command beside it: told until this one begins another. */
  #others: Stage | undefined;
  /** The newest of this process when that was found. Clocks are set back, so times do not say which is newer. */
  #ownThen: string | undefined;
  /** Ends of stages, and answers to orders that made none or had theirs before: each is told once. */
  readonly #answers: Stage[] = [];
  /** The newest of this process that was seen to end. */
  #ended: Stage | undefined;
  #told: GuestReportInput | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: TellerOptions) {
    this.#options = options;
  }

  /** The newest stage of another process. */
  remember(stage: Stage): void {
    this.#others = stage;
    this.#ownThen = this.#options.parts().stage?.id;
    this.changed();
  }

  /** A stage that answers an order and is not the newest of this process. */
  answer(stage: Stage): void {
    this.#keep(stage);
    this.changed();
  }

  /** Something may be another than before. */
  changed(): void {
    this.#keepEnd();
    if (!this.#isOver) this.#timer ??= setTimeout(() => this.#tell(), tellDelayMs);
  }

  /** Whoever listens knows nothing. */
  tellAll(): void {
    this.#told = undefined;
    this.changed();
  }

  stop(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  /** The end of a stage is told also where the next one begins at once. */
  #keepEnd(): void {
    const { stage } = this.#options.parts();
    if (!stage || stage.endedMs === 0 || stage === this.#ended) return;
    this.#ended = stage;
    this.#keep(stage);
  }

  #keep(stage: Stage): void {
    this.#answers.push(stage);
    if (this.#answers.length > maximumWaitingStages) this.#answers.shift();
  }

  #tell(): void {
    this.#timer = undefined;
    const { stage, ...parts } = this.#options.parts();
    const answer = this.#answers.shift();
    const report = guestReport({ ...parts, stage: answer ?? this.#newest(stage) });
    if (answer) this.changed(); // and then the newest again
    if (isDeepStrictEqual(report, this.#told)) return;
    this.#told = report;
    this.#options.say(report);
  }

  #newest(own: Stage | undefined): Stage | undefined {
    return own && own.id !== this.#ownThen ? own : (this.#others ?? own);
  }
}
