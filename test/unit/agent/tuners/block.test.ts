/** Block I/O: who keeps a domain's limits, weights that bite or not, queues of disks by class, cache modes. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { readBlockWeight, fromBfqWeight, toBfqWeight } from '../../../../agent/kernel/cgroup-block-weight.js';
import { bottomDevices } from '../../../../agent/kernel/block-queue.js';
import type { DomainDisk, DomainView } from '../../../../agent/libvirt/hypervisor.js';
import { blockQos } from '../../../../agent/tuners/block-qos.js';
import { blockQueue, classOf } from '../../../../agent/tuners/block-queue.js';
import { blockWeight } from '../../../../agent/tuners/block-weight.js';
import { parseThrottle, throttleText } from '../../../../agent/tuners/common/block/throttle-text.js';
import { diskCache } from '../../../../agent/tuners/disk-cache.js';
import type { HostView, Knob, Reading, Tuner, Want } from '../../../../agent/tuners/tuner.js';
import type { BlockDevice } from '../../../../proto/gen/drover/v1/BlockDevice.js';
import { tunerSettings, type TunerSettings } from '../../../../proto/wire/tuner-settings.js';
import { FakeHost, type FakeDomain, type FakeShape } from '../../../support/fake-host.js';

function fake(t: Test, shape: FakeShape = {}): FakeHost {
  const host = new FakeHost(shape);
  t.teardown(() => host.dispose());
  return host;
}

function disk(target: string, source: string | undefined, more: Partial<DomainDisk> = {}): DomainDisk {
  return { target, source, type: 'file', cache: 'none', ...more };
}

const network = disk('vdc', undefined, { type: 'network', cache: 'writeback' });

interface Look {
  readonly readings: readonly Reading[];
  readonly wants: readonly Want[];
}

async function look<Name extends keyof TunerSettings>(
  host: FakeHost,
  tuner: Tuner<Name>,
  settings: unknown,
  view: HostView = host.view(),
): Promise<Look> {
  const readings = await tuner.observe(host.ports, view);
  const checked = tunerSettings[tuner.name].parse(settings) as Parameters<Tuner<Name>['want']>[0];
  return { readings, wants: tuner.want(checked, readings, view) };
}

const asked = ({ wants }: Look): string[] =>
  wants.map(
    ({ knob, value, held }) => `${knob.setting}=${value}${held === undefined ? '' : ` HELD ${held}`}`,
  );
const read = ({ readings }: Look, setting: string): Reading | undefined =>
  readings.find(({ knob }) => knob.setting === setting);

void t.test('block-qos: who keeps the limits', async (t) => {
  const one = (more: Partial<DomainDisk>): FakeDomain => ({
    name: 'vm',
    disks: [disk('vda', '/images/vm.raw', more)],
  });
  const write = { write_bytes_sec: 5000 };
  const group = 'write_bytes_sec /dev/vda=5000';
  const qemu = 'throttle vda=write_bytes_sec=5000';
  const table: [string, FakeDomain, object, string[], RegExp][] = [
    ['past the page cache', one({}), write, [group], /control group: .* sees all/],
    ['directsync too', one({ cache: 'directsync' }), write, [group], /control group/],
    ['through the page cache', one({ cache: 'writeback' }), write, [qemu], /QEMU: cache is writeback on vda/],
    ["QEMU's default", one({ cache: undefined }), write, [qemu], /cache is writeback/],
    ['default by name', one({ cache: 'default' }), write, [qemu], /cache is writeback/],
    ['the profile says so', one({}), { ...write, via: 'qemu' }, [qemu], /profile says via: qemu/],
    ['the profile insists', one({ cache: 'unsafe' }), { ...write, via: 'cgroup' }, [group], /via: cgroup/],
    ['a total', one({}), { total_iops_sec: 9 }, ['throttle vda=total_iops_sec=9'], /have no total_iops_sec/],
    [
      'a burst',
      one({}),
      { ...write, write_bytes_sec_max: 9000, write_bytes_sec_max_length_seconds: 5 },
      ['throttle vda=write_bytes_sec=5000 write_bytes_sec_max=9000 write_bytes_sec_max_length=5'],
      /have no write_bytes_sec_max/,
    ],
    [
      'the size of an operation',
      one({}),
      { read_iops_sec: 4, iops_size: 4096 },
      ['throttle vda=read_iops_sec=4 size_iops_sec=4096'],
      /have no iops_size/,
    ],
    ['no limits', one({ cache: 'writeback' }), { write_bytes_sec: 0 }, ['throttle vda=none'], /QEMU/],
    ['an empty drive has nothing to limit', { name: 'vm', disks: [disk('hda', undefined)] }, write, [], /./],
    [
      'one cached image takes its neighbour on the disk along',
      {
        name: 'vm',
        disks: [disk('vda', '/images/vm.raw'), disk('vdb', '/images/vm.raw', { cache: 'writeback' })],
      },
      write,
      [qemu, 'throttle vdb=write_bytes_sec=5000'],
      /cache is writeback on vdb/,
    ],
    [
      'a network disk',
      { name: 'vm', disks: [network] },
      write,
      ['throttle vdc=write_bytes_sec=5000'],
      /network disk/,
    ],
    [
      'a network disk, and no QEMU wanted',
      { name: 'vm', disks: [network] },
      { ...write, via: 'cgroup' },
      ['write_bytes_sec (disk vdc)=5000'],
      /^$/,
    ],
    [
      'a device that the profile names, with no image on it',
      one({}),
      { ...write, device: '/dev/vdb' },
      ['write_bytes_sec /dev/vdb=5000'],
      /control group/,
    ],
    [
      'a device that the profile names, with a cached image',
      one({ cache: 'writeback' }),
      { ...write, device: '/dev/vda' },
      [qemu],
      /QEMU/,
    ],
  ];
  for (const cgroup of ['v1', 'v2'] as const) {
    const host = fake(t, { cgroup });
    for (const [title, domain, settings, expected, remark] of table) {
      const { uuid } = host.start(domain);
      const looked = await look(host, blockQos, settings);
      t.strictSame(asked(looked), expected, `${cgroup}: ${title}`);
      for (const want of looked.wants) t.match(want.remark ?? '', remark, `${cgroup}: ${title}: the reason`);
      host.stop(uuid);
    }
  }
});

void t.test('block-qos: without a control group for block I/O, QEMU', async (t) => {
  const host = fake(t);
  const view = host.start({ name: 'vm' });
  host.put(`/proc/${view.pid}/cgroup`, '2:cpu:/machine/x');
  const looked = await look(host, blockQos, { read_iops_sec: 5 });
  t.strictSame(asked(looked), ['throttle vda=read_iops_sec=5']);
  t.match(looked.wants, [{ remark: 'by QEMU: the domain has no control group for block I/O' }]);
  t.match(read(looked, 'read_iops_sec /dev/vda'), { unsupported: /no control group/ });
});

void t.test('block-qos: extra specs', async (t) => {
  const table: [object, Record<string, string>, string[]][] = [
    [{}, {}, []],
    [{}, { 'quota:disk_write_bytes_sec': '7' }, ['write_bytes_sec /dev/vda=7']],
    [
      { write_bytes_sec: 5, read_iops_sec: 3 },
      { 'quota:disk_write_bytes_sec': '7' },
      ['write_bytes_sec /dev/vda=7', 'read_iops_sec /dev/vda=3'],
    ],
    [{ write_bytes_sec: 5 }, { 'quota:disk_total_bytes_sec': '7' }, ['throttle vda=total_bytes_sec=7']],
    [
      { total_bytes_sec: 5, total_bytes_sec_max: 6 },
      { 'quota:disk_read_bytes_sec': '7' },
      ['read_bytes_sec /dev/vda=7'],
    ],
    [
      { write_bytes_sec: 5, write_bytes_sec_max: 6, write_bytes_sec_max_length_seconds: 9 },
      { 'quota:disk_write_bytes_sec': '100' },
      ['write_bytes_sec /dev/vda=100'],
    ],
    [
      { write_iops_sec: 5 },
      {
        'quota:disk_write_iops_sec_max': '60',
        'drover:disk_write_iops_sec_max_length': '4',
        'quota:disk_size_iops_sec': '512',
      },
      ['throttle vda=write_iops_sec=5 write_iops_sec_max=60 write_iops_sec_max_length=4 size_iops_sec=512'],
    ],
    [
      { write_iops_sec: 5, iops_size: 512 },
      { 'quota:disk_write_iops_sec': '0' },
      ['write_iops_sec /dev/vda=0'],
    ],
    [
      { read_bytes_sec: 5 },
      { 'quota:disk_write_bytes_sec': 'lots' },
      [
        'read_bytes_sec /dev/vda=5',
        'write_bytes_sec /dev/vda=lots HELD extra spec quota:disk_write_bytes_sec is lots; want a whole number 0..1000000000000000',
      ],
    ],
    [
      { read_iops_sec: 5 },
      { 'quota:disk_total_bytes_sec': '-1' },
      [
        'throttle vda=read_iops_sec=5 total_bytes_sec=-1 HELD extra spec quota:disk_total_bytes_sec is -1; want a whole number 0..1000000000000000',
      ],
    ],
    [
      {},
      { 'quota:disk_total_iops_sec': '8', 'quota:disk_read_iops_sec': '9' },
      [
        'throttle vda=total_iops_sec=8 read_iops_sec=9 HELD total_iops_sec, or read_iops_sec and write_iops_sec, not both: QEMU refuses them together',
      ],
    ],
  ];
  const host = fake(t);
  host.start({ name: 'other' });
  for (const [settings, specs, expected] of table) {
    const { uuid } = host.start({ name: 'vm', specs });
    const looked = await look(host, blockQos, settings);
    const own = looked.wants.filter(({ knob }) => knob.domain?.name === 'vm');
    t.strictSame(asked({ ...looked, wants: own }), expected, JSON.stringify({ settings, specs }));
    const others = looked.wants.filter(({ knob }) => knob.domain?.name === 'other');
    t.notOk(
      others.some(({ held }) => held !== undefined),
      'nothing else stops',
    );
    host.stop(uuid);
  }
});

void t.test('block-qos: settings that cannot be', async (t) => {
  const table: [object, RegExp][] = [
    [
      { total_bytes_sec: 5, write_bytes_sec: 5 },
      /total_bytes_sec, or read_bytes_sec and write_bytes_sec, not both/,
    ],
    [{ read_iops_sec_max: 5 }, /read_iops_sec_max only with read_iops_sec/],
    [{ read_iops_sec: 6, read_iops_sec_max: 5 }, /read_iops_sec_max at least read_iops_sec \(6\)/],
    [{ read_iops_sec: 6, read_iops_sec_max_length_seconds: 5 }, /length_seconds only with read_iops_sec_max/],
    [
      { read_bytes_sec: 1e12, read_bytes_sec_max: 1e12, read_bytes_sec_max_length_seconds: 1001 },
      /times its length at most 1000000000000000/,
    ],
    [{ write_bytes_sec: 5, iops_size: 512 }, /iops_size only with a limit in operations/],
    [{ total_iops_sec: 5, via: 'cgroup' }, /total_iops_sec is kept by QEMU alone: want via: qemu, or no via/],
  ];
  for (const [settings, message] of table)
    t.match(tunerSettings['block-qos'].safeParse(settings).error?.message, message, JSON.stringify(settings));
  for (const settings of [
    { total_bytes_sec: 5, write_iops_sec: 5 },
    { total_bytes_sec: 0, write_bytes_sec: 5 },
    {},
  ])
    t.ok(tunerSettings['block-qos'].safeParse(settings).success, JSON.stringify(settings));
});

void t.test('block-qos: throttles are read, written and put back', async (t) => {
  const host = fake(t);
  const view = host.start({
    name: 'vm',
    disks: [disk('vda', '/images/vm.raw'), network],
    explicit: { diskThrottles: ['vda'] },
  });
  await host.setDiskThrottle(view, 'vda', {
    totalIopsSec: 7,
    totalIopsSecMax: 9,
    totalIopsSecMaxLengthSec: 3,
  });
  const settings = { write_bytes_sec: 8, via: 'qemu' };
  const looked = await look(host, blockQos, settings);
  const original = 'total_iops_sec=7 total_iops_sec_max=9 total_iops_sec_max_length=3';
  t.match(read(looked, 'throttle vda'), { value: original, explicit: true });
  t.match(read(looked, 'throttle vdc'), { value: 'none', explicit: false });
  for (const [setting, value] of [
    ['throttle vda', 'write_bytes_sec=8'],
    ['throttle vda', original],
    ['throttle vdc', 'write_bytes_sec=8'],
    ['throttle vdc', 'none'],
  ] as const) {
    await blockQos.write(host.ports, read(looked, setting)?.knob as Reading['knob'], value);
    t.equal(read(await look(host, blockQos, settings), setting)?.value, value);
  }
  host.diskThrottles = () => Promise.reject(new Error('libvirt is busy'));
  const silent = await look(host, blockQos, settings);
  t.match(read(silent, 'throttle vda'), { unsupported: 'libvirt is busy', undecided: 'libvirt is busy' });
  t.match(
    read(silent, 'write_bytes_sec /dev/vda'),
    { value: '0' },
    'and the control group is read all the same',
  );
});

void t.test('throttles as text', async (t) => {
  const table: [Parameters<typeof throttleText>[0], string][] = [
    [{}, 'none'],
    [{ readBytesSec: 0, readBytesSecMaxLengthSec: 5 }, 'none'],
    [{ writeIopsSec: 100, readBytesSec: 1_048_576 }, 'read_bytes_sec=1048576 write_iops_sec=100'],
    [
      { readBytesSec: 5, readBytesSecMax: 6, readBytesSecMaxLengthSec: 1 },
      'read_bytes_sec=5 read_bytes_sec_max=6',
    ],
    [{ totalIopsSec: 5, sizeIopsSec: 4096 }, 'total_iops_sec=5 size_iops_sec=4096'],
  ];
  for (const [throttle, text] of table) {
    t.equal(throttleText(throttle), text);
    t.equal(throttleText(parseThrottle(text)), text, 'and back');
  }
});

void t.test('block-qos: evidence is what the group has moved', async (t) => {
  for (const cgroup of ['v1', 'v2'] as const) {
    const host = fake(t, { cgroup });
    const view = host.start({ name: 'vm' });
    const number = host.facts().blockDevices[0]?.deviceNumber;
    const group = host.group(view, 'blkio');
    if (cgroup === 'v2')
      host.put(`${group}/io.stat`, `${number} rbytes=11 wbytes=22 rios=3 wios=4 dbytes=0 dios=0`);
    else {
      host.put(`${group}/blkio.throttle.io_service_bytes`, `${number} Read 11\n${number} Write 22\nTotal 33`);
      host.put(`${group}/blkio.throttle.io_serviced`, `${number} Read 3\n${number} Write 4\nTotal 7`);
    }
    const looked = await look(host, blockQos, {});
    const evidence = 'read 11 bytes in 3 operations, wrote 22 in 4';
    t.equal(read(looked, 'write_bytes_sec /dev/vda')?.evidence, evidence, cgroup);
    t.equal(read(looked, 'throttle vda')?.evidence, evidence);
    t.equal(read(looked, 'write_bytes_sec /dev/vdb')?.evidence, undefined, 'of disks under images alone');
  }
});

void t.test('block-weight', async (t) => {
  const host = fake(t);
  const view = host.start({ name: 'vm', explicit: { blockWeight: true } });
  host.start({ name: 'spec', specs: { 'drover:disk_weight': '300' } });
  host.start({ name: 'odd', specs: { 'drover:disk_weight': '5' } });
  host.put('/sys/block/vda/queue/scheduler', '[none] mq-deadline bfq');
  const first = await look(host, blockWeight, { weight: 200 });
  t.strictSame(asked(first), [
    'weight=200',
    'weight=300',
    'weight=5 HELD extra spec drover:disk_weight is 5; want a whole number 10..1000',
  ]);
  t.match(first.readings, [
    {
      value: '100',
      explicit: true,
      ineffective: 'the scheduler of vda is none: weights need bfq',
      knob: { source: /blkio.bfq.weight$/ },
    },
    { explicit: false },
    {},
  ]);
  t.strictSame(
    asked(await look(host, blockWeight, {})).length,
    2,
    'without a weight, only domains with the spec',
  );
  host.put('/sys/block/vda/queue/scheduler', 'none mq-deadline [bfq]');
  const second = await look(host, blockWeight, {});
  t.match(second.readings[0], { evidence: 'bfq on vda' });
  t.equal(second.readings[0]?.ineffective, undefined);
  await blockWeight.write(host.ports, second.readings[0]?.knob as Reading['knob'], '1000');
  t.equal((await look(host, blockWeight, {})).readings[0]?.value, '1000');
  host.put(`${host.group(view, 'blkio')}/blkio.bfq.weight`, '');
  t.match((await look(host, blockWeight, {})).readings[0], { unsupported: /no weight/ });
  const far = host.start({ name: 'far', disks: [network] });
  const farReading = (await look(host, blockWeight, {})).readings.find(
    ({ knob }) => knob.domain?.uuid === far.uuid,
  );
  t.match(farReading, { value: '100', ineffective: /no image of it lies on a disk of this host/ });
});

void t.test('block-weight on cgroup v2', async (t) => {
  const host = fake(t, { cgroup: 'v2' });
  const view = host.start({ name: 'vm' });
  const number = host.facts().blockDevices[0]?.deviceNumber;
  const group = host.group(view, 'blkio');
  host.put('/sys/block/vda/queue/scheduler', '[mq-deadline] none');
  host.put(`${group}/io.weight`, 'default 100\n8:0 50');
  const bothFiles = await look(host, blockWeight, { weight: 500 });
  t.match(bothFiles.readings, [
    {
      value: '100',
      ineffective: 'the scheduler of vda is mq-deadline: weights need bfq or iocost',
      knob: { source: /\.scope\/io\.weight$/ },
    },
  ]);
  t.strictSame(asked(bothFiles), ['weight=500'], 'systemd keeps io.weight as it is given');
  host.put('/sys/fs/cgroup/io.cost.qos', `${number} enable=1 ctrl=auto`);
  t.match((await look(host, blockWeight, {})).readings, [{ evidence: 'iocost on vda' }]);
  host.put('/sys/fs/cgroup/io.cost.qos', `${number} enable=0 ctrl=auto`);
  t.match((await look(host, blockWeight, {})).readings, [{ ineffective: /mq-deadline/ }]);
  host.put(`${group}/io.weight`, '');
  const scaled = await look(host, blockWeight, { weight: 500 });
  t.strictSame(asked(scaled), ['weight=136']);
  t.match(scaled.wants, [{ remark: 'systemd writes 500 as 136 for bfq' }]);
  const calls: number[] = [];
  host.setBlockWeight = async (_, weight) => void calls.push(weight);
  for (const value of ['136', '100', '7'])
    await blockWeight.write(host.ports, scaled.readings[0]?.knob as Reading['knob'], value);
  t.strictSame(calls, [496, 100, 7], 'and the number that systemd turns into it is given');
  for (let weight = 1; weight <= 1000; weight++) t.equal(toBfqWeight(fromBfqWeight(weight)), weight);
  host.put('/g/io.bfq.weight', 'default 70');
  host.put('/g/io.weight', 'default 90');
  t.match(
    readBlockWeight(host.root, '/g', 2),
    { weight: 70, obeyedBy: ['bfq'], isScaled: false },
    'libvirt takes the file of bfq',
  );
  t.match(readBlockWeight(host.root, '/none', 2), undefined);
});

void t.test('the devices at the bottom of a stack', async (t) => {
  const host = fake(t);
  const link = (path: string, target: string): void => {
    mkdirSync(dirname(join(host.directory, path)), { recursive: true });
    symlinkSync(target, join(host.directory, path));
  };
  host.put('/sys/class/block/dm-1/dev', '253:1');
  host.put('/sys/class/block/dm-0/dev', '253:0');
  link('/sys/class/block/dm-1/slaves/dm-0', '../../dm-0');
  link('/sys/class/block/dm-0/slaves/vda1', '../../vda1');
  link('/sys/class/block/dm-0/slaves/vdb', '../../vdb');
  t.strictSame(bottomDevices(host.root, 'dm-1'), ['vda', 'vdb']);
  link('/sys/class/block/dm-2/slaves/dm-2', '../../dm-2');
  t.strictSame(bottomDevices(host.root, 'dm-2'), ['dm-2'], 'a circle ends');
});

void t.test('disk-cache', async (t) => {
  const host = fake(t);
  const view = host.start({
    name: 'vm',
    disks: [disk('vda', '/a'), disk('vdb', '/b', { cache: undefined }), disk('hda', undefined), network],
  });
  const looked = await look(host, diskCache, { cache: 'none' });
  t.match(looked.readings, [
    { value: 'none' },
    { value: 'writeback', evidence: /QEMU's default/ },
    { value: 'writeback' },
  ]);
  t.match(
    looked.wants.map(({ knob, value, effect, affects, deferred }) => [
      knob.setting,
      value,
      effect,
      affects,
      deferred,
    ]),
    [
      ['cache vda', 'none', 'domain-restart', ['vm'], String],
      [
        'cache vdb',
        'none',
        'domain-restart',
        ['vm'],
        'the definition of vm gives writeback: change the definition and restart',
      ],
      ['cache vdc', 'none', 'domain-restart', ['vm'], String],
    ],
  );
  await t.rejects(diskCache.write(host.ports, looked.wants[0]?.knob as Reading['knob'], 'none'), {
    code: 'unsupported',
  });
  t.equal(host.writes, 0);
  const unknown = { ...host.view(), domains: [{ ...view, disks: [], xmlUnknown: 'not now' }] };
  t.match((await look(host, diskCache, { cache: 'none' }, unknown)).readings, [{ unsupported: 'not now' }]);
});

/** A queue as blk-mq's: another scheduler resets the number of requests, which without one the device's depth bounds. */
function putQueue(host: FakeHost, device: string, scheduler: string, requests: number, depth = 128): void {
  const offered = ['none', 'mq-deadline', 'kyber', 'bfq'];
  const queue = `/sys/block/${device}/queue`;
  host.put(`${queue}/scheduler`, offered.map((each) => (each === scheduler ? `[${each}]` : each)).join(' '));
  host.put(`${queue}/nr_requests`, `${requests}`);
  for (const [file, value] of [
    ['read_ahead_kb', 128],
    ['rq_affinity', 1],
    ['nomerges', 0],
  ] as const)
    host.put(`${queue}/${file}`, `${value}`);
  host.put(`/sys/block/${device}/mq/0/nr_tags`, `${depth}`);
  const { kernelTakes } = host;
  host.kernelTakes = (file, value, before) => {
    const isBare = host.root.read(`${queue}/scheduler`)?.includes('[none]') ?? false;
    if (file === `${queue}/nr_requests` && Number(value) > (isBare ? depth : 2048)) return undefined;
    const taken = kernelTakes.call(host, file, value, before);
    if (file === `${queue}/scheduler` && taken !== undefined && taken !== before)
      host.put(`${queue}/nr_requests`, value === 'none' ? `${depth}` : '256');
    return taken;
  };
}

/** Writes wants in their order, then the originals backwards, as the ledger does. */
async function applyAndUndo(host: FakeHost, settings: object): Promise<{ after: Look; undone: Look }> {
  const { readings, wants } = await look(host, blockQueue, settings);
  const changes = wants.filter(({ knob, value }) => read({ readings, wants }, knob.setting)?.value !== value);
  for (const { knob, value } of changes) await blockQueue.write(host.ports, knob, value);
  const after = await look(host, blockQueue, settings);
  for (const { knob } of changes.toReversed())
    await blockQueue.write(host.ports, knob, read({ readings, wants }, knob.setting)?.value as string);
  return { after, undone: await look(host, blockQueue, settings) };
}

void t.test('block-queue: any scheduler and number of requests, there and exactly back', async (t) => {
  const starts: [string, number][] = [
    ['none', 128],
    ['none', 64],
    ['mq-deadline', 1024],
    ['bfq', 256],
    ['kyber', 20],
  ];
  const ends: object[] = [
    { scheduler: 'none' },
    { scheduler: 'bfq' },
    { scheduler: 'none', nr_requests: 32 },
    { scheduler: 'mq-deadline', nr_requests: 2048 },
    { scheduler: 'mq-deadline' },
    { nr_requests: 100 },
  ];
  for (const [scheduler, requests] of starts)
    for (const end of ends) {
      const host = fake(t);
      putQueue(host, 'vda', scheduler, requests);
      const title = `${scheduler} ${requests} to ${JSON.stringify(end)}`;
      const { after, undone } = await applyAndUndo(host, { classes: { virtio: end } });
      for (const [file, value] of Object.entries(end))
        t.equal(read(after, `${file} vda`)?.value, `${value}`, title);
      if (!('nr_requests' in end) && !('scheduler' in end && end.scheduler === 'none'))
        t.equal(read(after, 'nr_requests vda')?.value, `${requests}`, `${title}: what is not named stays`);
      t.strictSame(
        [read(undone, 'scheduler vda')?.value, read(undone, 'nr_requests vda')?.value],
        [scheduler, `${requests}`],
        `${title}: and back`,
      );
    }
});

void t.test('block-queue: classes, devices, and what cannot be', async (t) => {
  const host = fake(t);
  putQueue(host, 'vda', 'none', 128);
  putQueue(host, 'vdb', 'none', 128);
  putQueue(host, 'loop0', 'none', 128);
  const settings = {
    classes: { virtio: { scheduler: 'mq-deadline', read_ahead_kb: 512 }, rotational: { nomerges: 2 } },
    devices: { vdb: { scheduler: 'bfq' }, sdz: { scheduler: 'bfq' } },
  };
  const looked = await look(host, blockQueue, settings);
  t.strictSame(asked(looked), [
    'scheduler vda=mq-deadline',
    'read_ahead_kb vda=512',
    'scheduler vdb=bfq',
    'read_ahead_kb vdb=512',
    'scheduler sdz=bfq',
  ]);
  t.equal(
    read(looked, 'scheduler sdz'),
    undefined,
    'a device that is not here has no reading, so its want is unsupported',
  );
  const named = await look(host, blockQueue, { devices: { loop0: { nomerges: 1 } } });
  t.strictSame(asked(named), ['nomerges loop0=1'], 'others are touched by name alone');
  const unknown = await look(host, blockQueue, {
    classes: { virtio: { scheduler: 'cfq', nr_requests: 4096 } },
  });
  t.match(unknown.wants[0], { unsupported: 'this kernel offers none, mq-deadline, kyber, bfq for vda' });
  const deep = await look(host, blockQueue, { classes: { virtio: { nr_requests: 4096 } } });
  t.match(deep.wants[0], { unsupported: 'vda takes at most 128 requests without a scheduler' });
  t.match(read(looked, 'wbt_lat_usec vda'), { unsupported: 'vda has no wbt_lat_usec' });
  for (const [bad, message] of [
    [{}, /classes or devices/],
    [{ classes: { ssd: {} } }, /one of scheduler/],
    [{ classes: { ssd: { read_ahead_kb: 130 } } }, /multiple of 4/],
    [{ devices: { '../x': { nomerges: 1 } } }, /name below \/sys\/block/],
  ] as const)
    t.match(tunerSettings['block-queue'].safeParse(bad).error?.message, message);
});

void t.test('block-queue: which class a device has', async (t) => {
  const host = fake(t);
  const base = host.facts().blockDevices[0];
  if (!base) throw new Error('no device');
  for (const [name, rotational, removable, expected] of [
    ['sda', true, false, 'rotational'],
    ['sda', false, false, 'ssd'],
    ['sdb', true, true, undefined],
    ['nvme0n1', false, false, 'nvme'],
    ['vda', true, false, 'virtio'],
    ['xvda', false, false, 'ssd'],
    ['dasda', true, false, 'rotational'],
    ['loop1', false, false, undefined],
    ['dm-3', true, false, undefined],
    ['ram0', false, false, undefined],
    ['zram0', false, false, undefined],
    ['md127', true, false, undefined],
    ['sr0', true, false, undefined],
  ] as const)
    t.equal(classOf({ ...base, name, rotational, removable }), expected, `${name} ${rotational}`);
});

void t.test('300 domains with nothing to do take less than a second of a core', async (t) => {
  const host = fake(t);
  for (let index = 0; index < 60; index++) host.start({ name: `v${index}`, vcpus: 1 });
  putQueue(host, 'vda', 'bfq', 256);
  const began = process.cpuUsage();
  t.equal((await look(host, blockQos, { write_bytes_sec: 0 })).wants.length, 60);
  t.equal((await look(host, blockWeight, { weight: 100 })).wants.length, 60);
  t.equal((await look(host, diskCache, { cache: 'none' })).wants.length, 60);
  await look(host, blockQueue, { classes: { virtio: { scheduler: 'bfq' } } });
  const { user, system } = process.cpuUsage(began);
  // A fifth of the domains, so that the test itself is quick.
  const wholeUs = 5 * (user + system);
  t.ok(wholeUs < 1_000_000, `${wholeUs} us`);
});

void t.test('block-qos: 300 domains on a host with 500 more disks', async (t) => {
  const host = fake(t);
  for (let index = 0; index < 300; index++) host.start({ name: `v${index}`, vcpus: 1 });
  const [first, second] = host.view().domains as [DomainView, DomainView];
  const facts = host.facts();
  const [vda] = facts.blockDevices as [BlockDevice];
  const disks = Array.from({ length: 500 }, (_, index) => ({
    ...vda,
    name: `sd${index}`,
    deviceNumber: `8:${index}`,
    partitions: [],
  }));
  const domains = host
    .view()
    .domains.map((view) =>
      view === second ? { ...view, explicit: { ...view.explicit, blockDevices: ['/dev/sd7'] } } : view,
    );
  const view = (device?: string, held: readonly Knob[] = []): HostView => ({
    ...{ facts: { ...facts, blockDevices: [...facts.blockDevices, ...disks] }, domains, held },
    settings: { 'block-qos': { write_bytes_sec: 0, ...(device !== undefined && { device }) } },
  });
  const devices = ({ readings }: Look, { name }: DomainView): string[] => {
    const own = readings.filter(({ knob }) => knob.domain?.name === name);
    return own.flatMap(({ knob }) => /^write_bytes_sec (.*)$/.exec(knob.setting)?.[1] ?? []);
  };
  const file = `${host.group(first, 'blkio')}/blkio.throttle.write_bps_device`;
  host.put(file, '8:3 4096\n8:499 1');
  const settings = { write_bytes_sec: 0 };
  const began = process.cpuUsage();
  const seen = await look(host, blockQos, settings, view());
  const { user, system } = process.cpuUsage(began);
  t.ok(user + system < 1_500_000, `${user + system} us`);
  t.same(devices(seen, first), ['/dev/vda', '/dev/sd3', '/dev/sd499'], 'what has a limit');
  t.equal(read(seen, 'write_bytes_sec /dev/sd3')?.value, '4096');
  t.same(devices(seen, second), ['/dev/vda', '/dev/sd7'], 'what the XML names');
  t.equal(read(seen, 'write_bytes_sec /dev/sd7')?.explicit, true);
  t.equal(seen.wants.length, 300);
  host.put(file, '');
  const held = seen.readings.filter(({ knob }) => knob.setting === 'write_bytes_sec /dev/sd499');
  const later = await look(
    host,
    blockQos,
    { ...settings, device: '/dev/sd9' },
    view(
      '/dev/sd9',
      held.map(({ knob }) => knob),
    ),
  );
  t.same(devices(later, first), ['/dev/vda', '/dev/sd9', '/dev/sd499'], 'what settings and ledger name');
  t.same(devices(later, second), ['/dev/vda', '/dev/sd7', '/dev/sd9']);
  t.equal(later.wants.length, 300, 'the named device of each');
});

void t.test('block-weight: a weight that could not be put back is left alone', async (t) => {
  const host = fake(t, { cgroup: 'v2' });
  const group = host.group(host.start({ name: 'vm' }), 'blkio');
  host.put('/sys/block/vda/queue/scheduler', 'none [bfq]');
  for (const [file, text, unsupported] of [
    ['io.weight', 'default 10000', 'io.weight is 10000, and libvirt sets 10..1000 only: it could not be put back'],
    ['io.weight', 'default 9', /io.weight is 9, /],
    ['io.weight', 'default 1000', undefined],
    ['io.bfq.weight', 'default 182', /io.bfq.weight is 182, and libvirt sets 10..181 only/],
    ['io.bfq.weight', 'default 181', undefined],
    ['io.bfq.weight', 'default 10', undefined],
  ] as const) {
    host.put(`${group}/io.weight`, '');
    host.put(`${group}/${file}`, text);
    const { wants, readings } = await look(host, blockWeight, { weight: 50 });
    t.match(wants, [{ unsupported }], `${file} ${text}`);
    const held = readings.map(({ knob }) => knob);
    const again = await look(host, blockWeight, { weight: 50 }, { ...host.view(), held });
    t.equal(again.wants[0]?.unsupported, undefined, 'one whose original is in the ledger is healed');
  }
}); // prettier-ignore
