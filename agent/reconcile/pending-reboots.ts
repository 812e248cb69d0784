/** One list of what waits for a restart of the host, whichever tuner wants it, kept on disk with the time since when. */
import { z } from 'zod';
import type { PendingReboot } from '../../proto/gen/drover/v1/PendingReboot.js';
import { canonicalJson } from '../../proto/wire/profile.js';
import { jsonOf, readText, removeFile, replaceFile } from './durable-file.js';
import type { PlanEntry } from './plan.js';

/** Most entries; the kernel command line takes no more arguments. */
export const maximumPendingReboots = 512;

const row = z.strictObject({
  tuner: z.string(),
  setting: z.string(),
  wanted: z.string(),
  now: z.string(),
  sinceUnixMs: z.number(),
  reason: z.string(),
});
const schema = z.array(row).max(maximumPendingReboots);

export class PendingReboots {
  readonly file: string;
  #current: readonly PendingReboot[];
  /** The update under way: passes that end together share one file. */
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(file: string, current: readonly PendingReboot[]) {
    this.file = file;
    this.#current = current;
  }

  /** Reads the file; a damaged one counts as none, since the next pass finds everything again. Errors: `storage-failed`. */
  static async load(file: string): Promise<PendingReboots> {
    return new PendingReboots(file, parse((await readText(file)) ?? '[]'));
  }

  /** By tuner and setting, in the order in which they were found. */
  get current(): readonly PendingReboot[] {
    return this.#current;
  }

  /** Takes what a full pass found; what is there already keeps its time. Writes only a change. Errors: `storage-failed`. */
  update(entries: readonly PlanEntry[], nowUnixMs: number): Promise<void> {
    const mine = this.#writing.then(() => this.#update(entries, nowUnixMs));
    this.#writing = mine.catch(() => undefined);
    return mine;
  }

  async #update(entries: readonly PlanEntry[], nowUnixMs: number): Promise<void> {
    const next = pendingOf(entries, this.#current, nowUnixMs);
    if (canonicalJson(next) === canonicalJson(this.#current)) return;
    if (next.length === 0) await removeFile(this.file);
    else await replaceFile(this.file, `${JSON.stringify(next)}\n`);
    this.#current = next;
  }
}

/** What waits for a restart of the host among the entries of a pass. Pure. */
export function pendingOf(
  entries: readonly PlanEntry[],
  known: readonly PendingReboot[],
  nowUnixMs: number,
): PendingReboot[] {
  const since = new Map(known.map((each) => [keyOf(each), each.sinceUnixMs]));
  return entries
    .filter(({ outcome, effect }) => outcome === 'deferred' && effect === 'host-reboot')
    .slice(0, maximumPendingReboots)
    .map(({ knob: { tuner, setting }, wanted, now, reason }) => ({
      tuner,
      setting,
      wanted,
      now,
      reason,
      sinceUnixMs: since.get(keyOf({ tuner, setting, wanted })) ?? nowUnixMs,
    }));
}

/** Another wish for the same setting waits anew. */
function keyOf({ tuner, setting, wanted }: Pick<PendingReboot, 'tuner' | 'setting' | 'wanted'>): string {
  return `${tuner}|${setting}|${wanted}`;
}

function parse(text: string): readonly PendingReboot[] {
  const result = schema.safeParse(jsonOf(text));
  return result.success ? result.data : [];
}
