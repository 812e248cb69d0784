/** One change of an allocation at a time: who comes while another is on its way waits for it. */

export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  /** How many allocations are being changed. */
  get size(): number {
    return this.#last.size;
  }

  isBusy(id: string): boolean {
    return this.#last.has(id);
  }

  /** Runs `work` once every earlier work for `id` has ended, however that went. */
  run<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#last.get(id);
    const result = before ? before.then(work, work) : work();
    const end = (): void => this.#end(id, ended);
    const ended: Promise<void> = result.then(end, end);
    this.#last.set(id, ended);
    return result;
  }

  /** As `run` for several allocations at once, none of which may be busy. */
  runAll<Result>(ids: readonly string[], work: () => Promise<Result>): Promise<Result> {
    const result = work();
    for (const id of ids) void this.run(id, () => result).catch(() => undefined);
    return result;
  }

  #end(id: string, ended: Promise<unknown>): void {
    if (this.#last.get(id) === ended) this.#last.delete(id);
  }
}
