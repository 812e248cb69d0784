/**
 * What cannot be read of an interrupt: that the kernel refused to move it, and whether it has fired since it was told to
 * move. Bounded; what is forgotten is found out again by the next pass.
 */

/** Interrupts that are remembered; the oldest goes first. A large host has some thousands. */
const maximumIrqs = 4_096;

/** Interrupts after which a move must have happened: the first one moves it, one more may have been on its way. */
const firesToMove = 2;

interface Move {
  readonly affinity: string;
  readonly count: number;
}

export class IrqMemory {
  readonly #limit: number;
  readonly #refusals = new Map<string, string>();
  readonly #moves = new Map<string, Move>();

  constructor(limit = maximumIrqs) {
    this.#limit = limit;
  }

  /** Interrupts that are remembered. */
  get size(): number {
    return this.#refusals.size + this.#moves.size;
  }

  refuse(irq: string, errno: string): void {
    this.#put(this.#refusals, irq, errno);
  }

  /** The errno of the refusal; undefined: none was seen. */
  refusal(irq: string): string | undefined {
    return this.#refusals.get(irq);
  }

  /**
   * Whether an interrupt that goes elsewhere than its list says has had its chance to move. The first look at a list only
   * remembers how often it has fired; without a count (undefined) it is taken to have had it.
   */
  hadItsChance(irq: string, affinity: string, count: number | undefined): boolean {
    if (count === undefined) return true;
    const known = this.#moves.get(irq);
    if (known?.affinity === affinity && count >= known.count) return count - known.count >= firesToMove;
    this.#put(this.#moves, irq, { affinity, count });
    return false;
  }

  arrived(irq: string): void {
    this.#moves.delete(irq);
  }

  #put<Value>(map: Map<string, Value>, key: string, value: Value): void {
    map.delete(key);
    map.set(key, value);
    const oldest = map.keys().next().value;
    if (map.size > this.#limit && oldest !== undefined) map.delete(oldest);
  }
}
