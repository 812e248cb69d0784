import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
  closeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { openLmdbStore } from '../../controlplane/store/lmdb.js';
import { put, refused } from '../unit/controlplane/store/conformance.js';
import { stored } from '../support/stored.js';

const folder = mkdtempSync(join(tmpdir(), 'drover-store-it-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const writer = fileURLToPath(new URL('store-writer.js', import.meta.url));

/** Starts a writer, waits until it has acknowledged `count` commits, and kills it; answers the newest acknowledged. */
async function killAfter(where: string, count: number): Promise<number> {
  const child = spawn(process.execPath, [writer, where], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  let lines = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk;
    lines += chunk.filter((byte) => byte === 10).length;
    if (lines >= count) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return Number(text.trim().split('\n').at(-1));
}

t.test('kill -9 loses no acknowledged commit', async (t) => {
  const where = join(folder, 'crash');
  for (let round = 0; round < 5; round++) {
    const acknowledged = await killAfter(where, 40 + round * 23);
    const store = await openLmdbStore(where);
    const { revision, records } = await stored(store);
    t.ok(acknowledged > 0 && revision >= acknowledged, `${revision} ≥ ${acknowledged}`);
    t.equal(records.length, revision + 1, 'every commit is whole');
    t.equal(Buffer.from(records.find(({ key }) => key === 'newest')?.value ?? []).toString(), `${revision}`);
    await store.close();
  }
});

t.test('a second opener is refused, in another process and in this one', async (t) => {
  const where = join(folder, 'locked');
  const store = await openLmdbStore(where);
  await refused(t, openLmdbStore(where), 'failed-precondition', /open in another process; stop the other/);
  t.throws(
    () => execFileSync(process.execPath, [writer, where], { timeout: 20_000, stdio: 'pipe' }),
    /open in another process/,
  );
  await store.close();
  await (await openLmdbStore(where)).close();
});

t.test('damaged and foreign files are errors, never a crash or an empty store', async (t) => {
  const whole = join(folder, 'whole');
  const store = await openLmdbStore(whole);
  for (let i = 0; i < 60; i++)
    await store.commit(
      Array.from({ length: 20 }, (_, j) => put(`host/${i}-${j}`, 'x'.repeat(i * 40))),
      i,
    );
  await store.close();
  const size = statSync(join(whole, 'store.mdb')).size;
  const damaged = (name: string, harm: (file: string) => void) =>
    t.test(name, async (t) => {
      const where = mkdtempSync(join(folder, 'damaged-'));
      cpSync(whole, where, { recursive: true });
      harm(join(where, 'store.mdb'));
      await refused(
        t,
        openLmdbStore(where),
        'storage-corrupt',
        /store\.mdb: .*put the file back from a backup/,
      );
    });
  for (const bytes of [
    0,
    100,
    4096,
    8192,
    12_288,
    Math.floor(size / 2 / 4096) * 4096,
    Math.floor(size * 0.7),
    size - 40_960,
  ]) {
    await damaged(`cut to ${bytes} of ${size} bytes`, (file) => truncateSync(file, bytes));
  }
  await damaged('random bytes', (file) => writeFileSync(file, Buffer.alloc(100_000, 'drover')));
  await damaged('a text file', (file) => copyFileSync(fileURLToPath(import.meta.url), file));
  await damaged('pages of zeros in the middle', (file) => {
    const descriptor = openSync(file, 'r+');
    writeSync(descriptor, Buffer.alloc(size - 40_960), 0, size - 40_960, 16_384);
    closeSync(descriptor);
  });
  const again = await openLmdbStore(whole);
  t.equal((await stored(again)).records.length, 1200, 'the undamaged one opens');
  await again.close();
});

t.test(
  'a full disk refuses commits, changes nothing, and the store goes on when there is room',
  process.getuid?.() === 0 ? {} : { skip: 'needs root to mount a small tmpfs' },
  async (t) => {
    const mount = join(folder, 'small');
    mkdirSync(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'drover-test', mount]);
    t.teardown(() => execFileSync('umount', ['-l', mount]));
    const store = await openLmdbStore(join(mount, 'store'));
    t.teardown(() => store.close());
    let revision = 0;
    const fill = async () => {
      for (; revision < 100; revision++)
        await store.commit([put(`k${revision}`, 'x'.repeat(50_000))], revision);
    };
    await refused(t, fill(), 'storage-failed', /make room on the disk/);
    const { revision: kept, records } = await stored(store);
    t.equal(kept, revision);
    t.equal(records.length, revision);
    await refused(t, store.commit([put('more', 'x'.repeat(500_000))], revision), 'storage-failed');
    execFileSync('mount', ['-o', 'remount,size=32m', mount]);
    t.equal(await store.commit([put('more', 'x'.repeat(500_000))], revision), revision + 1);
    await store.close();
    const again = await openLmdbStore(join(mount, 'store'));
    t.equal((await stored(again)).records.length, revision + 1, 'it is whole after reopening');
    await again.close();

    const full = join(mount, 'full');
    mkdirSync(full);
    execFileSync('sh', ['-c', `cat /dev/zero > ${full}/ballast 2>/dev/null || true`]);
    await refused(
      t,
      openLmdbStore(join(full, 'store')).then((opened) => opened.close()),
      'storage-failed',
      /./,
    );
  },
);

t.test('a newer format is refused by name', async (t) => {
  const source = readFileSync(
    fileURLToPath(new URL('../../controlplane/store/lmdb.js', import.meta.url)),
    'utf8',
  );
  t.match(source, /formatVersion = 1;/, 'change this test with the format');
  const where = join(folder, 'newer');
  await (await openLmdbStore(where)).close();
  const script = `const { open } = await import('lmdb'); const o = { encoding: 'binary', keyEncoding: 'binary' };
    const root = open({ path: process.argv[1], overlappingSync: false, noSubdir: true, ...o });
    await root.openDB({ name: 'meta', useVersions: true, ...o }).put(Buffer.from('format'), Buffer.alloc(1), 9); await root.close();`;
  execFileSync(process.execPath, ['--input-type=module', '-e', script, join(where, 'store.mdb')], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
  });
  await refused(t, openLmdbStore(where), 'failed-precondition', /format 9; this build reads 1/);
});
