import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { mountedRoot, parseMountinfo, parseMounts, readMounts } from '../../../../agent/kernel/mounts.js';
import {
  allowedCpus,
  bootId,
  commandLine,
  readMeminfo,
  sharedVcpuThread,
  startTicks,
  threadsOf,
  vcpuThreads,
} from '../../../../agent/kernel/procfs.js';
import { HostRoot } from '../../../../agent/kernel/root.js';
import { incarnationRuns } from '../../../../agent/tuners/common/domain-knob.js';
import type { WithoutFiles } from '../../../support/out-of-files-child.js';
import { makeTree, under } from './tree.js';

const threads = (names: Record<string, string>) =>
  Object.fromEntries(Object.entries(names).map(([tid, name]) => [`task/${tid}/comm`, `${name}\n`]));

t.test('threads of a KVM guest', async (t) => {
  const names = {
    900: 'qemu-system-x86',
    1001: 'CPU 1/KVM',
    1000: 'CPU 0/KVM',
    1017: 'CPU 10/KVM',
    1020: 'worker',
  };
  const root = makeTree(t, {
    ...under('proc/900', threads(names)),
    'proc/900/task/1001/status':
      'Name:\tCPU 1/KVM\nCpus_allowed:\tff\nCpus_allowed_list:\t0-3,8\nMems_allowed_list:\t0\n',
  });
  t.same(threadsOf(root, 900)[0], { tid: 900, name: 'qemu-system-x86' });
  t.same(
    [...vcpuThreads(root, 900)],
    [
      [0, 1000],
      [1, 1001],
      [10, 1017],
    ],
  );
  t.equal(sharedVcpuThread(root, 900), undefined);
  t.same(allowedCpus(root, 900, 1001), [0, 1, 2, 3, 8]);
  t.equal(allowedCpus(root, 900, 1000), undefined, 'a thread without a status file is gone');
  t.same(threadsOf(root, 4), [], 'so is a process without threads');
});

t.test('threads of TCG guests', async (t) => {
  const root = makeTree(t, {
    ...under('proc/7', threads({ 7: 'qemu-system-arm', 8: 'CPU 0/TCG', 9: 'CPU 1/TCG' })),
    ...under('proc/17', threads({ 17: 'qemu-system-arm', 18: 'ALL CPUs/TCG' })),
  });
  t.same([...vcpuThreads(root, 7).keys()], [0, 1]);
  t.same([...vcpuThreads(root, 17)], [], 'one thread runs all: none is a vCPU of its own');
  t.equal(sharedVcpuThread(root, 17), 18);
});

t.test('start of a process', async (t) => {
  const fields = Array.from({ length: 49 }, (_, index) => `${index + 4}`);
  for (const name of ['qemu', 'a b', 'a) S 1 (b', ') (']) {
    const root = makeTree(t, { 'proc/5/stat': `5 (${name}) S ${fields.join(' ')}\n` });
    t.equal(startTicks(root, 5), 22, `field 22 after the name "${name}"`);
  }
  t.equal(startTicks(makeTree(t, { 'proc/5/stat': '5 (x) S 1' }), 5), undefined, 'a cut line has none');
  t.equal(startTicks(makeTree(t, {}), 5), undefined);
});

t.test('a process whose start cannot be read is not taken for ended', async (t) => {
  const stat = `7 (qemu) S ${Array.from({ length: 49 }, (_, index) => `${index + 4}`).join(' ')}`;
  const root = makeTree(t, { 'proc/7/stat': stat, 'proc/8/comm': 'qemu' });
  const cases: [incarnation: string, runs: boolean][] = [
    ['7-22', true],
    ['7-21', false],
    ['8-22', true],
    ['9-22', false],
    ['unknown', false],
  ];
  for (const [incarnation, runs] of cases) t.equal(incarnationRuns(root, { incarnation }), runs, incarnation);
  t.same(
    ['proc/9/stat', 'proc/7', 'proc/7/stat/x', 'a\0b', 'x'.repeat(300)].map((file) => root.read(file)),
    Array.from({ length: 5 }, () => undefined),
    'what tells of the file itself',
  );
  t.same([root.list('proc/9'), root.list('proc/7/stat')], [[], []]);
});

t.test('a process without a file descriptor left forgets and writes nothing', async (t) => {
  const child = fileURLToPath(new URL('../../../support/out-of-files-child.js', import.meta.url));
  const { stdout } = await promisify(execFile)('sh', [
    ...['-c', 'ulimit -n 200 && exec "$0" "$1"', process.execPath, child],
  ]);
  const seen = JSON.parse(stdout) as WithoutFiles;
  t.ok(seen.entriesBefore >= 2, `${seen.entriesBefore} entries`);
  t.equal(seen.entries, seen.entriesBefore, 'the ledger keeps them');
  t.equal(seen.running, seen.entriesBefore - 1, 'the domain counts as running');
  t.equal(seen.writes, 0);
  for (const answer of seen.answers) t.match(answer, /unavailable|EMFILE/);
  t.match(seen, { entriesAfter: 0, isRestored: true }, 'afterwards all is put back exactly');
});

t.test('memory, command line, boot id', async (t) => {
  const root = makeTree(t, {
    'proc/meminfo': 'MemTotal:       100 kB\nHugePages_Total:       7\nActive(anon):      3 kB\n',
    'sys/node0/meminfo': 'Node 0 MemTotal:       50 kB\nNode 0 HugePages_Free:     2\n',
    'proc/3/cmdline': 'qemu\0-name\0guest=a b\0',
    'proc/2/cmdline': '',
    'proc/sys/kernel/random/boot_id': '0f\n',
  });
  t.same(
    [...(readMeminfo(root) ?? [])],
    [
      ['MemTotal', 102_400],
      ['HugePages_Total', 7],
      ['Active(anon)', 3072],
    ],
  );
  t.same(readMeminfo(root, 'sys/node0/meminfo')?.get('MemTotal'), 51_200);
  t.equal(readMeminfo(root, 'absent'), undefined);
  t.same(commandLine(root, 3), ['qemu', '-name', 'guest=a b']);
  t.same(commandLine(root, 2), []);
  t.equal(commandLine(root, 1), undefined);
  t.equal(bootId(root), '0f');
});

t.test('mount tables', async (t) => {
  const table =
    'cgroup /run/a\\040b\\134c cgroup rw,cpu 0 0\nshort line\nnone /cg2 cgroup2 rw,nsdelegate 0 0\n';
  t.same(parseMounts(table), [
    { source: 'cgroup', directory: '/run/a b\\c', type: 'cgroup', options: ['rw', 'cpu'], fsRoot: '/' },
    { source: 'none', directory: '/cg2', type: 'cgroup2', options: ['rw', 'nsdelegate'], fsRoot: '/' },
  ]);
  const info = [
    '30 24 0:26 / /cg rw,nosuid shared:9 master:2 - cgroup2 cgroup2 rw,nsdelegate',
    '31 24 0:27 /machine\\040x /cg/cpu rw - cgroup cgroup rw,cpu',
    'nonsense',
  ].join('\n');
  t.same(
    parseMountinfo(info).map(({ directory, type, options, fsRoot }) => ({
      directory,
      type,
      options,
      fsRoot,
    })),
    [
      { directory: '/cg', type: 'cgroup2', options: ['rw', 'nosuid', 'rw', 'nsdelegate'], fsRoot: '/' },
      { directory: '/cg/cpu', type: 'cgroup', options: ['rw', 'rw', 'cpu'], fsRoot: '/machine x' },
    ],
  );
  t.equal(readMounts(makeTree(t, { 'proc/mounts': table }))?.length, 2);
  const onlyInfo = makeTree(t, { 'proc/self/mountinfo': info });
  t.equal(readMounts(onlyInfo)?.length, 2);
  t.equal(mountedRoot(onlyInfo, '/cg/cpu'), '/machine x');
  t.equal(mountedRoot(onlyInfo, '/elsewhere'), '/');
  t.equal(readMounts(makeTree(t, {})), undefined);
});

t.test('this process on this machine', async (t) => {
  const root = new HostRoot('/');
  t.ok(threadsOf(root, process.pid).some(({ tid }) => tid === process.pid));
  t.ok(allowedCpus(root, process.pid, process.pid)?.length, 'it may run somewhere');
  t.ok((startTicks(root, process.pid) ?? -1) >= (startTicks(root, 1) ?? 0), 'it began after process 1');
  t.equal(bootId(root), readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
});

const notRoot = process.getuid?.() !== 0 && 'needs root for a mount namespace';
t.test('a mount table with a line longer than half a page is read whole', { skip: notRoot }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-mounts-'));
  const long = join(directory, ...Array.from({ length: 13 }, () => 'a'.repeat(200)));
  const steps = [`mkdir -p ${long}`, `mount --bind ${long} ${long}`, 'echo ready', 'exec sleep 60'];
  const child = spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-ec', steps.join('; ')]);
  t.teardown(async () => {
    child.kill();
    await once(child, 'exit');
    rmSync(directory, { recursive: true });
  });
  await once(child.stdout, 'data');
  for (const name of ['mountinfo', 'mounts']) {
    const file = `proc/${child.pid}/${name}`;
    t.equal(new HostRoot('/').read(file), readFileSync(`/${file}`, 'utf8').trimEnd(), name);
  }
});
