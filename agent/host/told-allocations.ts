/** Whether the control plane has told, in the session that goes on now, what this host holds; only then does its silence say something. */
import type { HostAllocationSet } from '../../proto/gen/drover/v1/HostAllocationSet.js';
import type { AllocationsFile } from '../reconcile/allocations-file.js';

export class ToldAllocations {
  readonly #file: Pick<AllocationsFile, 'save' | 'retry'> | undefined;
  /** `unsaved`: what was told is not on disk, and thus not in force. */
  #told: 'no' | 'unsaved' | 'yes' = 'no';

  constructor(file: Pick<AllocationsFile, 'save' | 'retry'> | undefined) {
    this.#file = file;
  }

  /** What was told in this session is in force. */
  get isInForce(): boolean {
    return this.#told === 'yes';
  }

  /** A session begins in which nothing was told. */
  begin(): void {
    this.#told = 'no';
  }

  /** See `AllocationsFile.save`. */
  async save(set: HostAllocationSet, sessionId: string): Promise<boolean> {
    if (!this.#file) return false;
    const before = this.#told;
    this.#told = 'unsaved';
    const isNewest = await this.#file.save(set, sessionId);
    this.#told = isNewest ? 'yes' : before;
    return isNewest;
  }

  /** See `AllocationsFile.retry`. */
  async retry(): Promise<void> {
    await this.#file?.retry();
    if (this.#told === 'unsaved') this.#told = 'yes';
  }
}
