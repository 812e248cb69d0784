/**
 * The only door to /proc and /sys. Everything is read below a configurable root, so that tests point it at a captured
 * tree. Reads are synchronous (a sysfs read is some microseconds and must not wait for the thread pool, which hung
 * libvirt calls may fill); writes are asynchronous, because a write to nr_hugepages or ksm/run can take seconds.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DroverError } from '../../proto/wire/errors.js';

export interface KernelRoot {
  /** The directory that stands for `/`. */
  readonly path: string;
  /** Content without trailing newlines and NULs; undefined where the file is absent, unreadable or not supported. */
  read(file: string): string | undefined;
  /** Names in a directory, sorted; empty where it is absent. */
  list(directory: string): string[];
  exists(file: string): boolean;
  /** Target of a symbolic link as it is written; undefined where there is none. */
  link(file: string): string | undefined;
  /** One write(2) of `value`. Errors: `kernel-write-failed` with the file, the value and the kernel's errno. */
  write(file: string, value: string): Promise<void>;
  /** Content of a file on disk to the last byte; undefined where there is none or it cannot be read. */
  content(file: string): string | undefined;
  /**
   * A file on disk with this content, whole or not at all, also through a loss of power: mode 644. Its directory must be
   * there. Not for /proc and /sys. Errors: as `write`.
   */
  putFile(file: string, content: string): Promise<void>;
  /** No such file; done when there is none. Errors: as `write`. */
  removeFile(file: string): Promise<void>;
}

/** A kernel root over a directory; `/` is the running host. Counts writes, for tests and metrics. */
export class HostRoot implements KernelRoot {
  readonly path: string;
  writes = 0;

  constructor(path = '/') {
    this.path = path;
  }

  read(file: string): string | undefined {
    try {
      return readFileSync(join(this.path, file), 'utf8').replace(/[\n\0]+$/, '');
    } catch {
      return undefined;
    }
  }

  list(directory: string): string[] {
    try {
      return readdirSync(join(this.path, directory)).sort();
    } catch {
      return [];
    }
  }

  exists(file: string): boolean {
    return existsSync(join(this.path, file));
  }

  link(file: string): string | undefined {
    try {
      return readlinkSync(join(this.path, file));
    } catch {
      return undefined;
    }
  }

  async write(file: string, value: string): Promise<void> {
    await this.#change(`write ${value} to`, file, value, async (path) => {
      const handle = await open(path, 'r+').catch(() => open(path, 'w'));
      try {
        await handle.write(value);
      } finally {
        await handle.close();
      }
    });
  }

  content(file: string): string | undefined {
    try {
      return readFileSync(join(this.path, file), 'utf8');
    } catch {
      return undefined;
    }
  }

  async putFile(file: string, content: string): Promise<void> {
    await this.#change('replace', file, `${content.length} characters`, async (path) => {
      const draft = `${path}.drover-new`;
      try {
        await writeDurably(draft, content);
        await rename(draft, path);
      } catch (cause) {
        await rm(draft, { force: true });
        throw cause;
      }
      await syncDirectory(dirname(path));
    });
  }

  async removeFile(file: string): Promise<void> {
    await this.#change('remove', file, 'absent', async (path) => {
      await rm(path, { force: true });
      await syncDirectory(dirname(path));
    });
  }

  async #change(
    what: string,
    file: string,
    value: string,
    act: (path: string) => Promise<void>,
  ): Promise<void> {
    this.writes++;
    try {
      await act(join(this.path, file));
    } catch (cause) {
      const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
      throw new DroverError('kernel-write-failed', `${what} ${file}: ${reason}`, {
        field: file,
        value,
        cause,
      });
    }
  }
}

async function writeDurably(path: string, content: string): Promise<void> {
  // A draft of an earlier, killed run is written over.
  const handle = await open(path, 'w', 0o644);
  try {
    await handle.writeFile(content);
    await handle.chmod(0o644); // whatever the umask
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a rename or removal in the directory durable. */
async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
