/** What every implementation of Store must do. Each test file hands in how to open a fresh store with a log limit. */
import type { Test } from 'tap';
import { DroverError, type ErrorCode } from '../../../../proto/wire/errors.js';
import type { LogLimits } from '../../../../controlplane/store/limits.js';
import type { Commit, Store, Write } from '../../../../controlplane/store/store.js';
import { stored } from '../../../support/stored.js';

export const put = (key: string, text: string): Write => ({ key, value: Buffer.from(text) });
export const remove = (key: string): Write => ({ key, value: undefined });

/** Passes when `promise` fails with a DroverError of `code` whose message matches. */
export async function refused(
  t: Test,
  promise: Promise<unknown>,
  code: ErrorCode,
  pattern: RegExp = /./,
): Promise<void> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  t.ok(error instanceof DroverError, `refused with ${code}, got ${String(error)}`);
  t.equal((error as DroverError | undefined)?.code, code);
  t.match((error as DroverError | undefined)?.message, pattern);
}

async function contents(store: Store): Promise<Record<string, string>> {
  const { records } = await stored(store);
  return Object.fromEntries(records.map(({ key, value }) => [key, Buffer.from(value).toString()]));
}

/** Runs the suite. `openStore` answers an empty store; the suite closes it. */
export async function conformance(t: Test, openStore: (limits?: LogLimits) => Promise<Store>): Promise<void> {
  const scenario = (name: string, run: (t: Test, store: Store) => Promise<void>, limits?: LogLimits) =>
    t.test(name, async (t) => {
      const store = await openStore(limits);
      t.teardown(() => store.close());
      await run(t, store);
    });

  await scenario('puts, replaces and deletes; keys come back in byte order', async (t, store) => {
    t.same(await stored(store), { revision: 0, records: [] });
    t.equal(
      await store.commit([put('host/b', '1'), put('host/a', '2'), put('z', ''), put('host/ä', '3')], 0),
      1,
    );
    t.equal(await store.commit([put('host/b', '4'), remove('z'), remove('never')], 1), 2);
    t.same(
      (await stored(store)).records.map(({ key }) => key),
      ['host/a', 'host/b', 'host/ä'],
    );
    t.same(await contents(store), { 'host/a': '2', 'host/b': '4', 'host/ä': '3' });
    t.equal((await store.load()).revision, 2);
  });

  await scenario(
    'the last write of a key in a batch wins; an empty value is a value; a batch may be empty',
    async (t, store) => {
      await store.commit([put('a', '1'), remove('a'), put('a', '2'), put('e', '')], 0);
      t.same(await contents(store), { a: '2', e: '' });
      t.equal(await store.commit([], 1), 2);
    },
  );

  await scenario('a stale writer is refused and changes nothing', async (t, store) => {
    await store.commit([put('a', '1')], 0);
    await refused(t, store.commit([put('a', '2')], 0), 'stale-revision', /load the store again/);
    await refused(t, store.commit([put('a', '2')], 7), 'stale-revision');
    const race = await Promise.allSettled([
      store.commit([put('a', 'x')], 1),
      store.commit([put('a', 'y')], 1),
    ]);
    t.same(
      race.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    );
    t.same(await contents(store), { a: 'x' });
  });

  await scenario('bad batches are refused whole', async (t, store) => {
    const big = new Uint8Array(4 * 2 ** 20 + 1);
    await refused(t, store.commit([put('ok', '1'), put('', '1')], 0), 'invalid-argument', /key/);
    await refused(
      t,
      store.commit([put('ok', '1'), put('k'.repeat(513), '1')], 0),
      'invalid-argument',
      /512 bytes/,
    );
    await refused(t, store.commit([put('\ud800', '1')], 0), 'invalid-argument', /Unicode/);
    await refused(t, store.commit([{ key: 'big', value: big }], 0), 'invalid-argument', /value of big/);
    await refused(
      t,
      store.commit(
        Array.from({ length: 10_001 }, (_, i) => put(`k${i}`, '')),
        0,
      ),
      'resource-exhausted',
      /10001 writes/,
    );
    const many = Array.from({ length: 17 }, (_, i) => ({
      key: `k${i}`,
      value: big.subarray(0, 4 * 2 ** 20),
    }));
    await refused(t, store.commit(many, 0), 'resource-exhausted', /bytes/);
    t.same(await contents(store), {});
    const largest = { key: 'k'.repeat(512), value: big.subarray(1).fill(7) };
    await store.commit([largest], 0);
    t.ok(
      Buffer.from(largest.value).equals((await stored(store)).records[0]?.value ?? Buffer.alloc(0)),
      'the largest key and value fit',
    );
  });

  await scenario('what was handed in or out is not shared', async (t, store) => {
    const value = Buffer.from('before');
    const committed = store.commit([{ key: 'a', value }], 0);
    await committed;
    value.fill(0);
    (await stored(store)).records[0]?.value.fill(1);
    t.same(await contents(store), { a: 'before' });
  });

  await scenario('a snapshot is of one revision while commits go on', async (t, store) => {
    let revision = 0;
    const writing = (async () => {
      for (; revision < 40; revision++)
        await store.commit(
          ['a', 'b', 'c'].map((key) => put(key, `${revision + 1}`)),
          revision,
        );
    })();
    for (let at = 0; at < 40;) {
      const { revision: loaded, records } = await stored(store);
      t.same(
        new Set(records.map(({ value }) => Buffer.from(value).toString())),
        new Set(loaded ? [`${loaded}`] : []),
      );
      at = loaded;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await writing;
  });

  await scenario(
    'a snapshot is gone through by prefix, also while commits go on, until it is closed',
    async (t, store) => {
      const keys = ['a/1', 'a/2', 'a0', 'b/1', 'b/\u00e4', 'c'];
      await store.commit(
        keys.map((key) => put(key, 'old')),
        0,
      );
      const snapshot = await store.load();
      const under = (prefix: string): string[] =>
        [...snapshot.under(prefix)].map(({ key, value }) => `${key}=${Buffer.from(value).toString()}`);
      t.same(under('a/'), ['a/1=old', 'a/2=old']);
      const running = snapshot.under('')[Symbol.iterator]();
      t.equal(running.next().value?.key, 'a/1');
      await store.commit([...keys.map((key) => put(key, 'new')), remove('b/1'), put('b/2', 'new')], 1);
      t.equal(running.next().value?.key, 'a/2', 'one that is half through goes on');
      t.same([under('b/'), under('none')], [['b/1=old', 'b/\u00e4=old'], []]);
      t.equal(snapshot.revision, 1);
      snapshot.close();
      snapshot.close();
      t.throws(() => under('a/'), { code: 'failed-precondition', field: 'snapshot' });
      t.equal((await stored(store)).records.length, 6);
    },
  );

  await scenario('tail gives the past in order, then what comes', async (t, store) => {
    for (let i = 0; i < 3; i++) await store.commit([put('a', `${i}`), remove('gone')], i);
    const tail = store.tail(1);
    const second = await tail.next();
    t.same(
      second.value?.writes.map(({ key, value }: Write) => [key, value && Buffer.from(value).toString()]),
      [
        ['a', '1'],
        ['gone', undefined],
      ],
    );
    t.equal((await tail.next()).value?.revision, 3);
    const live = [tail.next(), tail.next()];
    await store.commit([put('b', '1')], 3);
    await store.commit([put('b', '2')], 4);
    t.same(
      (await Promise.all(live)).map(({ value }) => (value as Commit).revision),
      [4, 5],
    );
    const pending = tail.next();
    await tail.return?.();
    t.equal((await pending).done, true, 'return ends a next that waits');
    t.equal((await tail.next()).done, true);
  });

  await scenario(
    'the log has a limit by commits',
    async (t, store) => {
      for (let i = 0; i < 8; i++) await store.commit([put('a', `${i}`)], i);
      await refused(t, store.tail(2).next(), 'failed-precondition', /load the store again/);
      t.equal((await store.tail(3).next()).value?.revision, 4);
      await refused(t, store.tail(99).next(), 'failed-precondition');
    },
    { commits: 5, bytes: 1 << 20 },
  );

  await scenario(
    'the log has a limit by bytes, and keeps the newest commit',
    async (t, store) => {
      for (let i = 0; i < 3; i++) await store.commit([put('a', 'x'.repeat(600))], i);
      await store.commit([put('a', 'x'.repeat(2000))], 3);
      await refused(t, store.tail(2).next(), 'failed-precondition');
      t.equal((await store.tail(3).next()).value?.revision, 4);
    },
    { commits: 100, bytes: 1000 },
  );

  await scenario('a bounded number of tails; close ends them', async (t, store) => {
    const tails = Array.from({ length: 256 }, () => store.tail(0));
    t.throws(() => store.tail(0), { code: 'resource-exhausted' });
    await tails[0]?.return?.();
    const waiting = store.tail(0).next();
    await store.close();
    t.equal((await waiting).done, true);
    await refused(t, store.commit([], 0), 'failed-precondition', /closed/);
    await refused(t, store.load(), 'failed-precondition');
  });
}
