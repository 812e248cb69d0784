/** Bytes of protobuf put one after the other into a buffer that grows: no object for each value, unlike protobufjs' Writer. */

const firstBytes = 16 * 1024;
/** Longer texts are faster by the engine's own encoder. */
const shortText = 64;

export class ByteSink {
  #buffer = Buffer.allocUnsafe(firstBytes);
  #at = 0;

  /** A copy of what was put, and the sink empty again. */
  take(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#at);
    this.#buffer.copy(bytes, 0, 0, this.#at);
    this.#at = 0;
    if (this.#buffer.length > 64 * firstBytes) this.#buffer = Buffer.allocUnsafe(firstBytes);
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
    const start = ++this.#at;
    put();
    const length = this.#at - start;
    if (length < 128) {
      this.#buffer[start - 1] = length;
      return;
    }
    const more = varintBytes(length) - 1;
    this.#room(more);
    this.#buffer.copyWithin(start + more, start, this.#at);
    this.#at = start - 1;
    this.varint(length);
    this.#at += length;
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.#buffer.length, this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
