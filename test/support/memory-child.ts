/**
 * A program with memory of a chosen kind, for tests of the host's memory: `mergeable MIB` has the same pages twice and
 * tells KSM of them; `hugepages COUNT` touches huge pages of the default size. Says `ready`, then stands until it is ended.
 */
import koffi from 'koffi';

const library = koffi.load('libc.so.6');
const mmap = library.func('void *mmap(void *, size_t, int, int, int, int64_t)') as (
  ...args: unknown[]
) => bigint;
const madvise = library.func('int madvise(void *, size_t, int)') as (...args: unknown[]) => number;
const memcpy = library.func('void *memcpy(void *, void *, size_t)') as (...args: unknown[]) => bigint;

const pageBytes = 4096;
const hugePageBytes = 2 ** 21;
const readWrite = 3;
const privateAnonymous = 0x22;
const hugetlb = 0x40000;
const mergeable = 12;

/** Fresh memory. Errors: where the kernel has none of that kind. */
function map(bytes: number, flags: number): bigint {
  const address = mmap(null, bytes, readWrite, flags, -1, 0);
  if (address === 0n || address === 0xffff_ffff_ffff_ffffn) throw new Error(`no ${bytes} bytes`);
  return address;
}

/** Pages that differ from each other, and are the same in every region. */
function fillMergeable(mebibytes: number): void {
  const content = Buffer.alloc(mebibytes * 2 ** 20);
  for (let page = 0; page < content.length; page += pageBytes) content.writeUInt32LE(page + 1, page);
  for (let region = 0; region < 2; region++) {
    const address = map(content.length, privateAnonymous);
    if (madvise(address, content.length, mergeable) !== 0) throw new Error('this kernel has no KSM');
    memcpy(address, content, content.length);
  }
}

function touchHuge(count: number): void {
  const address = map(count * hugePageBytes, privateAnonymous | hugetlb);
  const mark = Buffer.from([1]);
  for (let page = 0; page < count; page++) memcpy(address + BigInt(page * hugePageBytes), mark, 1);
}

const [kind, size] = process.argv.slice(2);
if (kind === 'mergeable') fillMergeable(Number(size));
else touchHuge(Number(size));
process.stdout.write('ready\n');
setInterval(() => undefined, 60_000);
