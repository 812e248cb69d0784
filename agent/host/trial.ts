/**
 * A trial of a desired state: the one before it is on disk until the trial has ended well, so that it comes back when the
 * control plane is lost, and also after a crash of the agent. As a router's "commit confirmed": what cuts the host off
 * undoes itself.
 */
import type { DesiredState } from '../../proto/gen/drover/v1/DesiredState.js';
import { jsonOf, readText, removeFile, replaceFile } from '../reconcile/durable-file.js';

/** How long the control plane may be gone in a trial before the state before it comes back. */
export const lostGraceMs = 30_000;

/** How long after its end a trial may still wait for the control plane's word: with the longest trial, 90 s in all. */
export const lateWordMs = 10_000;

/** What a trial goes by at one moment. */
export interface TrialMoment {
  readonly elapsedMs: number;
  readonly trialMs: number;
  /** A stream to the control plane stands, and it has acknowledged everything that was said since the apply. */
  readonly isHeard: boolean;
  /** How long nothing stood; 0 while it does. */
  readonly lostMs: number;
}

/** Whether a trial goes on, has held, or must be undone. Pure. */
export function judgeTrial({ elapsedMs, trialMs, isHeard, lostMs }: TrialMoment): 'wait' | 'hold' | 'undo' {
  if (elapsedMs >= trialMs && isHeard) return 'hold';
  return lostMs >= lostGraceMs || elapsedMs >= trialMs + lateWordMs ? 'undo' : 'wait';
}

/** The state before a trial, on disk while the trial runs. */
export interface TrialRecord {
  /** Undefined: nothing was desired. */
  readonly before: DesiredState | undefined;
  readonly tried: DesiredState;
}

export class TrialFile {
  readonly file: string;
  #current: TrialRecord | undefined;

  private constructor(file: string, current: TrialRecord | undefined) {
    this.file = file;
    this.#current = current;
  }

  /** Reads the file. A damaged one counts as none: the desired state itself is whole. Errors: `storage-failed`. */
  static async load(file: string): Promise<TrialFile> {
    return new TrialFile(file, parse((await readText(file)) ?? 'null'));
  }

  /** The trial that runs, or that a crash cut off. */
  get current(): TrialRecord | undefined {
    return this.#current;
  }

  /** Makes the state before a trial durable, before anything of the trial is written. Errors: `storage-failed`. */
  async begin(record: TrialRecord): Promise<void> {
    await replaceFile(this.file, `${JSON.stringify(record)}\n`);
    this.#current = record;
  }

  /** The trial is over. Errors: `storage-failed`. */
  async end(): Promise<void> {
    await removeFile(this.file);
    this.#current = undefined;
  }
}

function parse(text: string): TrialRecord | undefined {
  return (jsonOf(text) as TrialRecord | null | undefined) ?? undefined;
}
