/** The desired state on disk, so that an agent which starts without the control plane keeps the host as it was told. */
import { z } from 'zod';
import type { DesiredState } from '../../proto/gen/drover/v1/DesiredState.js';
import { invalid } from '../../proto/wire/errors.js';
import { canonicalJson, desiredDigest, failureWay } from '../../proto/wire/profile.js';
import { jsonOf, loadOrSetAside, removeFile, replaceFile, type LoadOptions } from './durable-file.js';

const schema = z.strictObject({
  profileName: z.string(),
  profileRevision: z.int().min(0),
  tuners: z.record(z.string(), z.string()),
  digest: z.string(),
  // Absent in files of agents that knew no trials.
  trialSeconds: z.int().min(0).default(0),
  onFailure: z.string().default(''),
  guests: z.string().default(''),
});

export class DesiredFile {
  readonly file: string;
  #current: DesiredState | undefined;
  /** The write in flight; the next one waits, so that two never share the temporary file. */
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(file: string, current: DesiredState | undefined) {
    this.file = file;
    this.#current = current;
  }

  /** Reads the file. A damaged one counts as none; see `loadOrSetAside`. Errors: `storage-failed`. */
  static async load(file: string, options: LoadOptions = {}): Promise<DesiredFile> {
    return new DesiredFile(file, await loadOrSetAside(file, parse, options));
  }

  /** The state that is on disk; undefined: none. */
  get current(): DesiredState | undefined {
    return this.#current;
  }

  /** Makes a state durable, then current. Errors: `invalid-argument` for a digest that is not the state's, `storage-failed`. */
  async save(state: DesiredState): Promise<void> {
    const { profileName, profileRevision, tuners, digest, trialSeconds, onFailure, guests } = state;
    const right = digestOf(state);
    if (digest !== right) throw invalid('desired_state.digest', digest, right);
    const kept = {
      profileName,
      profileRevision,
      tuners: { ...tuners },
      digest,
      trialSeconds,
      onFailure,
      guests,
    };
    await this.#serially(() => replaceFile(this.file, `${canonicalJson(kept)}\n`));
    this.#current = kept;
  }

  /** Forgets the state. Errors: `storage-failed`. */
  async clear(): Promise<void> {
    await this.#serially(() => removeFile(this.file));
    this.#current = undefined;
  }

  #serially(work: () => Promise<void>): Promise<void> {
    const mine = this.#writing.then(work);
    this.#writing = mine.catch(() => undefined);
    return mine;
  }
}

function digestOf(state: Omit<DesiredState, 'digest'>): string {
  const { profileName, profileRevision, tuners, trialSeconds, onFailure, guests } = state;
  return desiredDigest(profileName, profileRevision, tuners, {
    trialSeconds,
    onFailure: failureWay(onFailure),
    guests,
  });
}

function parse(text: string): DesiredState | undefined {
  const result = schema.safeParse(jsonOf(text));
  return result.success && digestOf(result.data) === result.data.digest ? result.data : undefined;
}
