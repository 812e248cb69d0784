/**
 * Which guests should run, on disk: those that ran when the power went, or when the host went down, run again after the boot.
 * A guest leaves the list when its owner turns it off; not when this host does, nor when it crashes or is lost.
 */
import type { DomainEvent } from '../../libvirt/hypervisor.js';
import type { Log } from '../../log.js';
import { asDroverError } from '../../../proto/wire/errors.js';
import { loadOrSetAside, replaceFile } from '../../reconcile/durable-file.js';
import { maximumShouldRun, parseShouldRun, type ShouldRunRow, textOf } from './should-run-file.js';

export interface ShouldRunOptions {
  readonly file: string;
  /** Of this boot (/proc/sys/kernel/random/boot_id). */
  readonly bootId: string;
  readonly log: Pick<Log, 'warn'>;
  /** From a stop by the owner until it counts; meanwhile `freeze` undoes it. */
  readonly settleMs?: number;
}

/**
 * At a shutdown systemd ends QEMU's scopes and libvirt reports guests that stopped, maybe before the agent has heard of the
 * shutdown. Who turns a guest off and the host with it within this time finds the guest running after the boot.
 */
const defaultSettleMs = 10_000;

/** Ends of a domain by its owner's will; the others are `crashed`, `failed`, and what a later libvirt may add. */
const willed: ReadonlySet<string | undefined> = new Set(['shutdown', 'destroyed', 'saved', 'from-snapshot']);

export class ShouldRun {
  readonly isNewBoot: boolean;
  readonly #options: ShouldRunOptions;
  readonly #rows: Map<string, ShouldRunRow>;
  /** Removals that wait for their time. */
  readonly #leaving = new Map<string, NodeJS.Timeout>();
  #isFrozen = false;
  #writing: Promise<void> = Promise.resolve();
  #isDirty = false;
  #hasToldFull = false;

  private constructor(options: ShouldRunOptions, rows: readonly ShouldRunRow[], isNewBoot: boolean) {
    this.#options = options;
    this.#rows = new Map(rows.map((row) => [row.uuid, isNewBoot ? { ...row, isHeld: true } : row]));
    this.isNewBoot = isNewBoot;
  }

  /**
   * Reads the file. One of another boot: everybody in it waits to be resumed. A damaged one counts as none, and is kept
   * beside. Errors: `storage-failed`.
   */
  static async load(options: ShouldRunOptions): Promise<ShouldRun> {
    const { file, bootId, log } = options;
    const warn = (fields: object): void =>
      log.warn(fields, 'damaged, so it counts as none: no guest is resumed from it');
    const held = await loadOrSetAside(file, parseShouldRun, { log: { warn } });
    return new ShouldRun(options, held?.guests ?? [], held !== undefined && held.bootId !== bootId);
  }

  /** All that should run. */
  get guests(): readonly ShouldRunRow[] {
    return [...this.#rows.values()];
  }

  /** True where the guest should run: its owner did not turn it off, or a moment ago. */
  has(uuid: string): boolean {
    return this.#rows.has(uuid);
  }

  /** Those that should run and do not, by this host's doing: it was booted, or its guest stage turned them off. */
  get held(): readonly ShouldRunRow[] {
    return this.guests.filter(({ isHeld }) => isHeld);
  }

  /**
   * Brings the list into line with libvirt's domains: who runs should run; who does not, and was not turned off by this host,
   * was turned off while nobody looked. A domain that is not defined any longer is out. Once at the start, and after libvirt
   * was away.
   */
  async reconcile(
    domains: readonly { readonly uuid: string; readonly name: string; readonly id: number }[],
  ): Promise<void> {
    if (this.#isFrozen) return;
    const known = new Map(domains.map((domain) => [domain.uuid, domain]));
    for (const { uuid, isHeld } of this.guests) {
      const domain = known.get(uuid);
      if (!domain || (domain.id < 0 && !isHeld && !this.#leaving.has(uuid))) this.#rows.delete(uuid);
    }
    for (const { uuid, name, id } of domains) if (id >= 0) this.#add(uuid, name);
    await this.#save();
  }

  /** Takes in what happened to a domain. Who moves to another host is out at once, even while frozen: it runs there. */
  heard({ uuid, name, kind, detail }: DomainEvent): void {
    if (kind === 'stopped' && detail === 'migrated') return this.#remove(uuid);
    if (this.#isFrozen) return;
    if (kind === 'started') {
      this.#add(uuid, name);
      void this.#save();
    } else if (kind === 'undefined') this.#leave(uuid);
    else if (kind === 'stopped' && willed.has(detail)) this.#leave(uuid);
  }

  /** This host is about to turn these off: they should run all the same. Durable when it is done. Errors: `storage-failed`. */
  async hold(uuids: readonly string[]): Promise<void> {
    for (const uuid of uuids) {
      const row = this.#rows.get(uuid);
      if (row) this.#rows.set(uuid, { ...row, isHeld: true });
      this.#stay(uuid);
    }
    await this.#save();
  }

  /** These need not run again: they are not to be resumed, or cannot be. Errors: `storage-failed`. */
  async forget(uuids: readonly string[]): Promise<void> {
    for (const uuid of uuids) this.#rows.delete(uuid);
    await this.#save();
  }

  /** The host goes down: what happens from now on, and within the last seconds, says nothing of what owners want. */
  freeze(): void {
    this.#isFrozen = true;
    for (const uuid of [...this.#leaving.keys()]) this.#stay(uuid);
  }

  /** It does not go down after all. `reconcile` then, for what was not heard. */
  thaw(): void {
    this.#isFrozen = false;
  }

  /** Waits for what is being written; removals that wait for their time do not happen. */
  async close(): Promise<void> {
    this.freeze();
    await this.#writing;
  }

  #add(uuid: string, name: string): void {
    this.#stay(uuid);
    const before = this.#rows.get(uuid);
    if (before?.name === name && !before.isHeld) return;
    if (!before && this.#rows.size >= maximumShouldRun) return this.#tellFull(name);
    this.#rows.set(uuid, { uuid, name, isHeld: false });
  }

  #tellFull(name: string): void {
    if (this.#hasToldFull) return;
    this.#hasToldFull = true;
    this.#options.log.warn(
      { domain: name },
      `${maximumShouldRun} guests should run already: this one and others are not noted`,
    );
  }

  #leave(uuid: string): void {
    const row = this.#rows.get(uuid);
    if (!row || row.isHeld || this.#leaving.has(uuid)) return;
    const { settleMs = defaultSettleMs } = this.#options;
    this.#leaving.set(
      uuid,
      setTimeout(() => this.#remove(uuid), settleMs),
    );
  }

  #stay(uuid: string): void {
    clearTimeout(this.#leaving.get(uuid));
    this.#leaving.delete(uuid);
  }

  #remove(uuid: string): void {
    this.#stay(uuid);
    if (this.#rows.delete(uuid)) void this.#save();
  }

  /** One write at a time; what changes meanwhile goes with the next one. A fault is told, and the next change tries again. */
  #save(): Promise<void> {
    if (this.#isDirty) return this.#writing;
    this.#isDirty = true;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    this.#isDirty = false;
    const { file, bootId, log } = this.#options;
    try {
      await replaceFile(file, textOf({ bootId, guests: this.guests }));
    } catch (thrown) {
      log.warn(
        { file, error: asDroverError(thrown).message },
        'the list of guests that should run is not on disk',
      );
    }
  }
}
