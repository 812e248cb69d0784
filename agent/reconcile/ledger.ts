/**
 * What was there before: the original value of every knob that Drover wrote, durable before the first write of that
 * knob, so that a crash at any moment leaves everything that is needed to put the host back (docs/adr/0006-ledger.md).
 */
import { mkdirSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { DroverError } from '../../proto/wire/errors.js';
import { knobKey, type Knob } from '../tuners/tuner.js';
import { readText, replaceFile, storageFailed, syncDirectory } from './durable-file.js';
import {
  adoptLine,
  parseLedger,
  recordLine,
  releaseLine,
  settledAs,
  settleLine,
  type LedgerEntry,
} from './ledger-lines.js';

/** Most live entries: 1,000 domains with some sixty knobs each. About 20 MB of text and as much of memory. */
export const maximumLedgerEntries = 65_536;

/** Lines of released entries that the file may carry before it is written anew. */
export const maximumDeadLines = 1_024;

export interface LedgerOptions {
  /** Of this boot; entries of another one are void, because a restart resets /sys and every cgroup. Files on disk stay. */
  readonly bootId: string;
  readonly now: () => number;
  readonly maximumEntries?: number;
  readonly maximumDeadLines?: number;
  /** Nothing on disk is touched: no directory, no repair, no compaction; `record` and `release` are refused. */
  readonly readOnly?: boolean;
}

export class Ledger {
  readonly file: string;
  /** Entries of another boot that were dropped when the ledger was opened. */
  readonly voided: readonly LedgerEntry[];
  readonly #options: LedgerOptions;
  readonly #entries: Map<string, LedgerEntry>;
  #lines: number;
  #bytes = 0;
  #handle: FileHandle | undefined;
  /** Bytes after `#bytes` are of a write that failed. */
  #torn = false;
  /** Set once no more may be written. */
  #closed: boolean;
  /** Dead lines at which the file is to be written anew. */
  #compactAt: number;
  #tail: Promise<unknown> = Promise.resolve();
  #knobs: readonly Knob[] | undefined;

  private constructor(
    file: string,
    options: LedgerOptions,
    entries: Map<string, LedgerEntry>,
    voided: LedgerEntry[],
    lines: number,
  ) {
    this.file = file;
    this.voided = voided;
    this.#options = options;
    this.#entries = entries;
    this.#lines = lines;
    this.#closed = options.readOnly ?? false;
    this.#compactAt = options.maximumDeadLines ?? maximumDeadLines;
  }

  /**
   * Opens `ledger.jsonl` in a directory, which is made with mode 0700 where it is absent. A last line that a crash cut
   * short is removed. Errors: `storage-corrupt` naming the line, `storage-failed`.
   */
  static async open(directory: string, options: LedgerOptions): Promise<Ledger> {
    const file = join(directory, 'ledger.jsonl');
    if (!options.readOnly) mkdirSync(directory, { recursive: true, mode: 0o700 });
    const { entries, lines, truncated } = parseLedger((await readText(file)) ?? '', file);
    const voided = [...entries.values()].filter(
      (entry) => entry.bootId !== options.bootId && !entry.knob.persistent,
    );
    for (const { key } of voided) entries.delete(key);
    const ledger = new Ledger(file, options, entries, voided, lines);
    if (!options.readOnly) {
      if (truncated || voided.length > 0) await ledger.#rewrite();
      await ledger.#reopen();
    }
    return ledger;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Live entries in the order in which they were recorded. */
  entries(): LedgerEntry[] {
    return [...this.#entries.values()];
  }

  /** Knobs of the live entries in their order: the same array as long as no entry came, went or changed. */
  knobs(): readonly Knob[] {
    this.#knobs ??= [...this.#entries.values()].map(({ knob }) => knob);
    return this.#knobs;
  }

  /** The entry of a knob (`knobKey`); undefined: Drover has not written it. */
  get(key: string): LedgerEntry | undefined {
    return this.#entries.get(key);
  }

  /**
   * Makes originals durable; when this returns, the knobs may be written. A knob that has an entry keeps it. All or
   * nothing. Errors: `resource-exhausted` at the limit, `storage-failed` (a full disk): then the knobs must not be written.
   */
  record(originals: readonly { readonly knob: Knob; readonly original: string }[]): Promise<void> {
    return this.#alone(() => this.#record(originals));
  }

  async #record(originals: readonly { readonly knob: Knob; readonly original: string }[]): Promise<void> {
    const { bootId, now, maximumEntries = maximumLedgerEntries } = this.#options;
    const fresh = new Map<string, LedgerEntry>();
    for (const { knob, original } of originals) {
      const key = knobKey(knob);
      if (this.#entries.has(key) || fresh.has(key)) continue;
      fresh.set(key, { key, knob, original, bootId, recordedUnixMs: now() });
    }
    if (this.#entries.size + fresh.size > maximumEntries) {
      throw new DroverError('resource-exhausted', `${this.file} would hold over ${maximumEntries} entries`, {
        field: this.file,
        value: `${this.#entries.size + fresh.size} entries`,
        cure: 'revert what is no longer wanted',
      });
    }
    await this.#append([...fresh.values()].map(recordLine));
    if (fresh.size > 0) this.#knobs = undefined;
    for (const entry of fresh.values()) this.#entries.set(entry.key, entry);
  }

  /**
   * Notes the wanted values that knobs were seen to have, so that another value later is known as drift also after a restart
   * of the agent. Undefined: nothing is known any more, because the knob is about to be written. Knobs without an entry are
   * left out. Errors: `storage-failed`.
   */
  settle(values: ReadonlyMap<string, string | undefined>): Promise<void> {
    return this.#alone(async () => {
      const fresh = [...values].filter(([key, value]) => {
        const entry = this.#entries.get(key);
        return entry !== undefined && entry.settled !== value;
      });
      await this.#append(fresh.map(([key, value]) => settleLine(key, value)));
      for (const [key, value] of fresh) this.#change(key, (entry) => settledAs(entry, value));
      await this.#compact();
    });
  }

  /** Makes the value that somebody else set the one that undo leaves. Errors: `storage-failed`. */
  adopt(key: string, original: string): Promise<void> {
    return this.#alone(async () => {
      if ((this.#entries.get(key)?.original ?? original) === original) return;
      await this.#append([adoptLine(key, original)]);
      this.#change(key, (entry) => ({ ...entry, original }));
      await this.#compact();
    });
  }

  #change(key: string, change: (entry: LedgerEntry) => LedgerEntry): void {
    const entry = this.#entries.get(key);
    this.#knobs = undefined;
    if (entry) this.#entries.set(key, change(entry));
  }

  /** Ends an entry: the knob has its original value again, or is gone. Errors: `storage-failed`; the entry stays then. */
  release(key: string): Promise<void> {
    return this.#alone(async () => {
      if (!this.#entries.has(key)) return;
      await this.#append([releaseLine(key)]);
      this.#entries.delete(key);
      this.#knobs = undefined;
      await this.#compact();
    });
  }

  /** Ends the use of the file; nothing in it changes. */
  close(): Promise<void> {
    this.#closed = true;
    return this.#alone(() => this.#drop());
  }

  /** One use of the file at a time, in order: lanes of domains come here side by side. */
  #alone<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#tail.then(work);
    this.#tail = result.catch(() => undefined);
    return result;
  }

  /** Writes the file anew when it has too many dead lines. It may fail: the file is only longer, until the next try. */
  async #compact(): Promise<void> {
    const { maximumDeadLines: most = maximumDeadLines } = this.#options;
    const dead = this.#lines - this.#entries.size;
    if (dead <= this.#compactAt) return;
    this.#compactAt = dead + most;
    await this.#rewrite().then(
      () => (this.#compactAt = most),
      () => undefined,
    );
  }

  /** Replaces the file by one with the live entries alone; it stands whole, old or new. The next use opens what stands. */
  async #rewrite(): Promise<void> {
    try {
      const lines = this.entries().map(recordLine);
      await replaceFile(this.file, lines.join(''));
      this.#lines = lines.length;
    } finally {
      await this.#drop(); // also after a failure, which may have come behind the rename: the handle may be of the old file
    }
  }

  /** Gives the handle back. A torn line is cut off when the file is opened again, before anything is written. */
  async #drop(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => undefined);
  }

  /** The file, open for appending. Errors: `storage-failed`, always after `close`. */
  async #reopen(): Promise<FileHandle> {
    if (this.#closed)
      throw new DroverError('storage-failed', `${this.file} is not open for writing`, { field: this.file });
    if (this.#handle) return this.#handle;
    try {
      const handle = await open(this.file, 'a', 0o600);
      this.#handle = handle;
      if (this.#torn) await handle.truncate(this.#bytes);
      this.#torn = false;
      this.#bytes = (await handle.stat()).size;
      await syncDirectory(join(this.file, '..'));
      return handle;
    } catch (cause) {
      await this.#drop();
      throw storageFailed('open', this.file, cause);
    }
  }

  /** Appends lines and waits for the disk. What a failed write left is cut off again, so the file stays readable. */
  async #append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const handle = await this.#reopen();
    const text = Buffer.from(lines.join(''));
    try {
      await handle.appendFile(text);
      await handle.datasync();
    } catch (cause) {
      // A torn line that cannot be cut off must stay the last one: no more is written before it is.
      this.#torn = true;
      await handle.truncate(this.#bytes).then(
        () => (this.#torn = false),
        () => this.#drop(),
      );
      throw storageFailed('append to', this.file, cause);
    }
    this.#bytes += text.length;
    this.#lines += lines.length;
  }
}
