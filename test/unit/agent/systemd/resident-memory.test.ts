import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { memoryGiver } from '../../../../agent/host/give-back.js';
import { HostRoot } from '../../../../agent/kernel/root.js';
import { cleanRanges } from '../../../../agent/systemd/memory-map.js';
import { giveBackMemory } from '../../../../agent/systemd/resident-memory.js';

interface Mapping {
  readonly path: string;
  readonly permissions?: string;
  readonly own?: Record<string, number>;
}

/** One mapping as /proc/PID/smaps prints it: 8 KiB at 0x400000, of which 4 KiB are mapped. */
function mapping({ path, permissions = 'r-xp', own = {} }: Mapping): string {
  const fields = { Rss: 4, Private_Dirty: 0, Anonymous: 0, Locked: 0, ...own };
  const lines = Object.entries(fields).map(([name, kib]) => `${name}: ${String(kib).padStart(20)} kB`);
  return [
    `00400000-00402000 ${permissions} 00000000 fe:00 260386    ${path}`,
    ...lines,
    'VmFlags: rd ex',
    '',
  ].join('\n');
}

t.test('only what is the file, byte for byte, is unmapped', async (t) => {
  const program = '/usr/bin/node';
  const cases: readonly (readonly [string, Mapping, number])[] = [
    ['its code', { path: program }, 1],
    ['its constants', { path: program, permissions: 'r--p' }, 1],
    ['relocated constants', { path: program, permissions: 'r--p', own: { Anonymous: 8 } }, 0],
    ['changed pages', { path: program, own: { Private_Dirty: 4 } }, 0],
    ['locked pages', { path: program, own: { Locked: 4 } }, 0],
    ['its data', { path: program, permissions: 'rw-p' }, 0],
    ['shared memory', { path: program, permissions: 'r--s' }, 0],
    ['another file', { path: '/usr/lib/libc.so.6' }, 0],
    ['a program that was replaced', { path: `${program} (deleted)` }, 0],
  ];
  for (const [name, one, count] of cases) {
    const text = mapping({ path: '/bin/other' }) + mapping(one) + mapping({ path: '' });
    const range = { start: 0x400000n, sizeBytes: 8192, residentBytes: 4096 };
    t.strictSame(cleanRanges(text, program), count === 0 ? [] : [range], name);
  }
  const without = mapping({ path: program }).replace(/^Anonymous.*\n/m, '');
  t.strictSame(cleanRanges(without, program), [], 'a kernel that does not say what is changed');
  t.strictSame(cleanRanges('', program), [], 'no smaps');
});

t.test('arenas are trimmed, ranges given up, and a refusal is not counted', async (t) => {
  const calls: unknown[] = [];
  const libc = (answer: number) => ({
    trim: (keepBytes: number) => calls.push(['trim', keepBytes]),
    advise: (...range: unknown[]) => (calls.push(range), answer),
  });
  const text = mapping({ path: '/p' });
  t.equal(giveBackMemory(text, '/p', libc(0)), 4096);
  t.equal(giveBackMemory(text, '/p', libc(-1)), 0, 'madvise refused');
  t.strictSame(calls.slice(0, 2), [
    ['trim', 0],
    [0x400000n, 8192, 4],
  ]);
});

t.test('a process gives back what its start needed and goes on', async (t) => {
  const own = (file: string) => fileURLToPath(new URL(`../../../../agent/${file}`, import.meta.url));
  const script = `
    import { readFileSync } from 'node:fs';
    import { giveBackStartMemory } from ${JSON.stringify(own('host/give-back.js'))};
    const resident = () => Number(/VmRSS:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]);
    const before = resident();
    const bytes = giveBackStartMemory(process.execPath);
    const after = resident();
    let stack = '';
    try { JSON.parse('{'); } catch (error) { stack = error.stack; }
    const sum = [...'drover'].map((c) => c.charCodeAt(0)).reduce((a, b) => a + b);
    console.log(JSON.stringify({ bytes, lessKib: before - after, sum, stack }));`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 30_000,
  });
  t.equal(status, 0, stderr);
  const { bytes, lessKib, sum, stack } = JSON.parse(stdout) as Record<string, number> & { stack: string };
  t.ok((bytes ?? 0) > 10 * 2 ** 20, `${bytes} bytes of node were mapped`);
  t.ok((lessKib ?? 0) > 10 * 1024, `${lessKib} KiB fewer are resident`);
  t.equal(sum, 658, 'code runs on');
  t.match(stack, /SyntaxError/, 'and errors have their stacks');
});

t.test('this process has what the rules above are about', async (t) => {
  const ranges = cleanRanges(readFileSync('/proc/self/smaps', 'utf8'), process.execPath);
  t.ok(
    ranges.some(({ residentBytes }) => residentBytes > 2 ** 20),
    'the program is mapped unchanged',
  );
});

t.test('garbage of the first two passes and of each twentieth after the first is collected', async (t) => {
  const collected: number[] = [];
  let pass = 1;
  const give = memoryGiver('/p', new HostRoot(t.testdir()), { gc: () => collected.push(pass) });
  for (; pass <= 41; pass++) give();
  t.strictSame(collected, [1, 2, 21, 41]);
});
