/**
 * Checks an LMDB file before it is mapped. LMDB trusts its file: a truncated or foreign one ends the process (SIGBUS or
 * SIGSEGV) and an empty one becomes a new, empty store. So every page that the newest meta page leads to is visited
 * here with plain reads. Layout: liblmdb/mdb.c (MDB_page_header, MDB_meta, MDB_db, MDB_node), data version 2 as the npm
 * package lmdb 3.5 builds it: 24-byte page header, 64-bit little-endian.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { DroverError } from '../../proto/wire/errors.js';

const headerBytes = 24;
const databaseBytes = 48;
const noPage = 0xffff_ffff_ffff_ffffn;
const flag = { branch: 0x01, leaf: 0x02, overflow: 0x04, meta: 0x08 } as const;
const nodeFlag = { bigData: 0x01, subDatabase: 0x02 } as const;

interface PageFile {
  readonly descriptor: number;
  readonly sizeBytes: number;
  readonly pageBytes: number;
  readonly lastPage: number;
  readonly seen: Set<number>;
}

/** Returns when every page in use is there and is what it should be. Errors: `storage-corrupt` naming file and cure. */
export function checkPages(file: string): void {
  const descriptor = openSync(file, 'r');
  try {
    checkFile(descriptor, fstatSync(descriptor).size);
  } catch (cause) {
    throw corrupt(file, cause instanceof Error ? cause.message : String(cause), cause);
  } finally {
    closeSync(descriptor);
  }
}

/** The error for a store file that cannot be used. */
export function corrupt(file: string, fault: string, cause?: unknown): DroverError {
  const cure = 'put the file back from a backup, or move it away to start with an empty store';
  return new DroverError('storage-corrupt', `${file}: ${fault}; ${cure}`, {
    field: 'store',
    value: file,
    cure,
    cause,
  });
}

function checkFile(descriptor: number, sizeBytes: number): void {
  if (sizeBytes === 0) throw new Error('the file is empty');
  const first = readMeta(descriptor, 0);
  const second = readMeta(descriptor, first.pageBytes);
  const meta = first.transaction >= second.transaction ? first : second;
  const file = {
    descriptor,
    sizeBytes,
    pageBytes: meta.pageBytes,
    lastPage: meta.lastPage,
    seen: new Set<number>(),
  };
  for (const database of [0, 1])
    checkTree(file, meta.bytes.readBigUInt64LE(headerBytes + 24 + database * databaseBytes + 40));
}

function readMeta(descriptor: number, at: number) {
  const bytes = Buffer.alloc(168);
  if (readSync(descriptor, bytes, 0, bytes.length, at) < bytes.length)
    throw new Error(`the file ends in the meta page at byte ${at}`);
  if (bytes.readUInt32LE(headerBytes) !== 0xbeef_c0de) throw new Error(`no LMDB meta page at byte ${at}`);
  if (bytes.readUInt32LE(headerBytes + 4) !== 2)
    throw new Error(`LMDB data version ${bytes.readUInt32LE(headerBytes + 4)}, want 2`);
  const pageBytes = bytes.readUInt32LE(headerBytes + 24);
  if (pageBytes < 512 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0)
    throw new Error(`page size ${pageBytes}`);
  return {
    bytes,
    pageBytes,
    lastPage: Number(bytes.readBigUInt64LE(144)),
    transaction: bytes.readBigUInt64LE(152),
  };
}

/** Visits a tree from its root. The stack holds at most one page's children for each level. */
function checkTree(file: PageFile, root: bigint): void {
  if (root === noPage) return;
  const waiting = [Number(root)];
  for (let number = waiting.pop(); number !== undefined; number = waiting.pop()) {
    const page = readPage(file, number);
    const kind = page.readUInt16LE(18) & (flag.branch | flag.leaf);
    if (kind !== flag.branch && kind !== flag.leaf)
      throw new Error(`page ${number} is neither branch nor leaf`);
    for (const node of nodes(page, number)) {
      if (kind === flag.branch) waiting.push(child(node));
      else checkLeafNode(file, node, waiting);
    }
  }
}

function readPage(file: PageFile, number: number, runPages = 1): Buffer {
  if (number < 2 || number > file.lastPage)
    throw new Error(`page ${number} is outside the pages in use (${file.lastPage})`);
  const end = (number + runPages) * file.pageBytes;
  if (end > file.sizeBytes)
    throw new Error(`page ${number} ends at byte ${end} and the file at ${file.sizeBytes}: it was cut short`);
  if (file.seen.has(number)) throw new Error(`page ${number} is used twice`);
  file.seen.add(number);
  const page = Buffer.alloc(file.pageBytes);
  readSync(file.descriptor, page, 0, page.length, number * file.pageBytes);
  if (page.readBigUInt64LE(0) !== BigInt(number))
    throw new Error(`page ${number} carries the number ${page.readBigUInt64LE(0)}`);
  return page;
}

function* nodes(page: Buffer, number: number): Generator<Buffer> {
  const lower = page.readUInt16LE(20);
  if (lower > page.length - headerBytes) throw new Error(`page ${number} has a bad node table`);
  for (let index = 0; index < lower >> 1; index++) {
    const at = headerBytes + page.readUInt16LE(headerBytes + index * 2);
    if (at < headerBytes + lower || at + 8 > page.length)
      throw new Error(`page ${number} has a node outside it`);
    yield page.subarray(at);
  }
}

function child(node: Buffer): number {
  return node.readUInt32LE(0) + node.readUInt16LE(4) * 2 ** 32;
}

function checkLeafNode(file: PageFile, node: Buffer, waiting: number[]): void {
  const flags = node.readUInt16LE(4);
  const data = node.subarray(8 + node.readUInt16LE(6));
  const length = node.readUInt32LE(0);
  if (flags & nodeFlag.bigData) checkOverflow(file, Number(data.readBigUInt64LE(0)), length);
  else if (length > data.length) throw new Error('a record runs out of its page');
  if (!(flags & nodeFlag.subDatabase)) return;
  const root = data.readBigUInt64LE(40);
  if (root !== noPage) waiting.push(Number(root));
}

function checkOverflow(file: PageFile, number: number, length: number): void {
  const page = readPage(file, number, Math.ceil((length + headerBytes) / file.pageBytes));
  if (!(page.readUInt16LE(18) & flag.overflow)) throw new Error(`page ${number} is no overflow page`);
}
