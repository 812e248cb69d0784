/**
 * The only door to /proc and /sys. Everything is read below a configurable root, so that tests point it at a captured
 * tree. Reads are synchronous (a sysfs read is some microseconds and must not wait for the thread pool, which hung
 * libvirt calls may fill); writes are asynchronous, because a write to nr_hugepages or ksm/run can take seconds.
 */
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { DroverError } from '../../proto/wire/errors.js';

export interface KernelRoot {
  /** The directory that stands for `/`. */
  readonly path: string;
  /**
   * Content without trailing newlines and NULs; undefined where the file is absent, unreadable or not supported. Errors:
   * `unavailable` where this process could not look (no file descriptor left): then nothing is known of the file.
   */
  read(file: string): string | undefined;
  /** Names in a directory, sorted; empty where it is absent. Errors: as `read`. */
  list(directory: string): string[];
  exists(file: string): boolean;
  /** Target of a symbolic link as it is written; undefined where there is none. */
  link(file: string): string | undefined;
  /** One write(2) of `value`. Errors: `kernel-write-failed` with the file, the value and the kernel's errno. */
  write(file: string, value: string): Promise<void>;
  /** Content of a file on disk to the last byte; undefined where there is none or it cannot be read. Errors: as `read`. */
  content(file: string): string | undefined;
  /**
   * A file on disk with this content, whole or not at all, also through a loss of power: mode 644. Its directory must be
   * there. Not for /proc and /sys. Errors: as `write`.
   */
  putFile(file: string, content: string): Promise<void>;
  /** No such file; done when there is none. Errors: as `write`. */
  removeFile(file: string): Promise<void>;
  /** See `derived` in derived.ts; only a root that reads each file once has it. */
  derive?<Result>(key: string, make: () => Result): Result;
  /** See `recalled` and `measured` in derived.ts. */
  recall?<Result>(key: string, inputs: readonly unknown[], make: (root: KernelRoot) => Result): Result;
  /** The look at the whole host is over: what it did not come by is remembered no longer (domains that ended). */
  forgetOthers?(): void;
  measure?<Result>(key: string, make: (root: KernelRoot) => Result): Result;
}

/** Files of /proc and /sys are short: one buffer serves all reads, and longer files go another way. */
const bufferBytes = 65_536;
const newline = 10;

/**
 * A read that gives less is the whole file: seq_file (Documentation/filesystems/seq_file.rst) stops short of a buffer of ours
 * only at the end or where the next record does not fit its own page of 4 KiB. No record is half as long, but where it
 * names paths (`longRecords`): the layers of one overlay mount are.
 */
const shortBytes = 2_048;
const longRecords = /\/(?:mounts|mountinfo|smaps|numa_maps)$/;

/** Errors that tell of the file: it is absent, may not be read, or its driver has no answer. The last is of a name with a NUL. */
const ownErrors: ReadonlySet<string | undefined> = new Set(
  [
    'ENOENT',
    'ENOTDIR',
    'ESRCH',
    'ENODEV',
    'EINVAL',
    'EOPNOTSUPP',
    'ENOTSUP',
    'ENXIO',
    'EIO',
    'EACCES',
  ].concat(['EPERM', 'EISDIR', 'ELOOP', 'ENAMETOOLONG', 'ENODATA', 'ERR_INVALID_ARG_VALUE']),
);

/** Undefined for an error that tells of the file; any other (EMFILE, ENFILE, ENOMEM) tells of this process and is thrown. */
function notThere(file: string, thrown: unknown): undefined {
  const { code } = thrown as NodeJS.ErrnoException;
  if (ownErrors.has(code)) return;
  throw new DroverError('unavailable', `${file} could not be looked at: ${code ?? String(thrown)}`, {
    field: file,
    value: code ?? '',
    cure: 'free file descriptors and memory for the agent (LimitNOFILE)',
    cause: thrown,
  });
}

/** A kernel root over a directory; `/` is the running host. Counts writes, for tests and metrics. */
export class HostRoot implements KernelRoot {
  readonly path: string;
  readonly #buffer = Buffer.allocUnsafeSlow(bufferBytes);
  writes = 0;

  constructor(path = '/') {
    this.path = path;
  }

  read(file: string): string | undefined {
    try {
      const path = this.#pathOf(file);
      return this.#readShort(path) ?? readFileSync(path, 'utf8').replace(/[\n\0]+$/, '');
    } catch (thrown) {
      return notThere(file, thrown);
    }
  }

  /** Undefined: it fills the buffer. Half the time of `readFileSync` for a file of some bytes, and a pass reads thousands. */
  #readShort(path: string): string | undefined {
    const file = openSync(path, 'r');
    try {
      let end = 0;
      for (let bytes = -1; bytes !== 0 && end < bufferBytes; end += bytes) {
        bytes = readSync(file, this.#buffer, end, bufferBytes - end, null);
        if (end === 0 && bytes < shortBytes && !longRecords.test(path)) {
          end = bytes;
          break;
        }
      }
      if (end === bufferBytes) return undefined;
      while (end > 0 && (this.#buffer[end - 1] === newline || this.#buffer[end - 1] === 0)) end--;
      return this.#buffer.toString('utf8', 0, end);
    } finally {
      closeSync(file);
    }
  }

  /** `join` costs as much as the system call. */
  #pathOf(file: string): string {
    if (this.path !== '/') return join(this.path, file);
    return file.startsWith('/') ? file : `/${file}`;
  }

  list(directory: string): string[] {
    try {
      return readdirSync(this.#pathOf(directory)).sort();
    } catch (thrown) {
      return notThere(directory, thrown) ?? [];
    }
  }

  exists(file: string): boolean {
    return existsSync(this.#pathOf(file));
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
    } catch (thrown) {
      return notThere(file, thrown);
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
