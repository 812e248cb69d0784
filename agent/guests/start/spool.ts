/**
 * Starts that others ask libvirt for. libvirt's hook (systemd/libvirt-hook-qemu) puts a request into a directory and waits
 * until it is gone; here it waits for its turn like Drover's own starts. The hook lets everything pass when the beat stops.
 */
import { setMaxListeners } from 'node:events';
import { type FSWatcher, watch } from 'node:fs';
import { asDroverError } from '../../../proto/wire/errors.js';
import type { Log } from '../../log.js';
import type { OwnStarts, StartPermits } from './run.js';
import { SpoolDirectory } from './spool-directory.js';
import type { StartQueue } from './start-queue.js';

export interface StartSpoolOptions {
  /** /run/drover/starts; made where it is absent, for root alone. */
  readonly directory: string;
  readonly queue: StartQueue;
  readonly permits?: StartPermits;
  /** Whole seconds since the boot, as in /proc/uptime. */
  uptimeSeconds(): number;
  readonly log: Pick<Log, 'info' | 'warn'>;
  /** Longest that a start waits. */
  readonly waitSeconds?: number;
  /** The beat, and a look at the directory beside what the kernel tells of it. */
  readonly lookEveryMs?: number;
}

const defaultWaitSeconds = 300;
const defaultLookEveryMs = 2_000;

/**
 * Most starts that wait. Each holds one of libvirtd's 20 workers (max_workers of libvirtd.conf) for as long, and the others
 * serve everybody else, Drover's own starts among them.
 */
export const maximumWaitingRequests = 10;

/** Guests that came here from another host leave a mark, which their move may not have used. */
const markAgeSeconds = 300;

const requestName = /^request\.\d{1,9}$/;
const markName = /^(?:own|incoming)\./;

export class StartSpool implements OwnStarts {
  readonly #options: StartSpoolOptions;
  readonly #files: SpoolDirectory;
  /** Requests that wait, by their file, oldest first. */
  readonly #waiting = new Map<string, AbortController>();
  readonly #own = new Map<string, number>();
  /** Marks of guests that come here, by their file, since when they were seen. */
  readonly #marks = new Map<string, number>();
  readonly #over = new AbortController();
  #watcher: FSWatcher | undefined;
  #timer: NodeJS.Timeout | undefined;
  #beating: Promise<void> | undefined;
  #looking: Promise<void> | undefined;
  #mustLookAgain = false;

  constructor(options: StartSpoolOptions) {
    this.#options = options;
    this.#files = new SpoolDirectory(options);
  }

  /** Starts that wait for their turn. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Begins to pace. What an agent before left of marks is removed. Errors: `storage-failed`. */
  async start(): Promise<void> {
    const { directory, lookEveryMs = defaultLookEveryMs } = this.#options;
    await this.#files.make();
    for (const name of await this.#files.names()) if (markName.test(name)) await this.#files.remove(name);
    await this.#beat();
    setMaxListeners(0, this.#over.signal);
    this.#watcher = watch(directory, { persistent: false }, () => void this.#look());
    this.#watcher.on('error', () => this.#watcher?.close()); // the regular look goes on
    this.#timer = setInterval(() => {
      this.#beating = this.#beat();
      void this.#look();
    }, lookEveryMs);
    await this.#look();
  }

  /** Ends pacing for good: who waits goes on at once, and nobody waits from now on. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#watcher?.close();
    [this.#timer, this.#watcher] = [undefined, undefined];
    await this.#beating;
    await this.#files.remove('alive');
    for (const [file, controller] of this.#waiting) {
      await this.#files.remove(file);
      controller.abort(new Error('pacing ends'));
    }
    this.#over.abort(new Error('pacing ends'));
    await this.#looking;
  }

  /** Marks a start of Drover's own, which has had its turn; answers how to take the mark away when libvirt has answered. */
  async own(name: string): Promise<() => Promise<void>> {
    this.#own.set(name, (this.#own.get(name) ?? 0) + 1);
    // Names that are no file names have no mark: their request is granted as soon as it is read.
    const mark = name.length < 200 && !name.includes('/') ? `own.${name}` : undefined;
    if (mark !== undefined) await this.#files.write(mark, '');
    return async () => {
      const left = (this.#own.get(name) ?? 1) - 1;
      if (left > 0) this.#own.set(name, left);
      else this.#own.delete(name);
      if (left === 0 && mark !== undefined) await this.#files.remove(mark);
    };
  }

  async #beat(): Promise<void> {
    const { uptimeSeconds, waitSeconds = defaultWaitSeconds } = this.#options;
    await this.#files.write('alive', `${Math.floor(uptimeSeconds())} ${waitSeconds}\n`);
  }

  /** One look at a time; what changes meanwhile gives another. */
  async #look(): Promise<void> {
    if (this.#looking) return void (this.#mustLookAgain = true);
    do {
      this.#mustLookAgain = false;
      this.#looking = this.#lookOnce();
      await this.#looking;
    } while (this.#mustLookAgain);
    this.#looking = undefined;
  }

  async #lookOnce(): Promise<void> {
    const names = await this.#files.names();
    await this.#forgetMarks(names);
    const requests = names.filter((name) => requestName.test(name));
    const there = new Set(requests);
    for (const [file, controller] of this.#waiting)
      if (!there.has(file)) controller.abort(new Error('the hook waits no longer'));
    for (const file of requests) if (!this.#waiting.has(file) && this.#timer) await this.#take(file);
  }

  async #take(file: string): Promise<void> {
    const text = await this.#files.read(file);
    if (text === undefined) return;
    const [name = '', uuid = ''] = text.split('\n');
    if (this.#own.has(name)) return this.#files.remove(file);
    if (this.#waiting.size >= maximumWaitingRequests) await this.#letOldestPass();
    const controller = new AbortController();
    this.#waiting.set(file, controller);
    void this.#serve(file, name, uuid || file, controller.signal);
  }

  async #letOldestPass(): Promise<void> {
    const [file, controller] = this.#waiting.entries().next().value as [string, AbortController];
    this.#options.log.warn(
      { limit: maximumWaitingRequests },
      'too many starts wait: the oldest begins at once',
    );
    await this.#files.remove(file);
    this.#waiting.delete(file);
    controller.abort(new Error('it has waited longest'));
  }

  /** Never throws. */
  async #serve(file: string, name: string, key: string, signal: AbortSignal): Promise<void> {
    const { queue, permits, log } = this.#options;
    try {
      await queue.acquire(key, signal);
      const permit = await permits?.acquire(key, signal);
      signal.throwIfAborted();
      log.info({ domain: name, alone: permit === 'alone' }, 'a start that was asked of libvirt has its turn');
    } catch (thrown) {
      if (thrown !== signal.reason)
        log.warn({ domain: name, error: asDroverError(thrown).message }, 'a start begins without its turn');
    }
    await this.#files.remove(file);
    this.#waiting.delete(file);
    await this.#settle(key, signal);
    permits?.release(key);
  }

  /** However it came to begin: it loads the host from now on. */
  async #settle(key: string, signal: AbortSignal): Promise<void> {
    const { queue } = this.#options;
    if (signal.aborted) queue.force(key);
    queue.begun(key);
    await queue.settled(key, this.#over.signal);
  }

  async #forgetMarks(names: readonly string[]): Promise<void> {
    const nowSeconds = this.#options.uptimeSeconds();
    const marks = new Set(names.filter((name) => name.startsWith('incoming.')));
    for (const mark of this.#marks.keys()) if (!marks.has(mark)) this.#marks.delete(mark);
    for (const mark of marks) {
      const since = this.#marks.get(mark) ?? nowSeconds;
      this.#marks.set(mark, since);
      if (nowSeconds - since > markAgeSeconds) await this.#files.remove(mark);
    }
  }
}
