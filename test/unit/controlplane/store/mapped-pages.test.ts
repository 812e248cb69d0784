/** What was read of a mapped store is given back to the host, and read again when it is needed; so is what loading needed. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { collectLoaded } from '../../../../controlplane/store/collect-loaded.js';
import { openLmdbStore } from '../../../../controlplane/store/lmdb.js';
import { mappingsOf } from '../../../../controlplane/store/mapped-pages.js';

t.test('shared mappings of the very file', async (t) => {
  const maps = [
    '7f0000000000-7f0000400000 r--s 00000000 fe:00 4711                       /var/lib/drover/store/store.mdb',
    '7f0000400000-7f0000500000 r--p 00000000 fe:00 4711                       /var/lib/drover/store/store.mdb',
    '7f0000600000-7f0000602000 rw-s 00000000 fe:00 4712                       /var/lib/drover/store/store.mdb-lock',
    '7ffd1f3b0000-7ffd1f3d1000 rw-p 00000000 00:00 0                          [stack]',
    '',
  ].join('\n');
  t.same(mappingsOf('/var/lib/drover/store/store.mdb', maps), [
    { address: 0x7f0000000000, length: 0x400000 },
  ]);
  t.same(mappingsOf('', maps), []);
});

t.test(
  'a snapshot that is closed leaves no pages',
  { skip: process.platform !== 'linux' && 'no Linux' },
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'drover-pages-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const store = await openLmdbStore(folder);
    t.teardown(() => store.close());
    const value = Buffer.alloc(1_000_000, 1);
    for (let index = 0; index < 16; index++) await store.commit([{ key: `k${index}`, value }], index);
    const first = await store.load();
    t.equal([...first.under('')].length, 16);
    const read = residentKb(join(folder, 'store.mdb'));
    t.ok(read > 15_000, `${read} kB are mapped after reading`);
    first.close();
    const left = residentKb(join(folder, 'store.mdb'));
    t.ok(left < 1_000, `${left} kB are left`);
    const again = await store.load();
    t.ok(
      [...again.under('k')].every((record) => value.equals(record.value)),
      'and everything is there',
    );
    again.close();
  },
);

/** What of a file's mappings is in memory: Rss of proc(5), /proc/PID/smaps. */
function residentKb(file: string): number {
  const [, own = ''] = readFileSync('/proc/self/smaps', 'utf8').split(`${file}\n`);
  return Number(/^Rss: +(\d+) kB/m.exec(own)?.[1]);
}

t.test('what loading left behind is collected, with the flags that unit and program share', (t) => {
  const root = new URL('../../../../../', import.meta.url);
  let collections = 0;
  collectLoaded({ gc: () => void collections++ });
  t.equal(collections, 1);
  collectLoaded({});
  const flagsOf = (file: string): string[] =>
    /\bnode((?: --\S+)+)/
      .exec(readFileSync(new URL(file, root), 'utf8'))?.[1]
      ?.trim()
      .split(' ') ?? [];
  const flags = flagsOf('controlplane/bin.ts');
  t.ok(flags.includes('--expose-gc'), flags.join(' '));
  t.same(flagsOf('systemd/drover-controlplane.service'), flags);
  t.end();
});
