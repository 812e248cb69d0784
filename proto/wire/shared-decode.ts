/**
 * Messages whose parts repeat: a call that asks a hundred times for the same flavor brings the same bytes a hundred times. A
 * part whose bytes are those of the one before it is not decoded again; both are one object then, which nobody may change.
 */
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { protoRoot } from './load.js';

/** As the rest of the contract is read. */
const reading = { longs: Number, enums: String, defaults: true, oneofs: true } as const;

/**
 * What decodes a message of `drover.v1`, with the messages of the types `shared` within it decoded once where they repeat.
 * It answers what `codec` does. `file`: of the contract, such as `placement`. Errors: a plain `Error` for a name that the
 * file does not have; what it returns throws on bytes that are not such a message.
 */
export function sharedDecoder(
  file: string,
  name: string,
  shared: readonly string[],
): (bytes: Uint8Array) => unknown {
  const folder = protoRoot();
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => join(folder, target);
  root.loadSync(`drover/v1/${file}.proto`).resolveAll();
  const parts = shared.map((type) => new SharedPart(root.lookupType(`drover.v1.${type}`)));
  const whole = root.lookupType(`drover.v1.${name}`);
  return (bytes) => {
    try {
      return whole.toObject(whole.decode(bytes), reading);
    } finally {
      for (const part of parts) part.forget();
    }
  };
}

/** The last message of a type within one whole. What protobufjs generated calls the type's methods for each part. */
class SharedPart {
  #buffer: Uint8Array | undefined;
  #at = 0;
  #length = 0;
  #message: protobuf.Message | undefined;
  #object: { readonly [name: string]: unknown } | undefined;
  /** What `#object` was made of. */
  #made: protobuf.Message | undefined;

  constructor(type: protobuf.Type) {
    const { decode, toObject } = type.setup();
    type.decode = (...given: Parameters<typeof decode>) => {
      const [reader, length] = given;
      if (!(reader instanceof protobuf.Reader) || length === undefined) return decode.apply(type, given);
      if (this.#isNext(reader, length)) {
        reader.pos += length;
        return this.#message as protobuf.Message;
      }
      this.#buffer = reader.buf;
      this.#at = reader.pos;
      this.#length = length;
      return (this.#message = decode.apply(type, given));
    };
    type.toObject = (message, options) => {
      if (message !== this.#made || !this.#object) this.#object = toObject.call(type, message, options);
      this.#made = message;
      return this.#object;
    };
  }

  forget(): void {
    this.#buffer = undefined;
    this.#message = undefined;
    this.#made = undefined;
    this.#object = undefined;
  }

  /** Whether what comes next is what came last. */
  #isNext({ buf, pos, len }: protobuf.Reader, length: number): boolean {
    if (buf !== this.#buffer || length !== this.#length || pos + length > len) return false;
    for (let index = 0; index < length; index++) if (buf[pos + index] !== buf[this.#at + index]) return false;
    return this.#message !== undefined;
  }
}
