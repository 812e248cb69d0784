/** Processes by name, for hosts without systemd. A scan of all of /proc is kept for a minute. */
import { basename } from 'node:path';
import { commandLine } from './procfs.js';
import type { KernelRoot } from './root.js';

export interface NamedProcess {
  readonly name: string;
  readonly pid: number;
}

/** Most processes that one scan looks at; some microseconds each. */
export const maximumProcesses = 16_384;

/** Programs whose argument is the program that is meant. */
const interpreters = /^(python|bash|sh$|dash|perl)/;

/**
 * Processes with one of these names, by the kernel's name of it or, under an interpreter, by that of its script.
 * Ascending by pid; at most `limit` processes are looked at.
 */
export function processesNamed(
  root: KernelRoot,
  names: readonly string[],
  limit = maximumProcesses,
): NamedProcess[] {
  const wanted = new Set(names);
  const pids = root.list('/proc').flatMap((entry) => (/^\d+$/.test(entry) ? [Number(entry)] : []));
  return pids
    .toSorted((a, b) => a - b)
    .slice(0, limit)
    .flatMap((pid) => {
      const name = nameOf(root, pid, wanted);
      return name === undefined ? [] : [{ name, pid }];
    });
}

function nameOf(root: KernelRoot, pid: number, wanted: ReadonlySet<string>): string | undefined {
  const comm = root.read(`/proc/${pid}/comm`) ?? '';
  if (wanted.has(comm)) return comm;
  if (!interpreters.test(comm)) return undefined;
  const script =
    commandLine(root, pid)
      ?.slice(1)
      .find((word) => !word.startsWith('-')) ?? '';
  const name = basename(script);
  return wanted.has(name) ? name : undefined;
}

/** A scan that is done again only when the last one is older than `lifeMs`. */
export class ProcessScan {
  readonly #root: KernelRoot;
  readonly #names: readonly string[];
  readonly #monotonicMs: () => number;
  readonly #lifeMs: number;
  #last: { readonly found: NamedProcess[]; readonly seenMs: number } | undefined;

  constructor(root: KernelRoot, names: readonly string[], monotonicMs: () => number, lifeMs = 60_000) {
    this.#root = root;
    this.#names = names;
    this.#monotonicMs = monotonicMs;
    this.#lifeMs = lifeMs;
  }

  /**
   * As `processesNamed`. One that began in the last `lifeMs` may be missing; one that has ended is not among them, as those
   * that were found are looked at each time.
   */
  read(): readonly NamedProcess[] {
    const nowMs = this.#monotonicMs();
    if (!this.#last || nowMs - this.#last.seenMs >= this.#lifeMs)
      this.#last = { found: processesNamed(this.#root, this.#names), seenMs: nowMs };
    const wanted = new Set(this.#names);
    return this.#last.found.filter(({ pid, name }) => nameOf(this.#root, pid, wanted) === name);
  }
}
