/**
 * Whether memory that is to move to other NUMA cells finds room there. A domain that is bound to cells without room is
 * killed by the kernel (an OOM of its cpuset), while other cells have memory left. Pure.
 */
import { formatCpuSet } from '../../../../proto/wire/cpu-set.js';
import { formatBytes } from '../../../../proto/wire/units.js';
import type { CellRoom, FreePool } from '../../../kernel/cell-room.js';
import { defaultFloorBytes } from '../memory/memory-floor.js';

/** Room of the cells of a host, by cell; a cell that is missing is not known. */
export interface CellRooms {
  readonly ordinary: ReadonlyMap<number, CellRoom>;
  readonly pools: readonly FreePool[];
}

/** Memory of a domain, by cell in bytes. */
export interface PlacedMemory {
  readonly bytesByCell: ReadonlyMap<number, number>;
  /** It is on huge pages; 0: of several sizes. Undefined: it is not. */
  readonly pageKb?: number | undefined;
}

/** What one pass has left on each cell: what one domain is given, the next does not find. */
export class CellLedger {
  readonly #left = new Map<string, number>();
  readonly #known: ReadonlySet<number>;

  constructor({ ordinary, pools }: CellRooms) {
    this.#known = new Set(ordinary.keys());
    for (const [cell, { totalBytes, availableBytes }] of ordinary)
      this.#left.set(`${cell}`, Math.max(0, availableBytes - defaultFloorBytes(totalBytes)));
    for (const { cell, sizeKb, bytes } of pools) this.#left.set(`${cell} ${sizeKb}`, bytes);
  }

  /** Takes room for what is not yet on the cells. Answers why there is too little; nothing is taken then. */
  take(memory: PlacedMemory, cells: readonly number[]): string | undefined {
    const needed = [...memory.bytesByCell].reduce(
      (sum, [cell, bytes]) => sum + (cells.includes(cell) ? 0 : bytes),
      0,
    );
    if (needed === 0 || !cells.every((cell) => this.#known.has(cell))) return undefined;
    const keys = cells.map((cell) => (memory.pageKb === undefined ? `${cell}` : `${cell} ${memory.pageKb}`));
    const room = keys.reduce((sum, key) => sum + (this.#left.get(key) ?? 0), 0);
    if (needed > room) return shortage(memory, needed, room, cells);
    this.#spend(keys, needed);
    return undefined;
  }

  #spend(keys: readonly string[], bytes: number): void {
    let rest = bytes;
    for (const key of keys) {
      const left = this.#left.get(key) ?? 0;
      this.#left.set(key, left - Math.min(left, rest));
      rest -= Math.min(left, rest);
    }
  }
}

function shortage({ pageKb }: PlacedMemory, needed: number, room: number, cells: readonly number[]): string {
  const where = `${cells.length === 1 ? 'cell' : 'cells'} ${formatCpuSet(cells)}`;
  const what = `${formatBytes(Math.ceil(needed))} of its memory would go to ${where}`;
  if (pageKb === undefined) return `${what}, where ${formatBytes(Math.floor(room))} can be taken`;
  if (pageKb === 0) return `${what}, and it has huge pages of several sizes`;
  return `${what}, where ${formatBytes(room)} of ${pageKb} kB pages are free`;
}
