/** The parts of agent/libvirt that need no libvirtd; libvirt.so.0 itself is real, with its built-in test driver. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { CallQueue, type Lease } from '../../../../agent/libvirt/call-queue.js';
import { Connection } from '../../../../agent/libvirt/connection.js';
import { LibvirtHypervisor } from '../../../../agent/libvirt/domain.js';
import { DomainCache } from '../../../../agent/libvirt/domain-cache.js';
import { OwnChanges } from '../../../../agent/libvirt/own-changes.js';
import { domainState } from '../../../../agent/libvirt/domain-list.js';
import { readDomainPid } from '../../../../agent/libvirt/domain-pid.js';
import {
  canonicalThrottle,
  throttleFault,
  throttleKeys,
  throttleNames,
} from '../../../../agent/libvirt/disk-throttle.js';
import {
  bandwidthOf,
  bandwidthParameters,
  blockParameters,
  cpuMap,
  numaParameters,
  schedulerParameters,
  throttleParameters,
  weightParameters,
} from '../../../../agent/libvirt/domain-settings.js';
import { parseDomainXml } from '../../../../agent/libvirt/domain-xml.js';
import { emptyXmlPart, noExplicit } from '../../../../agent/libvirt/domain-xml-view.js';
import { eventKind } from '../../../../agent/libvirt/events.js';
import { openLibrary } from '../../../../agent/libvirt/library.js';
import { Listeners } from '../../../../agent/libvirt/listeners.js';
import { openHypervisor } from '../../../../agent/libvirt/open-hypervisor.js';
import type { DiskThrottle, DomainEvent } from '../../../../agent/libvirt/hypervisor.js';
import { Opener } from '../../../../agent/libvirt/opener.js';
import { withParameters } from '../../../../agent/libvirt/typed-parameters.js';
import { formatVersion } from '../../../../agent/libvirt/versions.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { until } from '../../../support/poll.js';

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: unknown) => (error instanceof DroverError ? error.code : String(error)),
  );

/** A call that ends when the test says so. */
function held<Value>(value: Value): { run: () => Promise<Value>; end: () => void } {
  let end: () => void = () => undefined;
  const done = new Promise<Value>((resolve) => (end = () => resolve(value)));
  return { run: () => done, end: () => end() };
}

t.test('the call queue', async (t) => {
  const queue = (slots: number, queueLimit: number, deadlineMs = 60) =>
    new CallQueue<number>({
      slots: Array.from({ length: slots }, (_, index) => index),
      queueLimit,
      deadlineMs,
    });

  await t.test('gives each call a slot of its own and refuses beyond the limit', async (t) => {
    const calls = queue(2, 3, 5_000);
    const blocks = [held(1), held(2)];
    const running = blocks.map((block) => calls.submit({ label: 'block', run: block.run }));
    const waiting = [1, 2, 3].map((n) =>
      calls.submit({ label: `wait ${n}`, run: (slot) => Promise.resolve(slot) }),
    );
    t.same([calls.running, calls.waiting], [2, 3]);
    await t.rejects(calls.submit({ label: 'one more', run: () => Promise.resolve(0) }), {
      code: 'resource-exhausted',
      message: /one more: 3 libvirt calls/,
    });
    for (const block of blocks) block.end();
    t.same(await Promise.all(running), [1, 2]);
    t.ok((await Promise.all(waiting)).every((slot) => slot === 0 || slot === 1));
    t.same([calls.running, calls.waiting], [0, 0]);
  });

  await t.test('a stuck call is given up and keeps its slot until it returns', async (t) => {
    const calls = queue(1, 5);
    const stuck = held('late');
    const leases: Lease[] = [];
    const first = codeOf(
      calls.submit({
        label: 'stuck',
        run: (_slot, lease) => {
          leases.push(lease);
          lease.asked?.();
          return stuck.run();
        },
      }),
    );
    await t.rejects(calls.submit({ label: 'behind', run: () => Promise.resolve(1) }), {
      code: 'unavailable',
      message: /behind: no free connection/,
    });
    t.equal(await first, 'deadline-exceeded');
    t.equal(leases[0]?.expired, true, 'the call is told');
    t.equal(calls.running, 1);
    stuck.end();
    await calls.drained();
    t.equal(await calls.submit({ label: 'after', run: () => Promise.resolve('works') }), 'works');
  });

  await t.test('one key holds one slot; behind a stuck one its fellows are refused', async (t) => {
    const calls = queue(3, 10, 100);
    const stuck = held(0);
    const of = (key: string, run: () => Promise<number>) =>
      calls.submit({
        label: key,
        key,
        run: (_slot, lease) => {
          lease.asked?.();
          return run();
        },
      });
    const [first, fellow] = [codeOf(of('a', stuck.run)), codeOf(of('a', () => Promise.resolve(1)))];
    t.equal(calls.running, 1);
    t.equal(await of('b', () => Promise.resolve(2)), 2, 'others pass by');
    t.same(await Promise.all([first, fellow]), ['deadline-exceeded', 'deadline-exceeded']);
    const start = performance.now();
    t.equal(await codeOf(of('a', () => Promise.resolve(3))), 'deadline-exceeded');
    t.ok(performance.now() - start < 50, 'at once');
    stuck.end();
    await calls.drained();
    t.equal(await of('a', () => Promise.resolve(4)), 4);
  });

  await t.test('each late call makes room for another, until all slots are held', async (t) => {
    const slots = [0, 1, 2, 3];
    const calls = new CallQueue<number>({ slots, usual: 2, lateMs: 40, queueLimit: 10, deadlineMs: 5_000 });
    const hung = slots.map(() => held(0));
    const of = (key: string | undefined, label: string, run: (slot: number) => Promise<number>) =>
      calls.submit({ label, ...(key === undefined ? {} : { key }), run });
    const first = hung.slice(0, 2).map((call, index) => of(`k${index}`, 'hung', call.run));
    const start = performance.now();
    t.equal(await of('other', 'other', (slot) => Promise.resolve(slot)), 2, 'a spare slot');
    t.ok(performance.now() - start < 1_000);
    first.push(of('k2', 'hung', hung[2]?.run as () => Promise<number>));
    t.equal(calls.running, 3);
    // The last slot is for calls without a key, such as the list of all domains.
    await t.rejects(
      of('x', 'waits', () => Promise.resolve(1)),
      {
        code: 'unavailable',
        message: /waits: no free connection/,
      },
    );
    t.equal(await of(undefined, 'list', (slot) => Promise.resolve(slot)), 3);
    first.push(of(undefined, 'hung', hung[3]?.run as () => Promise<number>));
    t.equal(await codeOf(of(undefined, 'list', () => Promise.resolve(1))), 'unavailable');
    for (const call of hung) call.end();
    await Promise.all(first);
    t.equal(
      await of('x', 'after', (slot) => Promise.resolve(slot)),
      0,
      'the usual slots are used first again',
    );
  });

  await t.test('silence before the other side was asked is not its silence', async (t) => {
    const calls = queue(2, 5);
    const run = (isAsked: boolean) => (_slot: number, lease: Lease) => {
      if (isAsked) lease.asked?.();
      return stuck.run();
    };
    const stuck = held(0);
    const codes = [true, false].map((isAsked) => codeOf(calls.submit({ label: 'x', run: run(isAsked) })));
    t.same(await Promise.all(codes), ['deadline-exceeded', 'unavailable']);
    stuck.end();
    await calls.drained();
  });

  await t.test('rejects what waits, and passes on what a call throws', async (t) => {
    const calls = queue(1, 5, 5_000);
    const block = held(0);
    const running = calls.submit({ label: 'block', run: block.run });
    const waiting = codeOf(calls.submit({ label: 'x', run: () => Promise.resolve(1) }));
    calls.rejectWaiting((label) => new DroverError('unavailable', label));
    t.equal(await waiting, 'unavailable');
    block.end();
    await running;
    await t.rejects(
      calls.submit({ label: 'bad', run: () => Promise.reject(new DroverError('not-found', 'gone')) }),
      { code: 'not-found' },
    );
  });
});

const novaSpec = (name: string, value: string) => `<nova:extraSpec name="${name}">${value}</nova:extraSpec>`;

function novaDomain(version: string, flavor: string, more = ''): string {
  return `<domain><metadata>${more}<nova:instance xmlns:nova="http://openstack.org/xmlns/libvirt/nova/${version}"><nova:name>vm</nova:name><nova:flavor name="m1">${flavor}</nova:flavor></nova:instance></metadata></domain>`;
}

t.test('throttles of QEMU', async (t) => {
  const tags = throttleKeys.map(
    (key, index) => `<${throttleNames[key]}>${index + 2}</${throttleNames[key]}>`,
  );
  const { throttles } = parseDomainXml(
    `<domain><devices><disk><target dev='vda'/><iotune>${tags.join('')}</iotune></disk><disk><target dev='vdb'/></disk></devices></domain>`,
  );
  const all = Object.fromEntries(throttleKeys.map((key, index) => [key, index + 2]));
  t.same([...throttles], [['vda', all]], 'all 19');
  t.same(
    throttleParameters(all).map(({ value }) => value),
    throttleKeys.map((_, index) => index + 2),
  );
  t.same(
    canonicalThrottle({ readIopsSec: 0, writeIopsSec: 5, writeIopsSecMaxLengthSec: 1, sizeIopsSec: 1 }),
    { writeIopsSec: 5, sizeIopsSec: 1 },
    'zeros and the default length are not there',
  );
  t.equal(throttleParameters({}).length, 19, 'what is absent is lifted');
  t.throws(() => throttleParameters({ readIopsSec: 0.5 }), {
    code: 'invalid-argument',
    field: 'readIopsSec',
  });
  const rows: [throttle: DiskThrottle, fault: RegExp | undefined][] = [
    [{ totalBytesSec: 1, readIopsSec: 1 }, undefined],
    [{ totalBytesSec: 1, readBytesSec: 0 }, undefined],
    [{ totalBytesSec: 1, writeBytesSec: 1 }, /total and read\/write of total_bytes_sec cannot/],
    [{ readIopsSecMax: 9 }, /'read_iops_sec_max' cannot be set if 'read_iops_sec' is not set/],
    [{ readIopsSec: 9, readIopsSecMax: 8 }, /'read_iops_sec_max' cannot be smaller/],
    [{ readIopsSec: 9, readIopsSecMaxLengthSec: 2 }, /read_iops_sec_max/],
    [{ readIopsSec: 9, readIopsSecMax: 10, readIopsSecMaxLengthSec: 2 }, undefined],
  ];
  for (const [throttle, fault] of rows) {
    const said = throttleFault(throttle);
    if (fault) t.match(said, fault);
    else t.equal(said, undefined, JSON.stringify(throttle));
  }
});

t.test('domain XML', async (t) => {
  const none = noExplicit;
  const cases: { name: string; xml: string; want: object }[] = [
    {
      name: 'the smallest',
      xml: '<domain><vcpu>2</vcpu></domain>',
      want: emptyXmlPart,
    },
    {
      name: 'disks of every type, with entities in a path',
      xml: `<?xml version='1.0'?><domain><devices>
        <disk type='file'><driver cache='none'/><source file='/i/a&amp;b&#39;s.img'/><target dev='vda'/></disk>
        <disk type='block'><source dev='/dev/sdb'/><target dev='vdb'/></disk>
        <disk type='network'><source protocol='rbd' name='p/i'/><target dev='vdc'/></disk>
        <disk type='volume'><target dev='vdd'/></disk><disk type='file' device='cdrom'><target dev='sda'/></disk></devices></domain>`,
      want: {
        disks: [
          { target: 'vda', source: "/i/a&b's.img", type: 'file', cache: 'none' },
          { target: 'vdb', source: '/dev/sdb', type: 'block', cache: undefined },
          { target: 'vdc', source: undefined, type: 'network', cache: undefined },
          { target: 'vdd', source: undefined, type: 'other', cache: undefined },
          { target: 'sda', source: undefined, type: 'file', cache: undefined },
        ],
      },
    },
    {
      name: 'every explicit setting',
      xml: `<domain><vcpu>4</vcpu><cputune><shares>9</shares><period>1000</period><vcpupin vcpu='3' cpuset='1'/><vcpupin vcpu='0' cpuset='1'/><emulatorpin cpuset='0'/></cputune>
        <blkiotune><weight>5</weight><device><path>/dev/sda</path><read_iops_sec>5</read_iops_sec></device></blkiotune></domain>`,
      want: {
        explicit: {
          vcpuPins: [0, 3],
          emulatorPin: true,
          vcpuBandwidth: true,
          cpuShares: true,
          blockDevices: ['/dev/sda'],
        },
      },
    },
    {
      name: 'a quota alone',
      xml: '<domain><cputune><quota>5000</quota></cputune></domain>',
      want: { explicit: { ...none, vcpuBandwidth: true } },
    },
    {
      name: 'a CPU set on <vcpu>',
      xml: `<domain><vcpu cpuset='0-1'>2</vcpu></domain>`,
      want: { explicit: { ...none, vcpuPins: [0, 1], emulatorPin: true } },
    },
    {
      name: 'the allocation, whatever its prefix',
      xml: `<domain><metadata><x:allocation xmlns:x="https://drover.dev/xmlns/1" id="a1"/></metadata></domain>`,
      want: { allocationId: 'a1' },
    },
    {
      name: 'the allocation with a default namespace',
      xml: `<domain><metadata><allocation xmlns="https://drover.dev/xmlns/1" id="a2"/></metadata></domain>`,
      want: { allocationId: 'a2' },
    },
    {
      name: "not someone else's allocation",
      xml: `<domain><metadata><x:allocation xmlns:x="urn:other" id="a3"/></metadata></domain>`,
      want: { allocationId: '' },
    },
    {
      name: "Drover's element: class and extra specs",
      xml: `<domain><metadata><d:allocation xmlns:d="https://drover.dev/xmlns/1" id="a4" qos_class="gold"><d:extra_spec name="quota:cpu_shares"> 2048 </d:extra_spec><d:extra_spec name="hw:a&amp;b">x</d:extra_spec></d:allocation></metadata></domain>`,
      want: {
        allocationId: 'a4',
        qosClass: 'gold',
        specs: { 'quota:cpu_shares': '2048', 'hw:a&b': 'x' },
        specSource: 'drover',
        isNovas: false,
      },
    },
    {
      name: "Nova's flavor with extra specs",
      xml: novaDomain(
        '1.1',
        '<nova:extraSpecs>' + novaSpec('hw:cpu_policy', 'dedicated') + '</nova:extraSpecs>',
      ),
      want: { specs: { 'hw:cpu_policy': 'dedicated' }, specSource: 'nova', isNovas: true, allocationId: '' },
    },
    {
      name: "an older Nova's flavor has none",
      xml: novaDomain('1.0', '<nova:memory>512</nova:memory>'),
      want: { specs: {}, specSource: '', isNovas: true },
    },
    {
      name: "Drover's specs go over Nova's",
      xml: novaDomain(
        '1.1',
        '<nova:extraSpecs>' + novaSpec('a', 'nova') + novaSpec('b', 'nova') + '</nova:extraSpecs>',
        '<d:allocation xmlns:d="https://drover.dev/xmlns/1"><d:extra_spec name="b">ours</d:extra_spec></d:allocation>',
      ),
      want: { specs: { a: 'nova', b: 'ours' }, specSource: 'drover', isNovas: true },
    },
    {
      name: 'interfaces',
      xml: `<domain><devices>
        <interface type='bridge'><mac address='52:54:00:AA:00:01'/><source bridge='br-int'/><virtualport type='openvswitch'><parameters interfaceid='i-1'/></virtualport>
          <bandwidth><inbound average='1000' peak='2000' floor='5' burst='64'/><outbound average='300'/></bandwidth><target dev='vnet3'/><model type='virtio'/><driver name='vhost'/></interface>
        <interface type='network'><mac address='52:54:00:aa:00:02'/><source network='n' bridge='virbr0'/><bandwidth><inbound floor='5'/></bandwidth></interface>
        <interface type='vhostuser'><source type='unix' path='/s' mode='client'/></interface></devices></domain>`,
      want: {
        interfaces: [
          {
            target: 'vnet3',
            mac: '52:54:00:aa:00:01',
            type: 'bridge',
            bridge: 'br-int',
            virtualPort: 'openvswitch',
            interfaceId: 'i-1',
            model: 'virtio',
            driver: 'vhost',
            bandwidth: {
              inbound: {
                averageKilobytesSec: 1_000,
                peakKilobytesSec: 2_000,
                burstKilobytes: 64,
                floorKilobytesSec: 5,
              },
              outbound: { averageKilobytesSec: 300 },
            },
          },
          {
            target: '',
            type: 'network',
            bridge: 'virbr0',
            virtualPort: '',
            bandwidth: { inbound: { averageKilobytesSec: 0, floorKilobytesSec: 5 } },
          },
          { mac: '', type: 'vhostuser', bridge: '', model: '', driver: '' },
        ],
        explicit: { interfaceBandwidths: ['52:54:00:aa:00:01', '52:54:00:aa:00:02'] },
      },
    },
    {
      name: 'I/O threads, NUMA memory and huge pages',
      xml: `<domain><iothreads>4</iothreads><iothreadids><iothread id='2'/><iothread id='7'/></iothreadids><cputune><iothreadpin iothread='7' cpuset='1'/></cputune>
        <numatune><memory mode='strict' nodeset='0-1'/></numatune><memoryBacking><hugepages/></memoryBacking></domain>`,
      want: {
        ioThreads: [1, 2, 3, 7],
        numaMemory: { mode: 'strict', nodeset: '0-1' },
        hugepages: true,
        explicit: { ...none, ioThreadPins: [7], numaMemory: true },
      },
    },
    {
      name: 'a number of I/O threads that cannot be fills no list',
      xml: '<domain><iothreads>99999999</iothreads></domain>',
      want: { ioThreads: Array.from({ length: 1_024 }, (_, index) => index + 1) },
    },
    {
      name: 'a CPU set on <vcpu> pins I/O threads too; numad chooses the cells',
      xml: `<domain><vcpu cpuset='0'>1</vcpu><iothreads>1</iothreads><numatune><memory mode='interleave' placement='auto'/></numatune></domain>`,
      want: { explicit: { ioThreadPins: [1] }, numaMemory: { mode: 'interleave', nodeset: '' } },
    },
    {
      name: 'throttles and a weight of the definition',
      xml: `<domain><blkiotune><weight>500</weight></blkiotune><devices><disk><target dev='vda'/><iotune><read_iops_sec>100</read_iops_sec></iotune></disk>
        <disk><target dev='vdb'/><iotune><total_bytes_sec>0</total_bytes_sec></iotune></disk></devices></domain>`,
      want: { explicit: { ...none, blockWeight: true, diskThrottles: ['vda'] } },
    },
    {
      name: 'entities are not resolved',
      xml: `<!DOCTYPE d [<!ENTITY e "boom">]><domain><devices><disk type='file'><source file='&e;'/></disk></devices></domain>`,
      want: { disks: [{ source: '&e;' }] },
    },
  ];
  for (const { name, xml, want } of cases) t.match(parseDomainXml(xml).view, want, name);
  const many = Array.from({ length: 70 }, (_, index) => novaSpec(`s${index}`, 'x')).join('');
  const long = novaSpec('long', 'v'.repeat(256)) + novaSpec('n'.repeat(256), 'v') + novaSpec('', 'v');
  const { specs } = parseDomainXml(
    novaDomain('1.1', `<nova:extraSpecs>${long}${many}</nova:extraSpecs>`),
  ).view;
  t.same(
    Object.keys(specs),
    Array.from({ length: 64 }, (_, index) => `s${index}`),
    '64 specs of 255 characters, the rest is left',
  );
  for (const bad of ['', 'x', '<domain>', '<network/>', '<domain></disk></domain>']) {
    t.throws(() => parseDomainXml(bad), { code: 'libvirt-failed' }, JSON.stringify(bad));
  }
  t.throws(() => parseDomainXml(`<domain>${' '.repeat(4 * 1024 * 1024)}</domain>`), {
    code: 'libvirt-failed',
    message: /at most 4194304/,
  });
});

t.test('the cache of what the XML said', async (t) => {
  const parsed = parseDomainXml('<domain/>');
  const cache = new DomainCache(2);
  for (const uuid of ['a', 'b', 'c']) cache.put(cache.begin(uuid), 1, parsed);
  t.same([cache.size, cache.get('a', 1), cache.get('c', 1)], [2, undefined, parsed], 'the first makes room');
  t.equal(cache.get('c', 2), undefined, 'another start is another domain');
  t.equal(cache.get('c', undefined), parsed, 'whichever start');
  const [read, other] = [cache.begin('c'), cache.begin('d')];
  cache.invalidate('c');
  cache.put(read, 1, parsed);
  t.equal(cache.get('c', 1), undefined, 'what was read before the change is not kept');
  cache.put(other, 1, parsed);
  t.equal(cache.get('d', 1), parsed, 'a change of another domain takes nothing away');
  const failed = cache.begin('d');
  cache.drop(failed);
  cache.put(failed, 2, parsed);
  t.equal(cache.get('d', 2), undefined, 'a reading that failed is over');
  cache.keepOnly(new Set(['x']));
  t.equal(cache.size, 0);
  cache.put(cache.begin('d'), 1, parsed);
  const before = cache.begin('e');
  cache.clear();
  cache.put(before, 1, parsed);
  t.equal(cache.size, 0, 'also what was under way');
});

t.test('what the cache holds grows old, not all at one time', async (t) => {
  const parsed = parseDomainXml('<domain/>');
  let nowMs = 0;
  const cache = new DomainCache(300, () => nowMs);
  const uuids = Array.from({ length: 300 }, () => randomUUID());
  for (const uuid of uuids) cache.put(cache.begin(uuid), 1, parsed);
  const known = (): number => uuids.filter((uuid) => cache.get(uuid, 1)).length;
  let before = 300;
  let most = 0;
  for (nowMs = 30_000; nowMs <= 780_000; nowMs += 30_000) {
    if (nowMs < 450_000) t.equal(known(), 300, `${nowMs} ms`);
    most = Math.max(most, before - known());
    before = known();
  }
  t.equal(before, 0, 'after 13 minutes each was read again');
  t.ok(most > 0 && most < 75, `${most} of 300 at most in one look`);
  const [uuid = ''] = uuids;
  cache.put(cache.begin(uuid), 1, parsed);
  t.equal(cache.get(uuid, 1), parsed, 'what is read again is young again');
});

t.test('small readings', async (t) => {
  t.same([0, 1, 3, 5, 7, 99].map(domainState), [
    'unknown',
    'running',
    'paused',
    'shutoff',
    'pmsuspended',
    'unknown',
  ]);
  t.same([0, 2, 5, 8, 9].map(eventKind), ['defined', 'started', 'stopped', 'crashed', undefined]);
  t.same([9_000_000, 7_002_022, 11_003_000].map(formatVersion), ['9.0.0', '7.2.22', '11.3.0']);
  const directory = mkdtempSync(join(tmpdir(), 'drover-pid-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  for (const [name, content] of [
    ['vm', '4711\n'],
    ['empty', ''],
    ['odd', 'x12'],
    ['zero', '0'],
  ] as const)
    writeFileSync(join(directory, `${name}.pid`), content);
  t.same(
    ['vm', 'empty', 'odd', 'zero', 'none', '../vm'].map((name) => readDomainPid(directory, name)),
    [4711, undefined, undefined, undefined, undefined, undefined],
  );
});

t.test('settings as libvirt takes them', async (t) => {
  t.same([...cpuMap([0, 3, 9], 'pin')], [0b1001, 0b10]);
  t.same([...cpuMap([7], 'pin')], [0x80]);
  for (const cpus of [[], [-1], [1.5], [8192]])
    t.throws(() => cpuMap(cpus, 'pin'), { code: 'invalid-argument', field: 'pin' });
  t.same(
    schedulerParameters({ vcpuQuotaUs: -1, cpuShares: 2 }).map(({ name, value }) => `${name}=${value}`),
    ['vcpu_quota=-1', 'cpu_shares=2'],
  );
  t.throws(() => schedulerParameters({ vcpuPeriodUs: -1 }), {
    code: 'invalid-argument',
    field: 'vcpuPeriodUs',
  });
  t.throws(() => schedulerParameters({ cpuShares: 1.5 }), { code: 'invalid-argument', field: 'cpuShares' });
  t.same(
    blockParameters('/dev/vda', { readBytesSec: 0, writeIopsSec: 7 }).map(({ value }) => value),
    ['/dev/vda,0', '/dev/vda,7'],
  );
  for (const device of ['vda', '/dev/vda,5', '/dev/'])
    t.throws(() => blockParameters(device, {}), { code: 'invalid-argument', field: 'device' });
  t.throws(() => blockParameters('/dev/vda', { readIopsSec: -1 }), {
    code: 'invalid-argument',
    field: 'readIopsSec',
  });
});

t.test('weights, bandwidths and cells as libvirt takes them', async (t) => {
  const shown = (parameters: readonly { name: string; value: unknown }[]) =>
    parameters.map(({ name, value }) => `${name}=${String(value)}`);
  t.same(shown(weightParameters(10)), ['weight=10']);
  for (const weight of [9, 1_001, 10.5])
    t.throws(() => weightParameters(weight), { code: 'invalid-argument', field: 'blockWeight' });
  const inbound = { averageKilobytesSec: 1, peakKilobytesSec: 2, burstKilobytes: 3 };
  const parameters = bandwidthParameters({ inbound, outbound: null });
  t.same(
    shown(parameters).join(' '),
    [
      'inbound.average=1 inbound.peak=2 inbound.burst=3 outbound.average=0 outbound.peak=0 outbound.burst=0',
    ].join(' '),
  );
  t.same(bandwidthOf(new Map(parameters.map(({ name, value }) => [name, Number(value)]))), { inbound });
  const floored = { averageKilobytesSec: 0, floorKilobytesSec: 4 };
  const onlyInbound = bandwidthParameters({ inbound: floored });
  t.same(
    shown(onlyInbound).join(' '),
    'inbound.average=0 inbound.peak=0 inbound.burst=0 inbound.floor=4',
    'nothing is said of the direction that stays, and a floor goes along',
  );
  t.same(bandwidthOf(new Map(onlyInbound.map(({ name, value }) => [name, Number(value)]))), {
    inbound: floored,
  });
  for (const averageKilobytesSec of [2 ** 32, -1, 0.5])
    t.throws(() => bandwidthParameters({ outbound: { averageKilobytesSec } }), {
      code: 'invalid-argument',
      field: 'outbound.average',
    });
  t.same(shown(numaParameters([0, 1, 3])), ['numa_nodeset=0-1,3']);
  for (const cells of [[], [-1], [1_024]])
    t.throws(() => numaParameters(cells), { code: 'invalid-argument', field: 'memory cells' });
});

t.test('a listener that throws harms no other, and their number has an end', async (t) => {
  const faults: unknown[] = [];
  const heard: number[] = [];
  const listeners = new Listeners<number>((fault) => faults.push(fault));
  listeners.add(() => {
    throw new Error('bad');
  });
  const remove = listeners.add((value) => heard.push(value));
  listeners.tell(1);
  remove();
  listeners.tell(2);
  t.same([heard, faults.length], [[1], 2]);
  for (let count = 1; count < 64; count++) listeners.add(() => undefined);
  t.throws(() => listeners.add(() => undefined), /more than 64/);
});

t.test('a library that is not there is said, with what to install', async (t) => {
  t.throws(() => openLibrary('libvirt-is-not-here.so.0'), { code: 'unavailable', cure: /libvirt0/ });
});

t.test('typed parameters are built by libvirt', async (t) => {
  const library = openLibrary();
  const parameters = [
    { name: 'cpu_shares', type: 'unsigned', value: 512 },
    { name: 'vcpu_quota', type: 'signed', value: -1 },
    { name: 'x', type: 'text', value: '/dev/vda,1' },
  ] as const;
  const seen = await withParameters(library, parameters, async (list, count) => [typeof list, count]);
  t.same(seen, ['bigint', 3]);
  await t.rejects(
    withParameters(library, [{ name: 'n'.repeat(200), type: 'text', value: '' }], async () => 0),
    { code: 'internal' },
  );
});

t.test("libvirt's test driver", async (t) => {
  for (const bad of [{ connections: 0 }, { connections: 6 }, { deadlineMs: 0 }, { queueLimit: 0.5 }]) {
    await t.rejects(openHypervisor({ uri: 'test:///default', pidDirectory: '/nowhere', ...bad }), {
      code: 'invalid-argument',
      field: Object.keys(bad)[0] as string,
    });
  }
  const hypervisor = await openHypervisor({ uri: 'test:///default', pidDirectory: '/nowhere' });
  t.teardown(() => hypervisor.close());
  t.equal(hypervisor.reachable, true);
  const [domain] = await hypervisor.domains();
  t.match(domain, {
    name: 'test',
    id: 1,
    state: 'running',
    vcpus: 2,
    memoryBytes: 8 * 2 ** 30,
    pid: undefined,
  });
  const uuid = domain?.uuid ?? '';
  await hypervisor.pinVcpu({ uuid }, 1, [3]);
  await hypervisor.pinEmulator({ uuid }, [2]);
  await hypervisor.setScheduler({ uuid }, {});
  const key = { uuid, id: 1 };
  const mac = domain?.interfaces[0]?.mac ?? '';
  const bandwidth = {
    inbound: { averageKilobytesSec: 100, peakKilobytesSec: 200, burstKilobytes: 50 },
    outbound: { averageKilobytesSec: 70 },
  };
  await hypervisor.setInterfaceBandwidth(key, mac, bandwidth);
  t.same(await hypervisor.interfaceBandwidth(key, mac), bandwidth);
  t.same(
    (await hypervisor.domains())[0]?.interfaces[0]?.bandwidth,
    bandwidth,
    'a change of ours renews the view',
  );
  await hypervisor.setInterfaceBandwidth(key, mac, { inbound: null });
  t.same(await hypervisor.interfaceBandwidth(key, mac), { outbound: bandwidth.outbound });
  for (const old of [
    () => hypervisor.pinEmulator({ uuid, id: 7 }, [0]),
    () => hypervisor.interfaceBandwidth({ uuid, id: 7 }, mac),
    () => hypervisor.diskThrottles({ uuid, id: 7 }),
  ])
    await t.rejects(Promise.resolve<unknown>(old()), { code: 'not-found', message: /started anew/ });
  t.match(await hypervisor.versions(), { libvirt: /^\d+\./, test: '0.0.2' });
  await t.rejects(hypervisor.pinVcpu({ uuid }, 99, [0]), {
    code: 'libvirt-failed',
    message: /requested vcpu '99' is not present/,
  });
  await t.rejects(hypervisor.pinVcpu({ uuid: '00000000-0000-4000-8000-000000000000' }, 0, [0]), {
    code: 'not-found',
  });
  await hypervisor.close();
  await t.rejects(hypervisor.domains(), { code: 'unavailable' });
});

t.test('a connection that answered lately is used as it is, until somebody doubts it', async (t) => {
  const real = openLibrary();
  let isGone = false;
  const library = Object.assign(Object.create(real) as typeof real, {
    isAlive: (handle: Parameters<typeof real.isAlive>[0]) =>
      isGone ? Promise.resolve(0) : real.isAlive(handle),
  });
  const opener = new Opener(library, 'test:///default');
  const slot = new Connection(library, opener);
  t.teardown(async () => {
    await slot.close();
    slot.dispose();
  });
  const lease = { expired: false };
  const handles = new Set<unknown>();
  const use = async (): Promise<number> => {
    await slot.ready(lease);
    await slot.call(lease, 'ask', async (handle) => {
      handles.add(handle);
      return 0;
    });
    return handles.size;
  };
  t.equal(await use(), 1);
  isGone = true;
  t.equal(await use(), 1, 'nobody has looked');
  slot.doubt();
  t.equal(await use(), 2, 'it is opened anew');
});

t.test('a domain whose XML cannot be read is shown, and says so', async (t) => {
  const library = openLibrary();
  const opener = new Opener(library, 'test:///default');
  const slot = new Connection(library, opener);
  const queue = new CallQueue({ slots: [slot], queueLimit: 10, deadlineMs: 5_000 });
  let isBroken = true;
  const parts = {
    library: Object.assign(Object.create(library) as typeof library, {
      domainXml: (...each: Parameters<typeof library.domainXml>) =>
        isBroken ? Promise.resolve('<domain>') : library.domainXml(...each),
    }),
    queue,
    pidDirectory: '/nowhere',
    changeFlags: 0,
    events: new Listeners<DomainEvent>(() => undefined),
    states: new Listeners<boolean>(() => undefined),
    cache: new DomainCache(),
    own: new OwnChanges(),
    connected: () => true,
    close: () => Promise.resolve(),
  } as const;
  t.teardown(async () => {
    await slot.close();
    slot.dispose();
  });
  const hypervisor = new LibvirtHypervisor(parts);
  t.match(await hypervisor.domains(), [
    { name: 'test', disks: [], xmlUnknown: /^the XML of the domain could not be read: / },
  ]);
  isBroken = false;
  t.equal((await hypervisor.domains())[0]?.xmlUnknown, undefined, 'the next look reads it again');
});

t.test('lifecycle events of the test driver', async (t) => {
  const hypervisor = await openHypervisor({ uri: 'test:///default', pidDirectory: '/nowhere' });
  t.teardown(() => hypervisor.close());
  const kinds: string[] = [];
  const stop = hypervisor.onDomainEvent((event) => kinds.push(`${event.name} ${event.kind}`));
  await suspendAndResume('test');
  await until(() => kinds.length === 2, 2_000, 'no events');
  t.same(kinds, ['test suspended', 'test resumed']);
  stop();
});

/** The test driver's state lives in this process, and Drover's own room has no call for it: so by hand. */
async function suspendAndResume(name: string): Promise<void> {
  const { default: koffi } = await import('koffi');
  const libvirt = koffi.load('libvirt.so.0');
  const call = (name: string, result: string, ...args: string[]) =>
    libvirt.func(name, result, args) as unknown as (...args: unknown[]) => unknown;
  const connection = call('virConnectOpen', 'void *', 'str')('test:///default');
  const domain = call('virDomainLookupByName', 'void *', 'void *', 'str')(connection, name);
  for (const act of ['virDomainSuspend', 'virDomainResume', 'virDomainFree'])
    call(act, 'int', 'void *')(domain);
  call('virConnectClose', 'int', 'void *')(connection);
}

t.test('quickExit ends a process whose pool is stuck, which process.exit does not', async (t) => {
  const stuck = (end: string) => `
    import koffi from 'koffi';
    const { quickExit } = await import('${new URL('../../../../agent/libvirt/quick-exit.js', import.meta.url).href}');
    koffi.load('libc.so.6').func('int poll(void *, int, int)').async(null, 0, 3000, () => {});
    setTimeout(() => ${end}, 100);`;
  const run = promisify(execFile);
  const timed = async (end: string) => {
    const start = performance.now();
    const code = await run(process.execPath, ['--input-type=module', '-e', stuck(end)]).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
    return { code, ms: performance.now() - start };
  };
  const [quick, plain] = await Promise.all([timed('quickExit(7)'), timed('process.exit(7)')]);
  t.equal(quick.code, 7);
  t.ok(quick.ms < 2_000, `quickExit ${quick.ms.toFixed(0)} ms`);
  t.equal(plain.code, 7);
  t.ok(plain.ms > 2_500, `process.exit ${plain.ms.toFixed(0)} ms: it waits for the stuck thread`);
});
