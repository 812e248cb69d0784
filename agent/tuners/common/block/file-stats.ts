/**
 * What stat(2) says of files that may lie on a mount that hangs. A dead NFS server holds the caller for ever, so each
 * look has a deadline, and one that hangs is waited for once and not started again beside itself.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readMounts } from '../../../kernel/mounts.js';
import type { KernelRoot } from '../../../kernel/root.js';

export interface FileStat {
  /** major:minor of the file system that holds the file. */
  readonly device: string;
  /** major:minor of a block device node; undefined for everything else. */
  readonly node: string | undefined;
  readonly sizeBytes: number;
}

/** `absent`: there is certainly no such file. */
export type FileFault = { readonly fault: string; readonly absent: boolean };

export interface FileStatsOptions {
  readonly deadlineMs?: number;
  /** An answer of no more than this age is given again without asking; 0. Where a running guest's image lies stays so. */
  readonly maximumAgeMs?: number;
  /** Most paths whose last answer is remembered. */
  readonly maximumPaths?: number;
  /** Most calls under way, hung ones included: each holds a thread of libuv's pool, which libvirt's calls need too. */
  readonly maximumCalls?: number;
  /** Asks the kernel; tests hand in one that hangs. */
  readonly ask?: (file: string) => Promise<FileStat>;
}

export class FileStats {
  readonly #deadlineMs: number;
  readonly #maximumPaths: number;
  readonly #maximumCalls: number;
  readonly #ask: (file: string) => Promise<FileStat>;
  readonly #maximumAgeMs: number;
  readonly #known = new Map<string, { readonly stat: FileStat; readonly askedMs: number }>();
  /** By mount point: its queue; there is one call of it under way. */
  readonly #busy = new Map<string, Mount>();
  /** Mount points, as long as the table is the same. */
  #mounts: { readonly text: string | undefined; readonly directories: readonly string[] } | undefined;

  constructor(options: FileStatsOptions = {}) {
    this.#deadlineMs = options.deadlineMs ?? 2_000;
    this.#maximumAgeMs = options.maximumAgeMs ?? 0;
    this.#maximumPaths = options.maximumPaths ?? 4_096;
    this.#maximumCalls = options.maximumCalls ?? 3;
    this.#ask = options.ask ?? askKernel;
  }

  /** Calls under way, hung ones included. */
  get calls(): number {
    return this.#busy.size;
  }

  /** Paths whose last answer is remembered. */
  get remembered(): number {
    return this.#known.size;
  }

  /** Asks anew about these at the next look; what was seen last still counts where there is no answer. */
  renew(kernel: KernelRoot, files: readonly string[]): void {
    for (const file of files) {
      const path = join(kernel.path, file);
      const known = this.#known.get(path);
      if (known) this.#known.set(path, { stat: known.stat, askedMs: Number.NEGATIVE_INFINITY });
    }
  }

  /**
   * How a file of the host stands: now, or as it was last seen when its mount does not answer within the deadline. A fault
   * names the errno, or says that there was no answer. Never throws, never takes longer than the deadline.
   */
  async look(kernel: KernelRoot, file: string): Promise<FileStat | FileFault> {
    const path = join(kernel.path, file);
    const known = this.#known.get(path);
    if (known && performance.now() - known.askedMs < this.#maximumAgeMs) return known.stat;
    const answer = await this.#within(this.#mountOf(kernel, file), path);
    if (answer !== undefined) return answer;
    return this.#known.get(path)?.stat ?? { fault: `no answer in ${this.#deadlineMs} ms`, absent: false };
  }

  /** Undefined: no answer in time. Behind a call that is overdue nobody waits. */
  async #within(name: string, path: string): Promise<FileStat | FileFault | undefined> {
    const late = deadline(this.#deadlineMs);
    try {
      while (!this.#busy.has(name) && this.#busy.size >= this.#maximumCalls && !late.passed)
        await Promise.race([late.promise, ...[...this.#busy.values()].map((mount) => mount.idle)]);
      if (late.passed || this.#busy.get(name)?.overdue) return undefined;
      const mount = this.#busy.get(name) ?? this.#open(name);
      const answer = await Promise.race([mount.enter(() => this.#read(path)), late.promise]);
      if (late.passed) mount.overdue = true;
      return answer;
    } finally {
      late.end();
    }
  }

  #open(name: string): Mount {
    const mount = new Mount(() => this.#busy.delete(name));
    this.#busy.set(name, mount);
    return mount;
  }

  /** The mount point over a path, by name alone: to follow its links would be to ask the mount. */
  #mountOf(kernel: KernelRoot, file: string): string {
    const text = kernel.read('proc/self/mounts');
    if (this.#mounts?.text !== text || !this.#mounts)
      this.#mounts = { text, directories: (readMounts(kernel) ?? []).map(({ directory }) => directory) };
    const over = this.#mounts.directories.filter(
      (directory) => file === directory || file.startsWith(`${directory}/`),
    );
    return over.reduce((longest, each) => (each.length >= longest.length ? each : longest), '/');
  }

  async #read(path: string): Promise<FileStat | FileFault> {
    try {
      const answer = await this.#ask(path);
      this.#remember(path, answer);
      return answer;
    } catch (thrown) {
      const code = (thrown as NodeJS.ErrnoException).code ?? String(thrown);
      const absent = code === 'ENOENT' || code === 'ENOTDIR';
      if (absent) this.#known.delete(path);
      return { fault: code, absent };
    }
  }

  #remember(path: string, answer: FileStat): void {
    this.#known.delete(path);
    this.#known.set(path, { stat: answer, askedMs: performance.now() });
    const oldest = this.#known.keys().next().value;
    if (this.#known.size > this.#maximumPaths && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** One mount's calls, one after another; once overdue, what still waits is not asked any more. */
class Mount {
  overdue = false;
  /** Settled when no call is left. */
  readonly idle: Promise<void>;
  readonly #end: () => void;
  #waiting = 0;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(ended: () => void) {
    let settle = (): void => undefined;
    this.idle = new Promise((resolve) => (settle = resolve));
    this.#end = () => {
      ended();
      settle();
    };
  }

  enter(ask: () => Promise<FileStat | FileFault>): Promise<FileStat | FileFault | undefined> {
    this.#waiting++;
    const call = this.#tail.then(async () => {
      const answer = this.overdue ? undefined : await ask();
      if (--this.#waiting === 0) this.#end();
      return answer;
    });
    this.#tail = call;
    return call;
  }
}

interface Deadline {
  readonly promise: Promise<undefined>;
  readonly passed: boolean;
  end(): void;
}

function deadline(ms: number): Deadline {
  const state = { passed: false };
  let timer: NodeJS.Timeout | undefined;
  const promise = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      state.passed = true;
      resolve(undefined);
    }, ms);
  });
  return {
    promise,
    get passed() {
      return state.passed;
    },
    end: () => clearTimeout(timer),
  };
}

async function askKernel(file: string): Promise<FileStat> {
  const found = await stat(file, { bigint: true });
  return {
    device: numberText(found.dev),
    node: found.isBlockDevice() ? numberText(found.rdev) : undefined,
    sizeBytes: Number(found.size),
  };
}

/** major:minor from stat(2)'s 64 bits as glibc packs them. */
function numberText(packed: bigint): string {
  const major = ((packed >> 8n) & 0xfffn) | ((packed >> 32n) & ~0xfffn);
  const minor = (packed & 0xffn) | ((packed >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}
