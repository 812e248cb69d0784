import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { checkDumps } from '../../../../scripts/facts-check.js';
import { makeTree } from '../kernel/tree.js';
import type { TreeFiles } from '../kernel/tree.js';

/** Packs a dump as the captured ones are packed. */
function makeDump(
  t: { teardown(after: () => void): void },
  directory: string,
  files: TreeFiles,
  expected: object,
): void {
  mkdirSync(directory, { recursive: true });
  const tree = makeTree(t, files);
  execFileSync('tar', ['-czf', join(directory, 'tree.tar.gz'), '-C', tree.path, '.']);
  writeFileSync(join(directory, 'expected.json'), JSON.stringify(expected));
}

const host: TreeFiles = {
  'sys/devices/system/cpu/online': '0-1\n',
  'sys/devices/system/cpu/cpu0/topology/physical_package_id': '0\n',
  'sys/devices/system/cpu/cpu1/topology/physical_package_id': '0\n',
  'sys/devices/system/node/node0/cpulist': '0-1\n',
  'sys/devices/system/node/node0/distance': '10\n',
  'sys/block/sda/size': '2048\n',
  'sys/block/sda/queue/rotational': '1\n',
};

const right = {
  source: { repository: 'made up' },
  cpus_online: [0, 1],
  sockets: 1,
  cores: 2,
  threads_per_core: 1,
  siblings: [[0], [1]],
  numa_cells: [{ id: 0, cpus: [0, 1], distances: { '0': 10 } }],
  block_devices: [{ name: 'sda', size_bytes: 2 ** 20, drive_type: 'hdd', partitions: [], model: 'unseen' }],
};

t.test('a check that finds what is wrong', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-dumps-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const mounts = { 'proc/self/mounts': 'c /cg cgroup rw,cpu 0 0\n', 'proc/self/cgroup': '1:cpu:/a\n' };
  makeDump(t, join(directory, 'right'), host, right);
  makeDump(t, join(directory, 'layouts', 'v1'), mounts, {
    mode: 'v1',
    unified: null,
    controllers: { cpu: '/cg' },
    self: { cpu: '/a' },
  });
  const fine = await checkDumps(directory);
  t.match(fine, { machines: 1, agree: 1, layouts: 1, layoutsAgree: 1, disagree: [] });
  t.match(fine.untold, [{ machine: 'right', field: 'block_devices sda model' }]);

  makeDump(t, join(directory, 'wrong'), host, {
    ...right,
    cores: 1,
    numa_cells: [{ id: 4, memory_kib: 1 }],
    colour: 'red',
  });
  makeDump(t, join(directory, 'wrong-disk'), host, { block_devices: [{ name: 'sdb', size_kib: 1 }] });
  makeDump(t, join(directory, 'broken'), host, right);
  writeFileSync(join(directory, 'broken', 'tree.tar.gz'), 'no archive');
  const found = await checkDumps(directory);
  t.match(found, { machines: 4, agree: 1, layouts: 1, layoutsAgree: 1 });
  t.same(
    found.disagree.map(({ machine, field }) => `${machine}: ${field}`),
    [
      'broken: tree',
      'wrong: cores',
      'wrong: numa_cells ids',
      'wrong: numa_cells 4 memory_kib',
      'wrong: colour',
      'wrong-disk: block_devices others',
      'wrong-disk: block_devices sdb size_kib',
    ],
  );
});

// Some 30,000 small files are made and removed: 3 s in memory, up to 35 s on a disk that other tests use too.
t.setTimeout(120_000);

const shared =
  process.env['DROVER_SHARED'] ?? fileURLToPath(new URL('../../../../../../shared', import.meta.url));
const dumps = join(shared, 'host-dumps');
const skip = !existsSync(dumps) && `no captured hosts at ${dumps} (DROVER_SHARED names the folder above)`;

t.test('every captured host', { skip }, async (t) => {
  const report = await checkDumps(dumps);
  t.same(report.disagree, []);
  t.ok(
    report.machines >= 19 && report.agree === report.machines,
    `${report.agree} of ${report.machines} hosts`,
  );
  t.ok(
    report.layouts >= 5 && report.layoutsAgree === report.layouts,
    `${report.layoutsAgree} of ${report.layouts} layouts`,
  );
  t.ok(report.checks >= 500, `${report.checks} fields`);
});
