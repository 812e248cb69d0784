/** interface-qos and vhost-net: what is asked, what is written, what a device shows. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { askTc, parseLimits, type DeviceLimits } from '../../../../agent/kernel/traffic-control.js';
import { vhostQueues, vhostThreads } from '../../../../agent/kernel/vhost.js';
import type {
  DomainInterface,
  InterfaceBandwidth,
  InterfaceBandwidthChange,
  InterfaceRate,
} from '../../../../agent/libvirt/hypervisor.js';
import {
  dropsPart,
  formatRate,
  parseRate,
  specRate,
  wantedRate,
} from '../../../../agent/tuners/common/network/interface-rate.js';
import { compareShaping, ShapingLooks } from '../../../../agent/tuners/common/network/shaping-looks.js';
import { interfaceQos } from '../../../../agent/tuners/interface-qos.js';
import type { Knob, Reading, TunerPorts, Want } from '../../../../agent/tuners/tuner.js';
import { vhostNet } from '../../../../agent/tuners/vhost-net.js';
import { interfaceQos as schema } from '../../../../proto/tuners/interface-qos.js';
import { FakeHost } from '../../../support/fake-host.js';
import { makeTree } from '../kernel/tree.js';

const mac = '52:54:00:00:00:01';
const nic: DomainInterface = {
  target: 'vnet0',
  mac,
  type: 'bridge',
  bridge: 'br0',
  virtualPort: '',
  interfaceId: '',
  model: 'virtio',
  driver: '',
  bandwidth: {},
};
const ovsNic: DomainInterface = { ...nic, virtualPort: 'openvswitch' };

function makeHost(t: Test): FakeHost {
  const host = new FakeHost();
  t.teardown(() => host.dispose());
  return host;
}

t.test('settings', async (t) => {
  const cases: [unknown, RegExp | undefined][] = [
    [{}, undefined],
    [
      { inbound: { average: 1000, peak: 2000, burst: 64 }, outbound: { average: 500, burst: 400 } },
      undefined,
    ],
    [{ inbound: { average: 0 } }, undefined],
    [{ inbound: { average: 1000, peak: 999 } }, /at least the average/],
    [{ inbound: { average: 0, burst: 5 } }, /lifts the limit/],
    [{ outbound: { average: 10, peak: 20 } }, /policed at its average/],
    [{ inbound: { average: 536_870_912 } }, /./],
    [{ inbound: { average: 1, burst: 4_194_304 } }, /./],
    [{ inbound: { average: 1, floor: 3 } }, /floor/],
  ];
  for (const [settings, message] of cases) {
    const { error } = schema.safeParse(settings);
    t.match(error?.issues[0]?.message, message, JSON.stringify(settings));
    t.equal(error === undefined, message === undefined);
  }
});

t.test('rates as text', async (t) => {
  const texts = [
    'unlimited',
    'average 1',
    'average 1000 peak 2000',
    'average 1000 burst 64',
    'average 1000 peak 1000 burst 7',
    'floor 500',
    'average 1000 floor 500',
    'average 1000 peak 2000 burst 7 floor 500',
  ];
  for (const text of texts) t.equal(formatRate(parseRate(text)), text);
  t.equal(formatRate({ averageKilobytesSec: 0, peakKilobytesSec: 5 }), 'unlimited');
  t.equal(formatRate({ averageKilobytesSec: 9, peakKilobytesSec: 0, burstKilobytes: 0 }), 'average 9');
  const wanted: [Parameters<typeof wantedRate>, string][] = [
    [[{ average: 1000 }, 'inbound', false], 'average 1000'],
    [[{ average: 1000 }, 'inbound', true], 'average 1000 peak 1000'],
    [[{ average: 1000, peak: 3000, burst: 9 }, 'inbound', true], 'average 1000 peak 3000 burst 9'],
    [[{ average: 1000 }, 'outbound', true], 'average 1000 burst 800'],
    [[{ average: 1001 }, 'outbound', false], 'average 1001 burst 801'],
    [[{ average: 10 }, 'outbound', true], 'average 10 burst 64'],
    [[{ average: 536_870_911 }, 'outbound', true], 'average 536870911 burst 4194303'],
    [[{ average: 1000, burst: 5 }, 'outbound', true], 'average 1000 burst 5'],
    [[{ average: 0 }, 'inbound', true], 'unlimited'],
    [[{ average: 0 }, 'outbound', false], 'unlimited'],
  ];
  for (const [asked, text] of wanted) t.equal(wantedRate(...asked), text, JSON.stringify(asked));
  t.ok(dropsPart(parseRate('average 1 peak 2'), parseRate('average 1')));
  t.ok(dropsPart(parseRate('average 1 peak 2 burst 3'), parseRate('average 1 peak 2')));
  t.notOk(dropsPart(parseRate('average 1'), parseRate('average 2 burst 1')));
  t.notOk(dropsPart(parseRate('average 1 peak 2'), undefined), 'lifting takes all away');
  t.notOk(dropsPart(undefined, parseRate('average 1')));
});

t.test('extra specs', async (t) => {
  const cases: [specs: Record<string, string>, want: object | undefined][] = [
    [{}, undefined],
    [{ 'quota:vif_outbound_average': '9' }, undefined],
    [{ 'quota:vif_inbound_average': '1000' }, { average: 1000, peak: undefined, burst: undefined }],
    [{ 'quota:vif_inbound_average': '1000', 'quota:vif_inbound_peak': '2000', 'quota:vif_inbound_burst': '64' }, { average: 1000, peak: 2000, burst: 64 }],
    [{ 'quota:vif_inbound_average': '0' }, { average: 0, peak: undefined, burst: undefined }],
    [{ 'quota:vif_inbound_average': 'fast' }, { fault: /quota:vif_inbound_average is fast; want a whole number/ }],
    [{ 'quota:vif_inbound_peak': '5' }, { fault: /average is absent/ }],
    [{ 'quota:vif_inbound_average': '10', 'quota:vif_inbound_peak': '5' }, { fault: /at least the average, 10/ }],
  ]; // prettier-ignore
  for (const [specs, want] of cases) t.match(specRate({ specs }, 'inbound'), want, JSON.stringify(specs));
});

async function look(
  host: FakeHost,
  settings: object = {},
  more: Partial<TunerPorts> = {},
): Promise<{ readings: Reading[]; wants: Want[] }> {
  const readings = await interfaceQos.observe({ ...host.ports, ...more }, host.view());
  return { readings, wants: interfaceQos.want(schema.parse(settings), readings, host.view()) };
}

t.test('wants of interfaces', async (t) => {
  const host = makeHost(t);
  const settings = { inbound: { average: 1000 }, outbound: { average: 500 } };
  const kinds: Partial<DomainInterface>[] = [
    {},
    { mac: '52:54:00:00:00:02', virtualPort: 'openvswitch' },
    { mac: '52:54:00:00:00:03', type: 'vhostuser' },
    { mac: '52:54:00:00:00:04', type: 'direct' },
    { mac: '52:54:00:00:00:05', target: '' },
  ];
  host.start({ name: 'a', interfaces: kinds.map((kind) => ({ ...nic, ...kind })) });
  host.start({
    name: 'b',
    interfaces: [nic],
    specs: { 'quota:vif_inbound_average': '77', 'quota:vif_outbound_average': 'x' },
    explicit: { interfaceBandwidths: [mac] },
  });
  const { readings, wants } = await look(host, settings);
  const of = (name: string): (string | undefined)[][] =>
    wants
      .filter(({ knob }) => knob.domain?.name === name)
      .map(({ knob, value, held, remark }) => [
        knob.setting.slice(0, -18),
        knob.setting.slice(-2),
        value,
        held ?? remark,
      ]);
  t.strictSame(of('a').slice(0, 4), [
    ['inbound', '01', 'average 1000', undefined],
    ['outbound', '01', 'average 500 burst 400', 'burst sized to the rate: 400 kilobytes'],
    ['inbound', '02', 'average 1000 peak 1000', 'peak is the average: Open vSwitch limits at the peak only'],
    ['outbound', '02', 'average 500 burst 400', 'burst sized to the rate: 400 kilobytes'],
  ]);
  t.match(of('b'), [
    ['inbound', '01', 'average 77', undefined],
    ['outbound', '01', 'unknown', /quota:vif_outbound_average is x/],
  ]);
  const reasons = readings.filter(({ unsupported }) => unsupported).map(({ unsupported }) => unsupported);
  t.match(reasons, [
    /shared memory/,
    /shared memory/,
    /macvtap/,
    /macvtap/,
    /no device on the host/,
    /no device/,
  ]);
  t.ok(readings.filter(({ knob }) => knob.domain?.name === 'b').every(({ explicit }) => explicit));
  t.strictSame((await look(host)).wants.length, 2, 'settings without directions: only what flavors ask');
  t.strictSame((await look(host, settings)).wants, wants, 'same readings, same wants');
});

t.test('writing one direction', async (t) => {
  const host = makeHost(t);
  const bandwidth: InterfaceBandwidth = {
    inbound: { averageKilobytesSec: 10, peakKilobytesSec: 20, burstKilobytes: 30 },
    outbound: { averageKilobytesSec: 5, burstKilobytes: 6 },
  };
  const domain = host.start({ name: 'a', interfaces: [{ ...ovsNic, bandwidth }] });
  const calls: InterfaceBandwidthChange[] = [];
  const plain = host.setInterfaceBandwidth.bind(host);
  host.setInterfaceBandwidth = async (key, address, next) => (calls.push(next), plain(key, address, next));
  const { readings } = await look(host);
  t.strictSame(
    readings.map(({ value }) => value),
    ['average 10 peak 20 burst 30', 'average 5 burst 6'],
  );
  const [inbound, outbound] = readings.map(({ knob }) => knob) as [Knob, Knob];
  await interfaceQos.write(host.ports, inbound, 'average 40 peak 40');
  t.strictSame(
    calls,
    [{ inbound: null }, { inbound: { averageKilobytesSec: 40, peakKilobytesSec: 40 } }],
    'what drops a part is lifted first; nothing is said of outbound',
  );
  await interfaceQos.write(host.ports, inbound, 'unlimited');
  await interfaceQos.write(host.ports, outbound, 'average 7 burst 6');
  t.strictSame(calls.slice(2), [
    { inbound: null },
    { outbound: { averageKilobytesSec: 7, burstKilobytes: 6 } },
  ]);
  for (const reading of readings) await interfaceQos.write(host.ports, reading.knob, reading.value as string);
  t.strictSame(await host.interfaceBandwidth(domain, mac), bandwidth, 'the originals come back exactly');
  host.interfaceBandwidth = () => Promise.reject(new Error('gone'));
  t.match((await look(host)).readings, [
    { unsupported: /libvirt does not tell: gone/ },
    { unsupported: /gone/ },
  ]);
});

t.test('a floor of libvirt stays', async (t) => {
  for (const now of ['floor 500', 'average 900 peak 1000 burst 7 floor 500']) {
    const host = makeHost(t);
    const outbound = { averageKilobytesSec: 5 };
    const bandwidth = { inbound: parseRate(now) as InterfaceRate, outbound };
    const domain = host.start({ name: 'a', interfaces: [{ ...nic, bandwidth }] });
    for (const [average, wanted] of [
      [1000, 'average 1000 floor 500'],
      [0, 'floor 500'],
    ] as const) {
      const { readings, wants } = await look(host, { inbound: { average } });
      const [first, ...rest] = wants as [Want, ...Want[]];
      t.strictSame([first.value, rest.length], [wanted, 0]);
      await interfaceQos.write(host.ports, first.knob, first.value);
      t.strictSame(
        await host.interfaceBandwidth(domain, mac),
        { inbound: parseRate(wanted), outbound },
        'limited, and the floor is there',
      );
      await interfaceQos.write(host.ports, first.knob, readings[0]?.value as string);
      t.strictSame(await host.interfaceBandwidth(domain, mac), bandwidth, 'undone exactly');
    }
  }
});

const htb = `class htb 1:1 parent 1:fffe prio 0 rate 9872Kbit ceil 16Mbit burst 64Kb cburst 64Kb
class htb 1:fffe root rate 16Mbit ceil 16Mbit burst 1498b cburst 1498b`;
const basic = `filter protocol all pref 49 basic chain 0
filter protocol all pref 49 basic chain 0 handle 0x1
	action order 1:  police 0x1 rate 4Mbit burst 256Kb mtu 64Kb action drop overhead 0b `;

t.test('what a device shows', async (t) => {
  const parsed: [string, string, DeviceLimits][] = [
    ['', '', {}],
    [htb, basic, { htb: { rateBitsSec: 9_872_000, ceilBitsSec: 16_000_000 }, policeBitsSec: 4_000_000 }],
    [
      'class htb 1:1 root leaf 2: prio 0 rate 1.5Gbit ceil 10Gbit burst 1b',
      '',
      { htb: { rateBitsSec: 1.5e9, ceilBitsSec: 1e10 } },
    ],
    [
      '',
      'filter parent ffff: protocol all pref 49152 u32 police 0x3 rate 800bit burst 1Kb',
      { policeBitsSec: 800 },
    ],
    ['class fq 1:1', 'filter u32 chain 0 rate 3Mbit', {}],
  ];
  for (const [classes, filters, limits] of parsed) t.strictSame(parseLimits(classes, filters), limits);
  const seen = parsed[1]?.[2] as DeviceLimits;
  const compared: [
    Parameters<typeof compareShaping>[1],
    string,
    Parameters<typeof compareShaping>[3],
    object | undefined,
  ][] = [
    [
      'inbound',
      'average 1234 peak 2000',
      seen,
      { evidence: 'htb on vnet0: rate 9.872 Mbit/s ceil 16 Mbit/s' },
    ],
    ['inbound', 'average 1234', seen, { ineffective: /ceil 16 Mbit\/s, not rate 9.872 Mbit\/s ceil 9.872/ }],
    ['inbound', 'average 900 peak 2000', seen, { ineffective: /not rate 7.2/ }],
    ['inbound', 'average 900', {}, { ineffective: /no htb class/ }],
    ['outbound', 'average 500', seen, { evidence: 'policer on vnet0: rate 4 Mbit/s' }],
    ['outbound', 'average 400', seen, { ineffective: /rate 4 Mbit\/s, not 3.2 Mbit\/s/ }],
    ['outbound', 'average 400', {}, { ineffective: /no policer: .*act_police/ }],
    ['outbound', 'average 400', { fault: 'tc is not installed' }, undefined],
  ];
  for (const [direction, text, answer, want] of compared)
    t.match(
      compareShaping('vnet0', direction, parseRate(text) as InterfaceRate, answer),
      want,
      `${direction} ${text}`,
    );
  t.match(await askTc(['/nowhere/tc'])('vnet0'), { fault: '/nowhere/tc is not installed' });
  t.match(await askTc()('-x; rm'), { fault: /no device name/ });
  t.match(await askTc(['sh', '-c', 'echo broken >&2; exit 1'])('vnet0'), { fault: 'tc vnet0: broken' });
  const root = makeTree(t, {
    '/tc': '#!/bin/sh\n[ $1 = class ] && echo "class htb 1:1 root rate 8Mbit ceil 8Mbit burst 1b" || :\n',
  });
  chmodSync(join(root.path, 'tc'), 0o755);
  t.strictSame(await askTc([join(root.path, 'tc')])('vnet0'), {
    htb: { rateBitsSec: 8e6, ceilBitsSec: 8e6 },
  });
});

t.test('looks are few', async (t) => {
  let nowMs = 0;
  let asked = 0;
  let open: (() => void) | undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  const ask = async (): Promise<DeviceLimits> => (asked++, await gate, {});
  const looks = new ShapingLooks({
    ask,
    monotonicMs: () => nowMs,
    maximumKept: 5,
    maximumRunning: 2,
    maximumWaiting: 3,
  });
  const first = Array.from({ length: 8 }, (_, n) => looks.look(`k${n}`, 'vnet0', 'a'));
  t.strictSame(
    await Promise.all(first.slice(5)),
    [undefined, undefined, undefined],
    'beyond running and waiting: not now',
  );
  t.equal(asked, 2, 'two at once');
  open?.();
  t.strictSame(await Promise.all(first.slice(0, 5)), [{}, {}, {}, {}, {}]);
  t.equal(asked, 5);
  await looks.look('k4', 'vnet0', 'a');
  t.equal(asked, 5, 'the same limits: the last answer');
  await looks.look('k4', 'vnet0', 'b');
  t.equal(asked, 6, 'others: asked at once');
  nowMs = 600_000;
  await looks.look('k4', 'vnet0', 'b');
  t.equal(asked, 7, 'an old answer is renewed');
  await Promise.all(['k0', 'k1', 'k2', 'k3'].map((key) => looks.look(key, 'vnet0', 'a')));
  t.equal(asked, 9, 'but only by a free hand');
  for (let n = 0; n < 9; n++) await looks.look(`n${n}`, 'vnet0', 'a');
  t.equal(looks.kept, 5, 'the oldest go');
});

t.test('evidence in readings', async (t) => {
  const host = makeHost(t);
  const bandwidth = { inbound: { averageKilobytesSec: 1000 }, outbound: { averageKilobytesSec: 500 } };
  host.start({ name: 'a', interfaces: [{ ...nic, bandwidth }] });
  host.start({ name: 'b', interfaces: [nic] });
  let asked = 0;
  const ask = async (): Promise<DeviceLimits> => (asked++, { htb: { rateBitsSec: 8e6, ceilBitsSec: 8e6 } });
  const shaping = new ShapingLooks({ ask, monotonicMs: () => 0 });
  for (let pass = 0; pass < 3; pass++)
    t.match((await look(host, {}, { shaping })).readings, [
      { evidence: /rate 8 Mbit/, ineffective: undefined },
      { ineffective: /no policer/ },
      { evidence: undefined, ineffective: undefined },
      {},
    ]);
  t.equal(asked, 1, 'once for three passes, and never for what is not limited');
});

t.test('300 interfaces in a pass', async (t) => {
  const host = makeHost(t);
  const bandwidth = { inbound: { averageKilobytesSec: 1000 } };
  const interfaces = Array.from({ length: 20 }, (_, n) => ({
    ...nic,
    bandwidth,
    mac: `52:54:00:00:01:${10 + n}`,
  }));
  for (let n = 0; n < 15; n++) host.start({ name: `d${n}`, interfaces });
  const { readings } = await look(host, { inbound: { average: 1000 } });
  const audit = await vhostNet.observe(host.ports, host.view());
  t.strictSame([readings.length, audit.length], [600, 300]);
});

/** Open files and threads of vhost for a domain of the fake host. */
function giveVhost(host: FakeHost, pid: number, queues: number): void {
  const folder = join(host.directory, `/proc/${pid}/fd`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '0'), '');
  for (let n = 1; n <= queues; n++) symlinkSync('/dev/vhost-net', join(folder, String(n)));
}

t.test('vhost-net', async (t) => {
  const cases: [node: boolean, kind: Partial<DomainInterface>, queues: number, reading: object, want: object][] = [
    [true, {}, 1, { value: 'used', evidence: /^1 open \/dev\/vhost-net/ }, { value: 'used', effect: 'domain-restart', affects: ['a'] }],
    [true, {}, 0, { value: 'not used', evidence: 'no open /dev/vhost-net' }, { deferred: /started without/ }],
    [true, { driver: 'qemu' }, 0, { value: 'not used' }, { deferred: /<driver name='qemu'\/>/ }],
    [false, {}, 0, { value: 'not used' }, { unsupported: /without vhost_net, or the module is not loaded/ }],
    [true, { type: 'vhostuser' }, 1, { value: undefined, unsupported: /vhost-user/ }, {}],
    [true, { type: 'user' }, 1, { value: undefined, unsupported: /no tap/ }, {}],
  ]; // prettier-ignore
  for (const [node, kind, queues, reading, want] of cases) {
    const host = makeHost(t);
    const { pid } = host.start({
      name: 'a',
      interfaces: [
        { ...nic, ...kind },
        { ...nic, model: 'e1000', mac: 'x' },
      ],
    });
    giveVhost(host, pid as number, queues);
    if (node) host.put('/dev/vhost-net', '');
    const readings = await vhostNet.observe(host.ports, host.view());
    const label = JSON.stringify({ node, kind, queues });
    t.equal(readings.length, 1, 'only virtio');
    t.match(readings[0], reading, label);
    t.match(vhostNet.want({ require: true }, readings, host.view()), [want], label);
    t.strictSame(vhostNet.want({ require: false }, readings, host.view()), []);
    await t.rejects(vhostNet.write(host.ports, readings[0]?.knob as Knob, 'used'), { code: 'unsupported' });
  }
  const two = makeHost(t);
  two.put('/dev/vhost-net', '');
  const { pid } = two.start({ name: 'a', interfaces: [nic, { ...nic, mac: '52:54:00:00:00:09' }] });
  giveVhost(two, pid as number, 1);
  t.match(await vhostNet.observe(two.ports, two.view()), [
    { value: 'not used' },
    { value: 'not used', obstacle: /has 1 open .* for 2/ },
  ]);
});

t.test('threads of vhost', async (t) => {
  const v1 = { '/proc/self/mounts': 'cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0\n' };
  const cgroup = {
    controllers: { cpuset: '/sys/fs/cgroup/cpuset' },
    unifiedControllers: [],
    version: 'v1',
  } as never;
  const status = (cpus: string): string => `Cpus_allowed_list:\t${cpus}\n`;
  const root = makeTree(t, {
    ...v1,
    '/proc/70/cgroup': '2:cpuset:/machine/a/emulator\n',
    '/proc/70/task/70/comm': 'qemu\n',
    '/proc/70/task/72/comm': 'vhost-70\n',
    '/proc/72/comm': 'vhost-70\n',
    '/proc/72/task/72/status': status('1'),
    '/proc/71/comm': 'vhost-70\n',
    '/proc/71/task/71/status': status('0-3'),
    '/sys/fs/cgroup/cpuset/machine/a/emulator/tasks': '70\n71\n99\n',
    '/proc/99/comm': 'vhost-9\n',
  });
  mkdirSync(dirname(join(root.path, '/proc/70/fd/0')), { recursive: true });
  t.equal(vhostQueues(root, 70), undefined, 'no open files are seen');
  t.strictSame(
    vhostThreads(root, cgroup, 70),
    [
      { tid: 71, cpus: '0-3' },
      { tid: 72, cpus: '1' },
    ],
    "the kernel's and QEMU's own",
  );
  t.strictSame(vhostThreads(root, cgroup, 1234), [], 'a process that is gone');
});
