import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Writer } from '../../../../controlplane/store/group-commit.js';
import { openLmdbStore } from '../../../../controlplane/store/lmdb.js';
import { MemoryStore } from '../../../../controlplane/store/memory.js';
import type { Commit, Store, Write } from '../../../../controlplane/store/store.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { conformance, put, refused } from './conformance.js';
import { stored } from '../../../support/stored.js';

const folder = mkdtempSync(join(tmpdir(), 'drover-store-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

t.test('memory', (t) => conformance(t, async (limits) => new MemoryStore(limits)));

t.test('lmdb', async (t) => {
  let count = 0;
  await conformance(t, (limits) => openLmdbStore(join(folder, `conformance-${count++}`), limits));
});

t.test('lmdb keeps records, revision and log over a restart', async (t) => {
  const where = join(folder, 'restart');
  const before = await openLmdbStore(where, { commits: 3, bytes: 1 << 20 });
  for (let i = 0; i < 6; i++) await before.commit([put(`k${i}`, `${i}`)], i);
  await before.close();
  const after = await openLmdbStore(where, { commits: 3, bytes: 1 << 20 });
  t.teardown(() => after.close());
  const snapshot = await stored(after);
  t.equal(snapshot.revision, 6);
  t.equal(snapshot.records.length, 6);
  await refused(t, after.tail(2).next(), 'failed-precondition');
  t.equal((await after.tail(3).next()).value?.revision, 4);
  t.equal(await after.commit([put('k', '')], 6), 7);
  await refused(t, after.tail(3).next(), 'failed-precondition');
});

/** A store whose commits wait until the test lets them go, and that records its batches. */
function gated() {
  const inner = new MemoryStore();
  const batches: string[][] = [];
  const gates: (() => void)[] = [];
  const store: Store = {
    load: () => inner.load(),
    tail: (revision: number): AsyncIterableIterator<Commit> => inner.tail(revision),
    close: () => inner.close(),
    async commit(writes: readonly Write[], expected: number) {
      batches.push(writes.map(({ key }) => key));
      await new Promise<void>((resolve) => gates.push(resolve));
      return inner.commit(writes, expected);
    },
  };
  const release = async () => {
    while (gates.length === 0) await new Promise((resolve) => setImmediate(resolve));
    gates.shift()?.();
  };
  return { inner, store, batches, release };
}

t.test('writer: what arrives during a commit goes together, in order', async (t) => {
  const { store, batches, release } = gated();
  const writer = new Writer(store, 0);
  const first = writer.submit([put('a', '1')]);
  await new Promise((resolve) => setImmediate(resolve));
  const rest = ['b', 'c', 'd'].map((key) => writer.submit([put(key, '1'), put('last', key)]));
  await release();
  t.equal(await first, 1);
  await release();
  t.same(await Promise.all(rest), [2, 2, 2]);
  t.same(batches, [['a'], ['b', 'last', 'c', 'last', 'd', 'last']]);
  t.equal(writer.revision, 2);
  t.equal(
    Buffer.from((await stored(store)).records.find(({ key }) => key === 'last')?.value ?? []).toString(),
    'd',
  );
});

t.test('writer: the queue is bounded by submissions and by bytes; it recovers', async (t) => {
  const { store, release } = gated();
  const writer = new Writer(store, 0, { submissions: 2, bytes: 100 });
  const first = writer.submit([put('a', '')]);
  await new Promise((resolve) => setImmediate(resolve));
  await refused(
    t,
    writer.submit([put('big', 'x'.repeat(100))]),
    'resource-exhausted',
    /queue of the store is full/,
  );
  const waiting = [writer.submit([put('b', '')]), writer.submit([put('c', '')])];
  await refused(t, writer.submit([put('d', '')]), 'resource-exhausted', /2 submissions/);
  await refused(t, writer.submit([put('', '')]), 'invalid-argument');
  await release();
  await release();
  await Promise.all([first, ...waiting]);
  const later = writer.submit([put('d', '')]);
  await release();
  t.equal(await later, 3);
});

t.test('writer: batches are split at the limits of the store', async (t) => {
  const { store, batches, release } = gated();
  const writer = new Writer(store, 0);
  const blocks = Array.from({ length: 3 }, (_, block) =>
    writer.submit(Array.from({ length: 4_000 }, (_, i) => put(`${block}/${i}`, ''))),
  );
  await release();
  await release();
  t.same(await Promise.all(blocks), [1, 1, 2]);
  t.same(
    batches.map(({ length }) => length),
    [8_000, 4_000],
  );
});

t.test('writer: fenced for good when another writer was first', async (t) => {
  const { inner, store, release } = gated();
  const fatal: string[] = [];
  const writer = new Writer(store, 0, undefined, ({ code }) => fatal.push(code));
  const first = writer.submit([put('a', 'old')]);
  await new Promise((resolve) => setImmediate(resolve));
  const second = writer.submit([put('b', 'old')]);
  await inner.commit([put('a', 'new')], 0);
  await release();
  await Promise.all([first, second].map((promise) => refused(t, promise, 'stale-revision')));
  await refused(t, writer.submit([put('c', 'old')]), 'stale-revision');
  t.same(fatal, ['stale-revision'], 'told once');
  t.same(
    (await stored(inner)).records.map(({ key, value }) => [key, Buffer.from(value).toString()]),
    [['a', 'new']],
  );
});

t.test('writer: a store that failed half-way is fatal, a full disk is not', async (t) => {
  for (const failed of [false, true]) {
    const inner = new MemoryStore();
    const full = new DroverError('storage-failed', 'disk full');
    const store: Store = {
      load: () => inner.load(),
      commit: () => Promise.reject(full),
      tail: (revision) => inner.tail(revision),
      close: () => inner.close(),
      failed,
    };
    const fatal: DroverError[] = [];
    const writer = new Writer(store, 0, undefined, (error) => fatal.push(error));
    for (let n = 0; n < 2; n++) await refused(t, writer.submit([put('a', '')]), 'storage-failed');
    t.same(fatal, failed ? [full] : []);
  }
});
