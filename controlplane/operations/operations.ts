/** Things asked of one host that take a while. Kept in memory, the newest 1,000 in 64 MiB; each has a deadline. */
import type { Operation } from '../../proto/gen/drover/v1/Operation.js';
import type { OperationResult } from '../../proto/gen/drover/v1/OperationResult.js';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { codec } from '../../proto/wire/load.js';

export const operationLimits = {
  kept: 1_000,
  /** Of all results together: an answer of a host with many domains can reach 8 MiB. */
  keptBytes: 64 * 2 ** 20,
  /** Characters of an error that are kept. */
  errorChars: 2_000,
  running: 256,
  defaultDeadlineMs: 30_000,
  longestDeadlineMs: 300_000,
} as const;

export interface OperationOptions {
  newId(): string;
  now(): number;
  readonly keptBytes?: number;
}

export class Operations {
  readonly #options: OperationOptions;
  readonly #all = new Map<string, Operation>();
  readonly #timers = new Map<string, NodeJS.Timeout>();
  /** Bytes of what each ended operation keeps. */
  readonly #sizes = new Map<string, number>();
  #bytes = 0;

  constructor(options: OperationOptions) {
    this.#options = options;
  }

  /** Begins an operation. Errors: `invalid-argument` (kind, deadline), `resource-exhausted` with too many running. */
  start(host: { id: string; name: string }, kind: string, deadlineSeconds: number): Operation {
    if (kind !== 'plan' && kind !== 'verify') throw invalid('kind', kind, 'plan or verify');
    const deadlineMs = deadlineSeconds === 0 ? operationLimits.defaultDeadlineMs : deadlineSeconds * 1000;
    if (deadlineMs > operationLimits.longestDeadlineMs)
      throw invalid('deadline_seconds', deadlineSeconds, `1 to ${operationLimits.longestDeadlineMs / 1000}`);
    if (this.#timers.size >= operationLimits.running)
      throw new DroverError(
        'resource-exhausted',
        `${operationLimits.running} operations are running, the most at once`,
      );
    const operation: Operation = {
      id: this.#options.newId(),
      hostId: host.id,
      hostName: host.name,
      kind,
      state: 'running',
      startedUnixMs: this.#options.now(),
      endedUnixMs: 0,
      error: '',
      settings: [],
      pending: 0,
    };
    this.#all.set(operation.id, operation);
    this.#timers.set(
      operation.id,
      setTimeout(
        () => this.#end(operation.id, { error: `no answer within ${deadlineMs / 1000} s`, settings: [] }),
        deadlineMs,
      ).unref(),
    );
    this.#forgetOldest();
    return operation;
  }

  /** Takes an agent's answer. One that came too late, or of another host, is ignored. */
  finish(hostId: string, result: OperationResult): void {
    if (this.#all.get(result.id)?.hostId === hostId) this.#end(result.id, result);
  }

  /** Errors: `not-found`. */
  get(id: string): Operation {
    const operation = this.#all.get(id);
    if (!operation)
      throw new DroverError(
        'not-found',
        `operation ${id} is not known; the newest ${operationLimits.kept} are kept`,
        { field: 'id', value: id },
      );
    return operation;
  }

  /** Newest first, without their settings. `hostId` empty: of every host. */
  list(hostId: string): Operation[] {
    return [...this.#all.values()]
      .filter((operation) => hostId === '' || operation.hostId === hostId)
      .map((operation) => ({ ...operation, settings: [] }))
      .reverse();
  }

  /** Ends every timer. */
  close(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  #end(id: string, result: Pick<OperationResult, 'error' | 'settings'>): void {
    const operation = this.#all.get(id);
    if (operation?.state !== 'running') return;
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
    const state = result.error === '' ? 'done' : 'failed';
    const ended = {
      ...operation,
      state,
      endedUnixMs: this.#options.now(),
      error: result.error.slice(0, operationLimits.errorChars),
      settings: result.settings,
      pending: result.settings.filter(({ outcome }) => outcome === 'pending').length,
    };
    this.#all.set(id, ended);
    this.#sizes.set(id, codec('Operation').encode(ended).length);
    this.#bytes += this.#sizes.get(id) ?? 0;
    this.#forgetOldest();
  }

  #forgetOldest(): void {
    const { keptBytes = operationLimits.keptBytes } = this.#options;
    for (const [id, operation] of this.#all) {
      if (this.#all.size <= operationLimits.kept && this.#bytes <= keptBytes) return;
      if (operation.state === 'running') continue;
      this.#all.delete(id);
      this.#bytes -= this.#sizes.get(id) ?? 0;
      this.#sizes.delete(id);
    }
  }
}
