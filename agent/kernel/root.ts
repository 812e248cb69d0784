/**
 * The only door to /proc and /sys. Everything is read below a configurable root, so that tests point it at a captured
 * tree. Reads are synchronous (a sysfs read is some microseconds and must not wait for the thread pool, which hung
 * libvirt calls may fill); writes are asynchronous, because a write to nr_hugepages or ksm/run can take seconds.
 */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
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
    this.writes++;
    try {
      const handle = await open(join(this.path, file), 'r+').catch(() => open(join(this.path, file), 'w'));
      try {
        await handle.write(value);
      } finally {
        await handle.close();
      }
    } catch (cause) {
      const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
      throw new DroverError('kernel-write-failed', `write ${value} to ${file}: ${reason}`, {
        field: file,
        value,
        cause,
      });
    }
  }
}
