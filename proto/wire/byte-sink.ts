/** Bytes of protobuf put one after the other into a buffer that grows: no object for each value, unlike protobufjs' Writer. */

/** Messages are put side by side into as much as this: one piece of memory for hundreds of them. */
const slabBytes = 64 * 1024;
/** Where less than this is left, the next message begins in another. */
const leastBytes = 1024;
/** Longer texts are faster by the engine's own encoder. */
const shortText = 64;

export class ByteSink {
  #buffer = Buffer.allocUnsafe(slabBytes);
  /** Where the message begins that is being put. */
  #start = 0;
  #at = 0;

  /** What was put since the last time; nothing is put there again. It keeps the memory of its neighbours, so it is not to be held for long. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(this.#start, this.#at);
    if (this.#at + leastBytes > this.#buffer.length || this.#buffer.length > slabBytes) {
      this.#buffer = Buffer.allocUnsafe(slabBytes);
      this.#at = 0;
    }
    this.#start = this.#at;
    return bytes;
  }

  /** A base-128 number (protobuf encoding guide, "Base 128 Varints"). Negative numbers take ten bytes, as int64 does. */
  varint(value: number): void {
    this.#room(10);
    if (value < 0) return this.#negative(value);
    let rest = value;
    while (rest >= 0x80000000) {
      this.#buffer[this.#at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 127) {
      this.#buffer[this.#at++] = (rest & 127) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#at++] = rest;
  }

  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) this.#buffer[this.#at++] = Number(rest & 127n) | 0x80;
    this.#buffer[this.#at++] = Number(rest);
  }

  double(value: number): void {
    this.#room(8);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  /** A text with its length before it. */
  text(value: string): void {
    if (value.length <= shortText && this.#ascii(value)) return;
    const bytes = Buffer.byteLength(value);
    this.varint(bytes);
    this.#room(bytes);
    this.#at += this.#buffer.write(value, this.#at);
  }

  /** A text under its tag; nothing for an empty one, which is the default. */
  fieldText(tag: number, value: string): void {
    if (value === '') return;
    this.varint(tag);
    this.text(value);
  }

  /** A whole number under its tag; nothing for 0, which is the default. */
  fieldVarint(tag: number, value: number): void {
    if (value === 0) return;
    this.varint(tag);
    this.varint(value);
  }

  /** False, and nothing put, where a character is not ASCII. */
  #ascii(value: string): boolean {
    this.#room(shortText + 1);
    const buffer = this.#buffer;
    let at = this.#at + 1;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code > 127) return false;
      buffer[at++] = code;
    }
    buffer[this.#at] = value.length;
    this.#at = at;
    return true;
  }

  /** Bytes with their length before them. */
  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.raw(value);
  }

  /** Bytes as they are. */
  raw(value: Uint8Array): void {
    this.#room(value.length);
    this.#buffer.set(value, this.#at);
    this.#at += value.length;
  }

  /** What `put` puts, with its length before it. One byte is kept for the length, and the rest moves where it takes more. */
  measured(put: () => void): void {
    this.#room(1);
    this.#at++;
    const before = this.#at - this.#start;
    put();
    const length = this.#at - this.#start - before;
    if (length > 127) return this.#lengthen(before, length);
    this.#buffer[this.#start + before - 1] = length;
  }

  #lengthen(before: number, length: number): void {
    const more = varintBytes(length) - 1;
    this.#room(more);
    const start = this.#start + before;
    this.#buffer.copyWithin(start + more, start, this.#at);
    this.#at = start - 1;
    this.varint(length);
    this.#at += length;
  }

  /** What was put of a message moves with it where there is no room left; those before it stay. */
  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const put = this.#at - this.#start;
    const larger = Buffer.allocUnsafe(Math.max(slabBytes, 2 * (put + bytes)));
    this.#buffer.copy(larger, 0, this.#start, this.#at);
    this.#buffer = larger;
    this.#start = 0;
    this.#at = put;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
