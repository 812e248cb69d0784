/** A child process of store.test.ts: commits in a loop and prints each revision once it is acknowledged. */
import { openLmdbStore } from '../../controlplane/store/lmdb.js';

const store = await openLmdbStore(process.argv[2] as string);
for (let revision = (await store.load()).revision; ;) {
  const value = Buffer.alloc(200 + (revision % 7) * 1000, revision % 251);
  revision = await store.commit(
    [
      { key: `k${revision + 1}`, value },
      { key: 'newest', value: Buffer.from(`${revision + 1}`) },
    ],
    revision,
  );
  process.stdout.write(`${revision}\n`);
}
