import { spawn } from 'node:child_process';
import { accessSync, constants, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { blockDevices } from '../../../../agent/facts/block-devices.js';
import { readBlockLimits, readBlockTraffic } from '../../../../agent/kernel/cgroup-block.js';
import {
  cpuShares,
  readCpuBandwidth,
  readCpuShares,
  readCpuThrottling,
} from '../../../../agent/kernel/cgroup-cpu.js';
import {
  controllerVersion,
  domainGroup,
  emulatorGroup,
  groupsOf,
  readCgroupLayout,
  vcpuGroup,
} from '../../../../agent/kernel/cgroup.js';
import { HostRoot } from '../../../../agent/kernel/root.js';
import { makeTree, under } from './tree.js';
import type { TreeFiles } from './tree.js';

const v1Mounts = [
  'tmpfs /odd\\040place tmpfs rw 0 0',
  'cgroup /odd\\040place/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0',
  'cgroup /odd\\040place/blkio cgroup rw,blkio 0 0',
  'cgroup /old/cpuset cgroup rw,cpuset 0 0',
  'cgroup /new/cpuset cgroup rw,noprefix,cpuset,release_agent=/x 0 0',
  'cgroup /odd\\040place/systemd cgroup rw,xattr,name=systemd 0 0',
].join('\n');

t.test('layouts', async (t) => {
  const v1 = readCgroupLayout(makeTree(t, { 'proc/self/mounts': v1Mounts }));
  t.same(v1, {
    mode: 'v1',
    controllers: {
      cpu: '/odd place/cpu,cpuacct',
      cpuacct: '/odd place/cpu,cpuacct',
      blkio: '/odd place/blkio',
      cpuset: '/new/cpuset',
      'name=systemd': '/odd place/systemd',
    },
    unified: '',
    unifiedControllers: [],
  });
  const v2Line = 'none /two/cg cgroup2 rw,nsdelegate 0 0\n';
  const v2Files = { 'two/cg/cgroup.controllers': 'cpuset cpu io memory\n' };
  const v2 = readCgroupLayout(makeTree(t, { 'proc/mounts': v2Line, ...v2Files }));
  t.match(v2, {
    mode: 'v2',
    controllers: {},
    unified: '/two/cg',
    unifiedControllers: ['cpuset', 'cpu', 'io', 'memory'],
  });
  const hybrid = readCgroupLayout(makeTree(t, { 'proc/self/mounts': `${v1Mounts}\n${v2Line}`, ...v2Files }));
  t.equal(hybrid.mode, 'hybrid');
  t.match(readCgroupLayout(makeTree(t, { 'proc/self/mounts': 'proc /proc proc rw 0 0\n' })), {
    mode: 'none',
    unified: '',
  });
  t.equal(readCgroupLayout(makeTree(t, {})).mode, 'none');
  const future = {
    'proc/self/mounts': 'c /cg/dmem cgroup rw,dmem 0 0',
    'proc/cgroups': '#subsys_name\tx\ndmem\t1\t1\t1\n',
  };
  t.same(
    readCgroupLayout(makeTree(t, future)).controllers,
    { dmem: '/cg/dmem' },
    'the kernel names controllers too',
  );

  t.same(
    [v1, v2, hybrid].map((layout) => controllerVersion(layout, 'blkio')),
    [1, 2, 1],
  );
  t.same(
    [v1, v2, hybrid].map((layout) => controllerVersion(layout, 'memory')),
    [undefined, 2, 2],
  );
});

/** A libvirt layout: groups of the QEMU process, the directories there are, and which group each question gives. */
const places: {
  name: string;
  groups: string;
  directories: string[];
  cpu: string | undefined;
  blkio: string | undefined;
  vcpu1: string | undefined;
}[] = [
  {
    name: 'systemd, libvirt 7.1 and later',
    groups: [
      '5:cpu,cpuacct:/machine.slice/machine-qemu\\x2d1\\x2da.scope/libvirt/emulator',
      '4:blkio:/machine.slice/machine-qemu\\x2d1\\x2da.scope/libvirt',
    ].join('\n'),
    directories: [
      'odd place/cpu,cpuacct/machine.slice/machine-qemu\\x2d1\\x2da.scope/libvirt/emulator',
      'odd place/cpu,cpuacct/machine.slice/machine-qemu\\x2d1\\x2da.scope/libvirt/vcpu1',
      'odd place/blkio/machine.slice/machine-qemu\\x2d1\\x2da.scope/libvirt',
    ],
    cpu: '/odd place/cpu,cpuacct/machine.slice/machine-qemu\\x2d1\\x2da.scope',
    blkio: '/odd place/blkio/machine.slice/machine-qemu\\x2d1\\x2da.scope/libvirt',
    vcpu1: '/odd place/cpu,cpuacct/machine.slice/machine-qemu\\x2d1\\x2da.scope/libvirt/vcpu1',
  },
  {
    name: 'systemd, libvirt before 7.1',
    groups: '5:cpu,cpuacct:/machine.slice/m.scope/emulator\n4:blkio:/machine.slice/m.scope',
    directories: [
      'odd place/cpu,cpuacct/machine.slice/m.scope/vcpu1',
      'odd place/blkio/machine.slice/m.scope',
    ],
    cpu: '/odd place/cpu,cpuacct/machine.slice/m.scope',
    blkio: '/odd place/blkio/machine.slice/m.scope',
    vcpu1: '/odd place/cpu,cpuacct/machine.slice/m.scope/vcpu1',
  },
  {
    name: 'without systemd',
    groups: '5:cpu,cpuacct:/machine/qemu-1-a.libvirt-qemu/emulator\n4:blkio:/machine/qemu-1-a.libvirt-qemu',
    directories: [
      'odd place/cpu,cpuacct/machine/qemu-1-a.libvirt-qemu/vcpu1',
      'odd place/blkio/machine/qemu-1-a.libvirt-qemu',
    ],
    cpu: '/odd place/cpu,cpuacct/machine/qemu-1-a.libvirt-qemu',
    blkio: '/odd place/blkio/machine/qemu-1-a.libvirt-qemu',
    vcpu1: '/odd place/cpu,cpuacct/machine/qemu-1-a.libvirt-qemu/vcpu1',
  },
  {
    name: 'a QEMU that nobody put in a group',
    groups: '5:cpu,cpuacct:/\n4:blkio:/',
    directories: ['odd place/cpu,cpuacct', 'odd place/blkio'],
    ...{ cpu: undefined, blkio: undefined, vcpu1: undefined },
  },
  {
    name: 'a group that is gone',
    groups: '5:cpu,cpuacct:/machine/x.libvirt-qemu/emulator\n4:blkio:/machine/x.libvirt-qemu',
    directories: ['odd place/cpu,cpuacct'],
    ...{ cpu: undefined, blkio: undefined, vcpu1: undefined },
  },
];

t.test('where a domain stands, version 1', async (t) => {
  for (const { name, groups, directories, cpu, blkio, vcpu1 } of places) {
    const files: TreeFiles = Object.fromEntries(directories.map((directory) => [`${directory}/tasks`, '']));
    const root = makeTree(t, { 'proc/self/mounts': v1Mounts, 'proc/42/cgroup': `${groups}\n`, ...files });
    const layout = readCgroupLayout(root);
    t.equal(domainGroup(root, layout, 42, 'cpu'), cpu, `${name}: shares`);
    t.equal(domainGroup(root, layout, 42, 'blkio'), blkio, `${name}: block limits`);
    t.equal(vcpuGroup(root, layout, 42, 1), vcpu1, `${name}: vCPU 1`);
    t.equal(vcpuGroup(root, layout, 42, 7), undefined, `${name}: no vCPU 7`);
    t.equal(domainGroup(root, layout, 42, 'memory'), undefined, `${name}: memory is not mounted`);
    t.equal(domainGroup(root, layout, 43, 'cpu'), undefined, `${name}: no such process`);
  }
});

t.test('where a domain stands, version 2', async (t) => {
  const scope = 'two/cg/machine.slice/machine-qemu\\x2d3\\x2da.scope';
  const root = makeTree(t, {
    'proc/self/mounts': 'none /two/cg cgroup2 rw 0 0\n',
    'two/cg/cgroup.controllers': 'cpu io\n',
    'proc/42/cgroup': '0::/machine.slice/machine-qemu\\x2d3\\x2da.scope/libvirt/emulator\n',
    ...under(scope, { 'libvirt/emulator/cgroup.threads': '', 'libvirt/vcpu0/cpu.max': 'max 100000\n' }),
  });
  const layout = readCgroupLayout(root);
  t.equal(domainGroup(root, layout, 42, 'cpu'), `/${scope}`);
  t.equal(domainGroup(root, layout, 42, 'blkio'), `/${scope}/libvirt`);
  t.equal(vcpuGroup(root, layout, 42, 0), `/${scope}/libvirt/vcpu0`);
  t.equal(emulatorGroup(root, layout, 42), `/${scope}/libvirt/emulator`);
  t.same(
    [...(groupsOf(root, 42) ?? [])].map(([name]) => name),
    ['unified'],
  );
});

t.test('a mount that begins below the root of its hierarchy, as in a container', async (t) => {
  const root = makeTree(t, {
    'proc/self/mounts': 'cgroup /cg/cpu cgroup rw,cpu 0 0\n',
    'proc/self/mountinfo': '31 24 0:27 /box/one /cg/cpu rw - cgroup cgroup rw,cpu\n',
    'proc/42/cgroup': '3:cpu:/box/one/machine/a.libvirt-qemu/emulator\n',
    'proc/43/cgroup': '3:cpu:/box/onemore/machine/a.libvirt-qemu\n',
    'cg/cpu/machine/a.libvirt-qemu/emulator/tasks': '',
  });
  const layout = readCgroupLayout(root);
  t.equal(domainGroup(root, layout, 42, 'cpu'), '/cg/cpu/machine/a.libvirt-qemu');
  t.equal(domainGroup(root, layout, 43, 'cpu'), undefined, 'a process of another box');
});

t.test('CPU limits', async (t) => {
  const root = makeTree(t, {
    ...under('one', { 'cpu.cfs_period_us': '100000\n', 'cpu.cfs_quota_us': '-1\n', 'cpu.shares': '1024\n' }),
    'one/cpu.stat': 'nr_periods 9\nnr_throttled 4\nthrottled_time 2500000\n',
    ...under('one-limited', { 'cpu.cfs_period_us': '50000\n', 'cpu.cfs_quota_us': '25000\n' }),
    ...under('two', { 'cpu.max': 'max 100000\n', 'cpu.weight': '2048\n' }),
    'two/cpu.stat': 'usage_usec 100\nnr_periods 8\nnr_throttled 3\nthrottled_usec 77\n',
    'two-limited/cpu.max': '20000 100000\n',
    'two-limited/cpu.stat': 'usage_usec 100\n',
  });
  t.same(readCpuBandwidth(root, 'one', 1), { periodUs: 100_000, quotaUs: -1 });
  t.same(readCpuBandwidth(root, 'one-limited', 1), { periodUs: 50_000, quotaUs: 25_000 });
  t.same(readCpuBandwidth(root, 'two', 2), { periodUs: 100_000, quotaUs: -1 });
  t.same(readCpuBandwidth(root, 'two-limited', 2), { periodUs: 100_000, quotaUs: 20_000 });
  t.equal(readCpuBandwidth(root, 'two', 1), undefined, 'absent');
  t.equal(readCpuBandwidth(root, 'one', 2), undefined, 'absent');
  t.equal(readCpuShares(root, 'one', 1), 1024);
  t.equal(readCpuShares(root, 'two', 2), 2048, 'as libvirt wrote it, not translated');
  t.equal(readCpuShares(root, 'one', 2), undefined);
  t.ok(cpuShares[2].maximum < cpuShares[1].maximum);
  t.same(readCpuThrottling(root, 'one', 1), { periods: 9, throttledCount: 4, throttledUs: 2500 });
  t.same(readCpuThrottling(root, 'two', 2), { periods: 8, throttledCount: 3, throttledUs: 77 });
  t.same(readCpuThrottling(root, 'two-limited', 2), { periods: 0, throttledCount: 0, throttledUs: 0 });
  t.equal(readCpuThrottling(root, 'nowhere', 2), undefined);
});

t.test('block limits', async (t) => {
  const throttle = (values: Record<string, string>) =>
    Object.fromEntries(Object.entries(values).map(([name, text]) => [`blkio.throttle.${name}`, text]));
  const root = makeTree(t, {
    ...under('one', throttle({ read_bps_device: '8:0 99\n254:0 1048576\n', write_bps_device: '' })),
    ...under('one', throttle({ read_iops_device: '254:0 50\n', write_iops_device: '254:01 7\n' })),
    ...under(
      'one',
      throttle({ io_service_bytes: '254:0 Read 512\n254:0 Write 4096\n254:0 Total 4608\nTotal 4608\n' }),
    ),
    ...under('one', throttle({ io_serviced: '254:0 Read 1\n254:0 Write 2\n' })),
    'two/io.max': '8:0 rbps=1 wbps=2 riops=3 wiops=4\n254:0 rbps=2097152 wbps=max riops=max wiops=120\n',
    'two/io.stat': '254:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=0 dios=0\n',
    'two-empty/io.max': '',
  });
  const none = { readBytesSec: 0, writeBytesSec: 0, readIopsSec: 0, writeIopsSec: 0 };
  t.same(readBlockLimits(root, 'one', 1, '254:0'), { ...none, readBytesSec: 1_048_576, readIopsSec: 50 });
  t.same(readBlockLimits(root, 'one', 1, '8:16'), none, 'no line: no limit');
  t.same(readBlockLimits(root, 'two', 2, '254:0'), { ...none, readBytesSec: 2_097_152, writeIopsSec: 120 });
  t.same(readBlockLimits(root, 'two-empty', 2, '254:0'), none);
  t.equal(readBlockLimits(root, 'two', 1, '254:0'), undefined);
  t.equal(readBlockLimits(root, 'one', 2, '254:0'), undefined);
  const read1 = { readBytes: 512, writeBytes: 4096, readOperations: 1, writeOperations: 2 };
  t.same(readBlockTraffic(root, 'one', 1, '254:0'), read1);
  const read2 = { readBytes: 10, writeBytes: 20, readOperations: 1, writeOperations: 2 };
  t.same(readBlockTraffic(root, 'two', 2, '254:0'), read2);
  t.equal(readBlockTraffic(root, 'two', 1, '254:0'), undefined);
});

/** The mount points of the real v1 hierarchies, when this process may make groups in them. */
function writableV1(root: HostRoot): { cpu: string; blkio: string } | undefined {
  const { cpu, blkio } = readCgroupLayout(root).controllers;
  try {
    for (const mount of [cpu, blkio]) accessSync(mount as string, constants.W_OK);
    return { cpu: cpu as string, blkio: blkio as string };
  } catch {
    return undefined;
  }
}

const realRoot = new HostRoot('/');
const realMounts = writableV1(realRoot);
const skip = realMounts === undefined && 'needs root and cgroup v1 with cpu and blkio';

t.test('real groups of this kernel, laid out as libvirt does', { skip }, async (t) => {
  const root = realRoot;
  const mounts = realMounts as { cpu: string; blkio: string };
  const look = {
    root,
    more: { versions: {}, services: {}, inventory: {}, diskTotalBytes: 0 },
    warn: () => undefined,
  };
  const disk = blockDevices.gather(look).blockDevices?.find(({ name }) => /^(vd|sd|nvme)/.test(name));
  const scope = `drover-test-${process.pid}.scope`;
  const made = [mounts.cpu, mounts.blkio].flatMap((mount) => {
    return ['', 'libvirt', 'libvirt/emulator', 'libvirt/vcpu0'].map((tail) => join(mount, scope, tail));
  });
  const child = spawn('sleep', ['60']);
  t.teardown(async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    for (const directory of made.toReversed()) rmdirSync(directory);
  });
  for (const directory of made) mkdirSync(directory);
  writeFileSync(join(mounts.cpu, scope, 'libvirt/emulator/cgroup.procs'), `${child.pid}`);
  writeFileSync(join(mounts.blkio, scope, 'libvirt/cgroup.procs'), `${child.pid}`);
  writeFileSync(join(mounts.cpu, scope, 'cpu.shares'), '512');
  writeFileSync(join(mounts.cpu, scope, 'libvirt/vcpu0/cpu.cfs_quota_us'), '30000');

  const layout = readCgroupLayout(root);
  const pid = child.pid as number;
  t.equal(readCpuShares(root, domainGroup(root, layout, pid, 'cpu') as string, 1), 512);
  const vcpu = vcpuGroup(root, layout, pid, 0) as string;
  t.same(readCpuBandwidth(root, vcpu, 1), { periodUs: 100_000, quotaUs: 30_000 });
  t.same(readCpuThrottling(root, vcpu, 1)?.throttledCount, 0);
  const group = domainGroup(root, layout, pid, 'blkio') as string;
  if (!disk) return t.comment('this machine has no disk to limit');
  writeFileSync(join(group, 'blkio.throttle.write_bps_device'), `${disk.deviceNumber} 1048576`);
  t.same(readBlockLimits(root, group, 1, disk.deviceNumber)?.writeBytesSec, 1_048_576);
});
