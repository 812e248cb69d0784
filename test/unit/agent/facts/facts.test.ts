import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { driveType, parseSchedulers } from '../../../../agent/facts/block-devices.js';
import { rankBySpeed } from '../../../../agent/facts/cpu-kinds.js';
import { facts, gatherFacts, warningLimit } from '../../../../agent/facts/index.js';
import type { HandedIn } from '../../../../agent/facts/index.js';
import { readInventory } from '../../../../agent/facts/inventory.js';
import { HostRoot } from '../../../../agent/kernel/root.js';
import { parseCpuSet } from '../../../../proto/wire/cpu-set.js';
import { makeTree, under } from '../kernel/tree.js';
import type { TreeFiles } from '../kernel/tree.js';

const more: HandedIn = { versions: {}, services: {}, inventory: {}, diskTotalBytes: 0 };
const cpuAt = (cpu: number, files: TreeFiles) => under(`sys/devices/system/cpu/cpu${cpu}`, files);
const cpuFiles = (files: TreeFiles) => under('sys/devices/system/cpu', files);
const nodeFiles = (files: TreeFiles) => under('sys/devices/system/node', files);

t.test('two sockets with SMT, CPU 3 offline, core_id the same in both sockets', async (t) => {
  const root = makeTree(t, {
    ...cpuFiles({ online: '0-2\n', present: '0-3\n', offline: '3-63\n', isolated: '2\n' }),
    ...cpuAt(0, {
      'topology/core_id': '0',
      'topology/physical_package_id': '7',
      'topology/core_cpus_list': '0,2',
    }),
    ...cpuAt(1, {
      'topology/core_id': '0',
      'topology/physical_package_id': '9',
      'topology/thread_siblings': '0000000a',
    }),
    ...cpuAt(2, {
      'topology/core_id': '0',
      'topology/physical_package_id': '7',
      'topology/core_cpus_list': '0,2',
    }),
    'proc/cpuinfo': 'processor\t: 0\nmodel name\t: Xeon  X  @ 2GHz\nflags\t\t: fpu lm\n',
  });
  const { cpu, warnings } = gatherFacts(root, more);
  t.match(cpu, { online: '0-2', offline: '3', isolated: '2', sockets: 2, cores: 2, architecture: 'x86_64' });
  t.match(cpu, { threadsPerCoreMin: 1, threadsPerCoreMax: 2, modelName: 'Xeon  X  @ 2GHz' });
  t.same(cpu?.coreList, [
    { cpus: '0,2', socket: 7, efficiencyRank: 0 },
    { cpus: '1', socket: 9, efficiencyRank: 0 },
  ]);
  t.ok(warnings.some((warning) => warning.startsWith('proc/meminfo')));
});

t.test('what older kernels and odd machines leave out', async (t) => {
  const root = makeTree(t, {
    ...cpuAt(0, { 'topology/physical_package_id': '-1', 'topology/core_siblings': '5', online: '1' }),
    ...cpuAt(1, { 'topology/physical_package_id': '-1', 'topology/core_siblings': '2\0' }),
    ...cpuAt(2, { 'topology/physical_package_id': '-1', 'topology/core_siblings': '5' }),
    ...cpuAt(3, { 'topology/physical_package_id': '-1', online: '0' }),
    ...cpuAt(4, { online: '0' }),
    ...cpuFiles({ isolated: '(null)\n' }),
    'proc/cpuinfo': 'vendor_id       : IBM/S390\n',
  });
  const { cpu, warnings } = gatherFacts(root, more);
  t.match(cpu, {
    online: '0-2',
    offline: '3-4',
    sockets: 2,
    cores: 3,
    modelName: '',
    architecture: 's390x',
    isolated: '',
  });
  t.same(
    cpu?.coreList.map(({ socket }) => socket),
    [0, 1, 0],
  );
  t.ok(warnings.some((warning) => warning.includes('isolated: "(null)" is not a list')));
});

t.test('package ids that begin again in each book', async (t) => {
  const books = ['0-1', '2-3'].map((siblings, book) => {
    const topology = { 'topology/physical_package_id': '0', 'topology/core_siblings_list': siblings };
    return { ...cpuAt(book * 2, topology), ...cpuAt(book * 2 + 1, topology) };
  });
  const { cpu } = gatherFacts(makeTree(t, { ...books[0], ...books[1] }), more);
  t.same([cpu?.sockets, cpu?.coreList.map(({ socket }) => socket)], [2, [0, 0, 2, 2]]);
});

t.test('caches count once, however many CPUs share them', async (t) => {
  const cache = (level: number, type: string, size: string, shared: TreeFiles) => ({
    level: `${level}`,
    type,
    size,
    ...shared,
  });
  const ofCpu = (cpu: number): TreeFiles =>
    cpuAt(cpu, {
      'topology/physical_package_id': '0',
      ...under('cache/index0', cache(1, 'Data', '32K', { shared_cpu_list: `${cpu}` })),
      ...under('cache/index1', cache(1, 'Data', '32K', { shared_cpu_list: `${cpu}` })),
      ...under('cache/index2', cache(3, 'Unified', '30M', { shared_cpu_map: 'ff' })),
      ...under('cache/index3', { level: '4', type: 'Unified', shared_cpu_map: 'ff' }),
      'cache/uevent': '',
    });
  const { cpu } = gatherFacts(makeTree(t, { ...ofCpu(0), ...ofCpu(1) }), more);
  t.same(cpu?.caches, [
    { level: 1, type: 'data', sizeBytes: 32_768, instances: 2 },
    { level: 3, type: 'unified', sizeBytes: 30 * 2 ** 20, instances: 1 },
  ]);
});

t.test('kinds of core', async (t) => {
  const table: [string, number[], number[]][] = [
    ['all alike', [5, 5], [0, 0]],
    ['favoured cores are no kind', [3900, 5000, 5200], [0, 1, 1]],
    ['clusters of one kind', [718, 731, 997, 1017, 1024], [0, 0, 1, 1, 1]],
    ['three kinds', [4800, 2500, 3800], [2, 0, 1]],
    ['none', [], []],
  ];
  for (const [name, speeds, ranks] of table) t.same(rankBySpeed(speeds), ranks, name);
  const cores = { ...cpuAt(0, { 'topology/core_id': '0' }), ...cpuAt(1, { 'topology/core_id': '1' }) };
  const ranksOf = (files: TreeFiles) =>
    gatherFacts(makeTree(t, { ...cores, ...files }), more).cpu?.coreList.map(
      ({ efficiencyRank }) => efficiencyRank,
    );
  t.same(ranksOf({ 'sys/devices/cpu_core/cpus': '0', 'sys/devices/cpu_atom/cpus': '1' }), [1, 0]);
  t.same(ranksOf({ ...cpuAt(0, { cpu_capacity: '400' }), ...cpuAt(1, { cpu_capacity: '1024' }) }), [0, 1]);
  t.same(ranksOf(cpuAt(0, { cpu_capacity: '400' })), [0, 0], 'half a measure is none');
});

t.test('NUMA cells: holes, offline CPUs, no memory, a row that does not fit', async (t) => {
  const root = makeTree(t, {
    ...cpuFiles({ online: '0-1' }),
    ...nodeFiles({ online: '0,8\n', 'node3/cpulist': '9', has_cpu: '0' }),
    ...nodeFiles({
      'node0/cpulist': '0-87\n',
      'node0/meminfo': 'Node 0 MemTotal: 1024 kB\n',
      'node0/distance': '10 40\n',
    }),
    ...nodeFiles({ 'node8/cpumap': '00ffffff,00000000\n', 'node8/distance': '40\n' }),
    ...nodeFiles({
      'node0/hugepages/hugepages-2048kB/nr_hugepages': '7',
      'node0/hugepages/hugepages-2048kB/free_hugepages': '3',
    }),
  });
  const { numaCells, warnings } = gatherFacts(root, more);
  t.same(numaCells, [
    {
      id: 0,
      cpus: '0-1',
      memoryBytes: 2 ** 20,
      hugepages: [{ sizeBytes: 2 ** 21, total: 7, free: 3 }],
      distances: { 0: 10, 8: 40 },
    },
    { id: 8, cpus: '', memoryBytes: 0, hugepages: [], distances: {} },
  ]);
  t.ok(warnings.includes('sys/devices/system/node/node8/distance: 1 distances for 2 online cells'));
  t.ok(warnings.some((warning) => warning.startsWith('sys/devices/system/node/node8/meminfo')));
});

t.test('block devices', async (t) => {
  const disk = 'sys/devices/pci0/host0/block/sda';
  const root = makeTree(t, {
    'sys/block/sda': { link: '../devices/pci0/host0/block/sda' },
    ...under(disk, {
      size: '2048\n',
      dev: '8:0\n',
      removable: '0',
      'queue/rotational': '1',
      'queue/nr_requests': '256',
    }),
    ...under(disk, { 'queue/scheduler': 'none [mq-deadline] kyber\n', 'queue/logical_block_size': '4096' }),
    ...under(disk, { 'device/model': 'PERC 6/i        \n', 'sda10/partition': '10', 'sda10/size': '8' }),
    ...under(disk, { 'sda2/partition': '2', 'sda2/size': '16', 'sdax/size': '1' }),
    ...under('sys/block/loop0', { size: '0\n', dev: '7:0' }),
    ...under('sys/block/loop1', { size: '8\n', dev: '7:1', 'queue/scheduler': 'none' }),
    ...under('sys/block/zram0', { size: '0\n', dev: '252:0' }),
    ...under('sys/block/nvme0c0n1', { size: '8\n', hidden: '1' }),
    'run/udev/data/b8:0': 'S:x\nE:ID_VENDOR=DELL\nE:ID_MODEL=PERC_6_i\n',
  });
  const { blockDevices } = gatherFacts(root, more);
  t.same(
    blockDevices.map(({ name }) => name),
    ['loop1', 'sda', 'zram0'],
  );
  t.same(blockDevices[1], {
    ...{ name: 'sda', deviceNumber: '8:0', sizeBytes: 2 ** 20, rotational: true, removable: false },
    ...{ scheduler: 'mq-deadline', schedulers: ['none', 'mq-deadline', 'kyber'], queueRequests: 256 },
    ...{ model: 'PERC 6/i', vendor: 'DELL', partitions: ['sda2', 'sda10'], logicalBlockBytes: 4096 },
  });
  t.same(parseSchedulers('none'), { scheduler: 'none', schedulers: ['none'] });
  t.same(parseSchedulers(''), { scheduler: '', schedulers: [] });
  const types: [string, boolean, string][] = [
    ['sda', true, 'hdd'],
    ['sda', false, 'ssd'],
    ['sr0', true, 'odd'],
    ['sr0', false, 'odd'],
    ['fd0', true, 'fdd'],
    ['dm-0', true, 'unknown'],
    ['zram0', false, 'ssd'],
    ['nvme0n1', true, 'ssd'],
  ];
  for (const [name, rotational, type] of types)
    t.equal(driveType({ name, rotational }), type, `${name} ${rotational}`);
});

t.test('settings, versions, and what is handed in', async (t) => {
  const root = makeTree(t, {
    ...under('sys/kernel/mm/ksm', {
      run: '1\n',
      pages_to_scan: '100\n',
      pages_sharing: '77\n',
      full_scans: '3\n',
    }),
    ...under('sys/kernel/mm/transparent_hugepage', {
      enabled: 'always [madvise] never\n',
      hpage_pmd_size: '2097152\n',
    }),
    ...under('sys/kernel/mm/transparent_hugepage/khugepaged', { defrag: '1\n', full_scans: '9\n' }),
    ...under('sys/kernel/mm/hugepages', {
      'hugepages-1048576kB/nr_hugepages': '0',
      'hugepages-2048kB/nr_hugepages': '4',
    }),
    'proc/meminfo': 'MemTotal: 10 kB\nSwapTotal: 2 kB\n',
    'proc/version': 'Linux version 6.1.0-13-amd64 (builder) #1\n',
    'proc/self/mounts': 'none /cg cgroup2 rw 0 0\n',
    'dev/kvm': '',
  });
  const handed = {
    versions: { qemu: '7.2' },
    services: { a: 'active' },
    inventory: { model: 'x' },
    diskTotalBytes: 5,
  };
  const host = gatherFacts(root, handed);
  t.same(host.ksm, { run: '1', pages_to_scan: '100' }, 'counters are no facts');
  t.same(host.transparentHugepages, {
    enabled: 'madvise',
    hpage_pmd_size: '2097152',
    'khugepaged/defrag': '1',
  });
  t.same(
    host.hugepages.map(({ sizeBytes, total }) => [sizeBytes, total]),
    [
      [2 ** 21, 4],
      [2 ** 30, 0],
    ],
  );
  t.same(host.memory, { totalBytes: 10_240, swapTotalBytes: 2048 });
  t.same(host.versions, { kernel: '6.1.0-13-amd64', qemu: '7.2' });
  t.match(host, {
    virtualization: 'kvm',
    services: { a: 'active' },
    inventory: { model: 'x' },
    diskTotalBytes: 5,
  });
  t.equal(host.cgroup?.mode, 'v2');
  t.equal(gatherFacts(makeTree(t, {}), handed).virtualization, 'qemu');
  t.equal(gatherFacts(makeTree(t, {}), more).virtualization, 'none');
});

t.test('an empty tree and a broken one give warnings, not errors', async (t) => {
  const empty = gatherFacts(makeTree(t, {}), more);
  t.match(empty, {
    memory: null,
    cgroup: null,
    numaCells: [],
    blockDevices: [],
    cpu: { cores: 0, online: '' },
  });
  t.ok(empty.warnings.length >= 4);
  const bad = Object.fromEntries(Array.from({ length: 150 }, (_, id) => [`node${id}/cpulist`, 'x']));
  const { warnings } = gatherFacts(makeTree(t, nodeFiles(bad)), more);
  t.equal(warnings.length, warningLimit, 'the limit is reached and kept');
  t.match(warnings.at(-1), /^and \d+ more$/);
  const broken = new HostRoot('/');
  broken.list = () => {
    throw new Error('out of luck');
  };
  t.ok(
    gatherFacts(broken, more).warnings.some((warning) => warning.endsWith(': out of luck')),
    'one fact fails alone',
  );
});

t.test('128 CPUs', async (t) => {
  const files: TreeFiles = { ...cpuFiles({ online: '0-127', present: '0-127' }) };
  for (let cpu = 0; cpu < 128; cpu++) {
    Object.assign(
      files,
      cpuAt(cpu, { 'topology/physical_package_id': '0', 'topology/core_cpus_list': `${cpu}` }),
    );
    for (const [index, level] of [1, 1, 2, 3].entries()) {
      const shared_cpu_list = level === 3 ? '0-127' : `${cpu}`;
      const cache = {
        level: `${level}`,
        type: index === 0 ? 'Data' : 'Unified',
        size: '32K',
        shared_cpu_list,
        id: '0',
      };
      Object.assign(files, cpuAt(cpu, under(`cache/index${index}`, cache)));
    }
  }
  const root = makeTree(t, files);
  t.equal(gatherFacts(root, more).cpu?.cores, 128);
});

t.test('this machine', async (t) => {
  const run = (command: string, ...args: string[]) =>
    execFileSync(command, args, { encoding: 'utf8' }).trim();
  const memTotal = () => Number(/MemTotal:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1]) * 1024;
  const before = memTotal();
  const host = gatherFacts(new HostRoot('/'), more);
  const online = parseCpuSet(host.cpu?.online ?? '');
  t.equal(online.length, Number(run('getconf', '_NPROCESSORS_ONLN')));
  t.ok(Number(run('nproc')) <= online.length, 'nproc counts those that this process may use');
  t.equal(
    host.cpu?.coreList.flatMap(({ cpus }) => parseCpuSet(cpus)).length,
    online.length,
    'each CPU is in one core',
  );
  t.ok([before, memTotal()].includes(host.memory?.totalBytes ?? -1), 'a balloon may have moved once');
  t.equal(host.versions['kernel'], run('uname', '-r'));
  t.equal(host.cpu?.architecture, run('uname', '-m'));
  let lsblk: string[] = [];
  try {
    lsblk = run(
      'lsblk',
      '--bytes',
      '--nodeps',
      '--noheadings',
      '--raw',
      '--output',
      'NAME,MAJ:MIN,SIZE',
    ).split('\n');
  } catch {
    t.comment('no lsblk on this machine');
  }
  for (const [name, deviceNumber, size] of lsblk.map((line) => line.split(' '))) {
    if (size !== '0')
      t.match(
        host.blockDevices.find((each) => each.name === name),
        { deviceNumber, sizeBytes: Number(size) },
      );
  }
});

t.test('inventory', async (t) => {
  const silent = async () => ({ serial: '-', manufacturer: ' ' });
  const source = {
    system: async () => ({ manufacturer: 'Dell', serial: 's1', model: '' }),
    bios: silent,
    chassis: silent,
  };
  const never = () => new Promise(() => undefined);
  const late = await readInventory(20, { ...source, baseboard: never });
  t.same(late.inventory, { manufacturer: 'Dell', serial: 's1' });
  t.same(late.warnings, ['inventory baseboard: no answer in 20 ms']);
  const failing = await readInventory(1000, {
    ...source,
    baseboard: () => Promise.reject(new Error('no shell')),
  });
  t.same(failing.warnings, ['inventory baseboard: no shell']);
  const real = await readInventory();
  t.same(real.warnings, [], 'the package answers on this machine');
  t.ok(Object.values(real.inventory).every((value) => value !== ''));
});

t.test('every fact is in the list and on the reference page', async (t) => {
  const project = new URL('../../../../../', import.meta.url);
  const page = readFileSync(fileURLToPath(new URL('docs/reference/facts.md', project)), 'utf8');
  const sources = readdirSync(fileURLToPath(new URL('agent/facts/', project)));
  const declared = sources.flatMap((file) => {
    const text = readFileSync(fileURLToPath(new URL(`agent/facts/${file}`, project)), 'utf8');
    return [...text.matchAll(/: Fact = \{\n {2}name: '([a-z_]+)'/g)].map((match) => match[1]);
  });
  t.same(new Set(facts.map(({ name }) => name)), new Set(declared));
  t.equal(facts.length, declared.length);
  for (const field of Object.keys(gatherFacts(makeTree(t, {}), more))) {
    const name = field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    t.ok(
      page.includes(`\`${name}\``) || page.includes(`\`${name}.`),
      `docs/reference/facts.md has a row for ${name}`,
    );
  }
});
