/**
 * Remembers from look to look what was worked out from files, with the files that it came from. A look reads them all
 * again, as it must, but parses, compares and builds only what came of others. An idle host costs its system calls alone.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KernelRoot } from './root.js';

/** Most results that are remembered: some ten for each of 4,096 domains. Beyond, the oldest are worked out anew. */
export const maximumRecalled = 65_536;

type Make = (root: KernelRoot) => unknown;

/** One thing that a result came of: a file, directory or link, another result, or a measure. */
type Source =
  | { readonly kind: 'read' | 'list' | 'exists' | 'link'; readonly name: string; readonly seen: unknown }
  | {
      readonly kind: 'derive' | 'measure';
      readonly name: string;
      readonly seen: unknown;
      readonly make: Make;
    };

interface Memo {
  inputs: readonly unknown[];
  sources: readonly Source[];
  result: unknown;
  /** The look that last found it true. */
  look: Look;
}

/** One look: a root that reads everything once. */
type Look = KernelRoot & Required<Pick<KernelRoot, 'measure'>>;

export class Recall {
  readonly #memos = new Map<string, Memo>();
  readonly #limit: number;
  /** Stands for the root while something is worked out: it writes down what is asked. */
  readonly #tracing: KernelRoot;
  /** What is being worked out now, outermost first; all of it is synchronous. */
  readonly #open: Source[][] = [];
  #look: Look | undefined;

  constructor(path: string, limit = maximumRecalled) {
    this.#limit = limit;
    this.#tracing = this.#makeTracing(path);
  }

  /** Results that are remembered. */
  get size(): number {
    return this.#memos.size;
  }

  /** What `make` gives for these inputs and the files as `look` reads them; the very same object while nothing differs. */
  get<Result>(
    look: Look,
    key: string,
    inputs: readonly unknown[],
    make: (root: KernelRoot) => Result,
  ): Result {
    const before = this.#look;
    this.#look = look;
    try {
      return this.#find(look, key, inputs, make) as Result;
    } finally {
      this.#look = before;
    }
  }

  /** Forgets what that look, at the whole host, did not come by: domains that ended. */
  keepOnly(look: KernelRoot): void {
    for (const [key, memo] of this.#memos) if (memo.look !== look) this.#memos.delete(key);
  }

  #find(look: Look, key: string, inputs: readonly unknown[], make: Make): unknown {
    const memo = this.#memos.get(key);
    const isSame =
      memo?.inputs.length === inputs.length && memo.inputs.every((each, at) => each === inputs[at]);
    if (memo && isSame && (memo.look === look || memo.sources.every((source) => this.#holds(look, source)))) {
      memo.look = look;
      return memo.result;
    }
    const sources: Source[] = [];
    this.#open.push(sources);
    try {
      const made = make(this.#tracing);
      const result = memo && isDeepStrictEqual(memo.result, made) ? memo.result : made;
      this.#keep(key, { inputs, sources, result, look });
      return result;
    } finally {
      this.#open.pop();
    }
  }

  #keep(key: string, memo: Memo): void {
    this.#memos.set(key, memo);
    const oldest = this.#memos.keys().next().value;
    if (this.#memos.size > this.#limit && oldest !== undefined) this.#memos.delete(oldest);
  }

  #holds(look: Look, source: Source): boolean {
    const { kind, name, seen } = source;
    if (kind === 'derive') return this.#find(look, name, [], source.make) === seen;
    if (kind === 'measure') return look.measure(name, source.make) === seen;
    return asSeen(look, kind, name) === seen;
  }

  #note(source: Source): void {
    this.#open.at(-1)?.push(source);
  }

  #makeTracing(path: string): KernelRoot {
    const here = (): Look => this.#look as Look;
    const refuse = (): never => {
      throw new Error('nothing is written while something is worked out');
    };
    const note = (kind: 'read' | 'list' | 'exists' | 'link', name: string): void =>
      this.#note({ kind, name, seen: asSeen(here(), kind, name) });
    const recall = (key: string, inputs: readonly unknown[], make: Make): unknown => {
      const seen = this.#find(here(), key, inputs, make);
      this.#note({ kind: 'derive', name: key, seen, make });
      return seen;
    };
    return {
      path,
      read: (file) => (note('read', file), here().read(file)),
      list: (directory) => (note('list', directory), here().list(directory)),
      exists: (file) => (note('exists', file), here().exists(file)),
      link: (file) => (note('link', file), here().link(file)),
      content: refuse,
      write: refuse,
      putFile: refuse,
      removeFile: refuse,
      derive: <Result>(key: string, make: () => Result) => recall(key, [], make) as Result,
      measure: <Result>(key: string, make: (root: KernelRoot) => Result): Result => {
        const seen = here().measure(key, make);
        this.#note({ kind: 'measure', name: key, seen, make });
        return seen;
      },
    };
  }
}

/** What a look sees, as it can be compared. */
function asSeen(look: KernelRoot, kind: 'read' | 'list' | 'exists' | 'link', name: string): unknown {
  return kind === 'list' ? look.list(name).join('\n') : look[kind](name);
}
