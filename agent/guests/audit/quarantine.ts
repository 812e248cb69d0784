/** Domains that the audit suspended, on disk: an agent that starts anew must know whose doing it was. */
import { z } from 'zod';
import { DroverError } from '../../../proto/wire/errors.js';
import { canonicalJson } from '../../../proto/wire/profile.js';
import {
  jsonOf,
  loadOrSetAside,
  removeFile,
  replaceFile,
  type LoadOptions,
} from '../../reconcile/durable-file.js';

/** Most domains that are suspended at once. */
export const maximumQuarantined = 256;

/** One domain that the audit suspends. */
export interface Held {
  /** By the monotonic clock of this boot, which no setting of the time of day moves. */
  readonly sinceMs: number;
  /** libvirt has suspended it; before that only the intent is known. */
  readonly isDone: boolean;
}

const row = z.strictObject({ sinceMs: z.number(), isDone: z.boolean() });
const schema = z.strictObject({
  bootId: z.string(),
  held: z.record(z.string(), row).refine((map) => Object.keys(map).length <= maximumQuarantined),
});

export interface QuarantineOptions extends LoadOptions {
  readonly file: string;
  /** Of this boot: what an earlier one had suspended is gone with it, and libvirt gives its ids anew. */
  readonly bootId: string;
}

export class Quarantine {
  readonly #options: QuarantineOptions;
  #held: ReadonlyMap<string, Held>;

  private constructor(options: QuarantineOptions, held: ReadonlyMap<string, Held>) {
    this.#options = options;
    this.#held = held;
  }

  /** Reads the file. A damaged one, and one of another boot, counts as none; see `loadOrSetAside`. Errors: `storage-failed`. */
  static async load(options: QuarantineOptions): Promise<Quarantine> {
    const read = await loadOrSetAside(options.file, (text) => schema.safeParse(jsonOf(text)).data, options);
    const held = read?.bootId === options.bootId ? Object.entries(read.held) : [];
    return new Quarantine(options, new Map(held));
  }

  keys(): readonly string[] {
    return [...this.#held.keys()];
  }

  /** Undefined: the audit does not hold it. */
  of(key: string): Held | undefined {
    return this.#held.get(key);
  }

  /** Errors: `resource-exhausted` beyond `maximumQuarantined`, `storage-failed`; then nothing has changed. */
  async put(key: string, held: Held): Promise<void> {
    if (this.#held.size >= maximumQuarantined && !this.#held.has(key))
      throw new DroverError(
        'resource-exhausted',
        `${maximumQuarantined} domains are suspended by the audit: look at them first`,
      );
    await this.#write(new Map(this.#held).set(key, held));
  }

  /** Without any, there is no file. Errors: `storage-failed`. */
  async remove(key: string): Promise<void> {
    await this.#write(new Map([...this.#held].filter(([one]) => one !== key)));
  }

  async #write(held: ReadonlyMap<string, Held>): Promise<void> {
    const { file, bootId } = this.#options;
    if (held.size === 0) await removeFile(file);
    else await replaceFile(file, `${canonicalJson({ bootId, held: Object.fromEntries(held) })}\n`);
    this.#held = held;
  }
}
