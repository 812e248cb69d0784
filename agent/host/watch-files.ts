/** Hears of changes of files that tuners write (a boot file), so that drift in one is found at once and not at the next pass. */
import { existsSync, watch, type FSWatcher } from 'node:fs';
import { dirname } from 'node:path';

/** Changes that come together give one call after this long. */
const quietMs = 300;

/** Most files that are watched. */
export const maximumWatchedFiles = 64;

/**
 * Calls `changed` some time after one of the files was written, replaced or removed. What is watched is their directories
 * (inotify(7)), because files are replaced by rename; one that is absent is not watched. Answers how to stop.
 */
export function watchFiles(files: readonly string[], changed: () => void): () => void {
  const directories = [...new Set(files.slice(0, maximumWatchedFiles).map((file) => dirname(file)))];
  const names = new Set(files.map((file) => file.slice(dirname(file).length + 1)));
  let timer: NodeJS.Timeout | undefined;
  const heard = (name: string | null): void => {
    if (name !== null && !names.has(name)) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      changed();
    }, quietMs);
  };
  const watchers = directories.filter((directory) => existsSync(directory)).map((each) => start(each, heard));
  return () => {
    clearTimeout(timer);
    for (const watcher of watchers) watcher.close();
  };
}

function start(directory: string, heard: (name: string | null) => void): FSWatcher {
  const watcher = watch(directory, { persistent: false }, (_event, name) => heard(name));
  watcher.on('error', () => watcher.close()); // the directory went away: the regular pass looks on
  return watcher;
}
