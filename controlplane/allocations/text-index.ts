/**
 * What is found by a text that it knows itself: a hash table that holds neither the texts nor an entry object. Values stand
 * one after the other as they come, and a table of numbers says where: what is put in is then written side by side, which the
 * processor's caches and the collector thank for. For 200,000 values it takes 4 MB where a `Map` takes 7, and as much again
 * in what it leaves behind while it grows.
 */

const firstSlots = 64;
/** Of 8 slots so many are in use at most; then the table is doubled. */
const mostOf8 = 6.5;
/** Of a slot: its low bits are the place of a value, from 1; those above are some of its hash. 0: nobody. */
const placeBits = 24;
const placeMask = 2 ** placeBits - 1;

export class TextIndex<Value extends object | string> {
  readonly #isOf: (value: Value, text: string) => boolean;
  /** By place, from 1. */
  readonly #values: (Value | undefined)[] = [undefined];
  #hashes = new Int32Array(firstSlots);
  /** Places that were given up. */
  readonly #free: number[] = [];
  /** A value is in the first free slot from its hash on. */
  #slots = new Int32Array(firstSlots);
  #size = 0;

  /** `isOf`: whether a value has a text. */
  constructor(isOf: (value: Value, text: string) => boolean) {
    this.#isOf = isOf;
  }

  get size(): number {
    return this.#size;
  }

  get(text: string): Value | undefined {
    return this.#valueIn(this.#slotOf(text, hashOf(text)));
  }

  #valueIn(slot: number): Value | undefined {
    return this.#values[(this.#slots[slot] as number) & placeMask];
  }

  /** Puts a value in, in the place of the one that has the text now. Errors: `RangeError` beyond 16,777,215 values. */
  set(text: string, value: Value): void {
    const hash = hashOf(text);
    const slot = this.#slotOf(text, hash);
    const known = (this.#slots[slot] as number) & placeMask;
    if (known !== 0) this.#values[known] = value;
    else this.#add(slot, hash, value);
  }

  #add(slot: number, hash: number, value: Value): void {
    const place = this.#free.pop() ?? this.#values.length;
    if (place > placeMask) throw new RangeError(`an index takes no more than ${placeMask} values`);
    this.#values[place] = value;
    if (place >= this.#hashes.length) this.#hashes = doubled(this.#hashes);
    this.#hashes[place] = hash;
    this.#slots[slot] = entry(place, hash);
    if (++this.#size * 8 > this.#slots.length * mostOf8) this.#grow();
  }

  /** Takes this very value out. False: it is not in. */
  remove(text: string, value: Value): boolean {
    let free = this.#slotOf(text, hashOf(text), value);
    const place = (this.#slots[free] as number) & placeMask;
    if (place === 0) return false;
    this.#values[place] = undefined;
    this.#free.push(place);
    this.#size--;
    const slots = this.#slots;
    const mask = slots.length - 1;
    slots[free] = 0;
    // Whoever was put further on because of it comes back.
    for (let slot = (free + 1) & mask; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const home = (this.#hashes[(slots[slot] as number) & placeMask] as number) & mask;
      if (((slot - home) & mask) < ((slot - free) & mask)) continue;
      slots[free] = slots[slot] as number;
      slots[slot] = 0;
      free = slot;
    }
    return true;
  }

  /** Every value, in no order. */
  *values(): IterableIterator<Value> {
    for (const value of this.#values) if (value !== undefined) yield value;
  }

  /** The slot of the value that has the text, or of this very value, or the free one where it would be. */
  #slotOf(text: string, hash: number, wanted?: Value): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    const above = entry(0, hash);
    let slot = hash & mask;
    for (let held = slots[slot] as number; held !== 0; held = slots[slot] as number) {
      if ((held & ~placeMask) === above && this.#isAt(held & placeMask, text, hash, wanted)) return slot;
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #isAt(place: number, text: string, hash: number, wanted: Value | undefined): boolean {
    if (this.#hashes[place] !== hash) return false;
    const value = this.#values[place] as Value;
    return wanted === undefined ? this.#isOf(value, text) : value === wanted;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    const mask = slots.length - 1;
    const values = this.#values;
    for (let place = 1; place < values.length; place++) {
      if (values[place] === undefined) continue;
      const hash = this.#hashes[place] as number;
      let slot = hash & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry(place, hash);
    }
    this.#slots = slots;
  }
}

/** What a slot holds of a value: where it is, and the bits of its hash that its slot says least of. */
function entry(place: number, hash: number): number {
  return (hash & ~placeMask) | place;
}

function doubled(numbers: Int32Array): Int32Array<ArrayBuffer> {
  const more = new Int32Array(numbers.length * 2);
  more.set(numbers);
  return more;
}

/** FNV-1a over the whole text, its high bits mixed into the low ones. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return Math.imul(hash ^ (hash >>> 15), 0x85ebca6b) ^ (hash >>> 13);
}
