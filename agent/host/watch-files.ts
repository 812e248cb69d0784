/** Hears of changes of files that tuners write (a boot file), so that drift in one is found at once and not at the next pass. */
import { existsSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Changes that come together give one call after this long. */
const quietMs = 300;

/** Most files that are watched. */
export const maximumWatchedFiles = 64;

/**
 * Calls `changed` some time after one of the files was written, replaced or removed. What is watched is their directories
 * (inotify(7)), because files are replaced by rename. For a directory that is not there the next one above it is watched
 * until it comes. Answers how to stop.
 */
export function watchFiles(files: readonly string[], changed: () => void): () => void {
  const watched = files.slice(0, maximumWatchedFiles);
  let timer: NodeJS.Timeout | undefined;
  const soon = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined;
      changed();
    }, quietMs);
  };
  const names = (directory: string): Set<string> =>
    new Set(watched.filter((file) => dirname(file) === directory).map((file) => basename(file)));
  const watches = [...new Set(watched.map((file) => dirname(file)))].map(
    (directory) => new DirectoryWatch(directory, names(directory), soon),
  );
  return () => {
    clearTimeout(timer);
    for (const each of watches) each.stop();
  };
}

/** Follows one directory through its end and its return. */
class DirectoryWatch {
  readonly #directory: string;
  readonly #names: ReadonlySet<string>;
  readonly #changed: () => void;
  #watcher: FSWatcher | undefined;

  constructor(directory: string, names: ReadonlySet<string>, changed: () => void) {
    this.#directory = directory;
    this.#names = names;
    this.#changed = changed;
    this.#follow();
  }

  stop(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #follow(): void {
    this.stop();
    let [there, below] = [this.#directory, ''];
    while (!existsSync(there) && dirname(there) !== there) [there, below] = [dirname(there), basename(there)];
    const heard = below === '' ? this.#inDirectory : (name: string | null) => this.#above(name, below);
    try {
      this.#watcher = watch(there, { persistent: false }, (_event, name) => heard(name));
      this.#watcher.on('error', () => this.stop()); // the regular pass looks on
    } catch {
      this.stop(); // it went away, or there are too many watches: as well
    }
  }

  readonly #inDirectory = (name: string | null): void => {
    if (name === null || this.#names.has(name)) this.#changed();
    if (existsSync(this.#directory)) return;
    this.#changed();
    this.#follow();
  };

  /** Something happened to the part of the path that is missing, or to what it was missing in. */
  #above(name: string | null, missing: string): void {
    if (name !== null && name !== missing && this.#watcher && !existsSync(this.#directory)) return;
    this.#follow();
    if (existsSync(this.#directory)) this.#changed(); // what was put into it meanwhile nobody told
  }
}
