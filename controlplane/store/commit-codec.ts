/** A commit as the bytes of one log entry: for each write u16 key length, key, i32 value length (-1: delete), value. */
import type { Commit, Write } from './store.js';

/** The bytes of a batch. Integers are big-endian. */
export function encodeWrites(writes: readonly Write[]): Buffer {
  let size = 0;
  for (const { key, value } of writes) size += headBytes + Buffer.byteLength(key) + (value?.byteLength ?? 0);
  const bytes = Buffer.allocUnsafe(size);
  let at = 0;
  for (const { key, value } of writes) {
    const nameBytes = bytes.write(key, at + headBytes);
    bytes.writeUInt16BE(nameBytes, at);
    bytes.writeInt32BE(value?.byteLength ?? -1, at + 2);
    at += headBytes + nameBytes;
    if (value) bytes.set(value, at);
    at += value?.byteLength ?? 0;
  }
  return bytes;
}

const headBytes = 6;

/** A commit from its bytes. Errors: a plain `RangeError` on bytes that no `encodeWrites` made. */
export function decodeCommit(revision: number, bytes: Buffer): Commit {
  const writes: Write[] = [];
  for (let at = 0; at < bytes.length;) {
    const keyEnd = at + 6 + bytes.readUInt16BE(at);
    const length = bytes.readInt32BE(at + 2);
    const end = keyEnd + Math.max(0, length);
    if (end > bytes.length) throw new RangeError(`commit ${revision} is cut short at byte ${at}`);
    const value = length < 0 ? undefined : Uint8Array.from(bytes.subarray(keyEnd, end));
    writes.push({ key: bytes.toString('utf8', at + 6, keyEnd), value });
    at = end;
  }
  return { revision, writes };
}
