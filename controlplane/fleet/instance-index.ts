/**
 * Which rows a virtual machine is on. Nearly always one; more while it moves, or when it is there twice. Kept in parts, so
 * that a copy of the index shares every part until one of the two writes to it: copying 200,000 entries would take longer
 * than a whole search.
 */

type Rows = number | readonly number[];

/** Entries of one part at 200,000 virtual machines: about 200, which take some microseconds to copy. */
const parts = 1024;

export class InstanceIndex {
  readonly #parts: (Map<string, Rows> | undefined)[];
  /** By part: whether it is this index's alone. */
  readonly #owned: Uint8Array;
  #size: number;

  constructor(like?: InstanceIndex) {
    this.#parts = like ? like.#parts.slice() : Array.from({ length: parts }, () => undefined);
    this.#owned = new Uint8Array(parts).fill(like ? 0 : 1);
    this.#size = like ? like.#size : 0;
    if (like) like.#owned.fill(0);
  }

  /** How many virtual machines are known. */
  get size(): number {
    return this.#size;
  }

  /** An index that starts as this one is. Neither sees what is written to the other. */
  fork(): InstanceIndex {
    return new InstanceIndex(this);
  }

  /** Rows that hold a virtual machine; none: not known. UUIDs compare as they are written. */
  rowsOf(uuid: string): readonly number[] {
    const rows = this.#parts[partOf(uuid)]?.get(uuid);
    if (rows === undefined) return [];
    return typeof rows === 'number' ? [rows] : rows;
  }

  /** How many of these virtual machines each row holds; one that is named twice counts once. */
  countsByRow(uuids: readonly string[]): Map<number, number> {
    const counts = new Map<number, number>();
    for (const uuid of new Set(uuids))
      for (const row of this.rowsOf(uuid)) counts.set(row, (counts.get(row) ?? 0) + 1);
    return counts;
  }

  add(uuid: string, row: number): void {
    const rows = this.rowsOf(uuid);
    if (!rows.includes(row)) this.#set(uuid, [...rows, row]);
  }

  remove(uuid: string, row: number): void {
    const rows = this.rowsOf(uuid);
    if (rows.includes(row))
      this.#set(
        uuid,
        rows.filter((other) => other !== row),
      );
  }

  #set(uuid: string, rows: readonly number[]): void {
    const part = this.#ownPart(partOf(uuid));
    this.#size -= part.size;
    if (rows.length === 0) part.delete(uuid);
    else part.set(uuid, rows.length === 1 ? (rows[0] as number) : rows);
    this.#size += part.size;
  }

  #ownPart(index: number): Map<string, Rows> {
    const part = this.#parts[index];
    if (part && this.#owned[index] === 1) return part;
    const own = new Map(part);
    this.#parts[index] = own;
    this.#owned[index] = 1;
    return own;
  }
}

/** FNV-1a over the whole text: names that people make up differ anywhere. */
function partOf(uuid: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < uuid.length; index++)
    hash = Math.imul(hash ^ uuid.charCodeAt(index), 0x01000193);
  return (hash ^ (hash >>> 15)) & (parts - 1);
}
