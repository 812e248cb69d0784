/** The directory in which libvirt's hook and the agent meet. It is of root alone, and its files are there whole or not at all. */
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { asDroverError } from '../../../proto/wire/errors.js';
import type { Log } from '../../log.js';
import { storageFailed } from '../../reconcile/durable-file.js';

export interface SpoolDirectoryOptions {
  readonly directory: string;
  readonly log: Pick<Log, 'warn'>;
}

/** A request is two lines; what is longer is none. */
const longestText = 1_024;

export class SpoolDirectory {
  readonly #options: SpoolDirectoryOptions;

  constructor(options: SpoolDirectoryOptions) {
    this.#options = options;
  }

  /** Makes it, with mode 0700. Errors: `storage-failed`. */
  async make(): Promise<void> {
    const { directory } = this.#options;
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      await chmod(directory, 0o700);
    } catch (cause) {
      throw storageFailed('make', directory, cause);
    }
  }

  /** Empty where it is gone. */
  async names(): Promise<string[]> {
    return readdir(this.#options.directory).catch(() => []);
  }

  /** At most 1,024 characters; undefined: it is gone. */
  async read(name: string): Promise<string | undefined> {
    const text = await readFile(this.#path(name), 'utf8').catch(() => undefined);
    return text?.slice(0, longestText);
  }

  /** A fault is told and no more: without its beat the hook lets starts pass. */
  async write(name: string, text: string): Promise<void> {
    const path = this.#path(name);
    try {
      await writeFile(`${path}.new`, text, { mode: 0o600 });
      await rename(`${path}.new`, path);
    } catch (thrown) {
      const { message } = asDroverError(thrown);
      this.#options.log.warn({ file: path, error: message }, 'not written: starts of others may not wait');
    }
  }

  /** Also done where it is gone; what cannot be removed is found by the next look. */
  async remove(name: string): Promise<void> {
    await rm(this.#path(name), { force: true }).catch(() => undefined);
  }

  #path(name: string): string {
    return join(this.#options.directory, name);
  }
}
