/** Programs that write the same settings: the table, the scan of processes, and the tuner that stops units. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ProcessScan, processesNamed } from '../../../../agent/kernel/named-processes.js';
import {
  ownedTuners,
  ownerProcess,
  ownersFound,
  ownerTableProcesses,
  ownerTableUnits,
} from '../../../../agent/tuners/common/owner-table.js';
import { owners } from '../../../../agent/tuners/owners.js';
import type { HostView, Knob, Services } from '../../../../agent/tuners/tuner.js';
import { owners as schema, ownerUnits } from '../../../../proto/tuners/owners.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { makeTree } from '../kernel/tree.js';

const tunedOwns = ['transparent-hugepages', 'virtual-memory', 'sysctl', 'cpu-governor', 'block-queue'];

t.test('who owns what', async (t) => {
  const owned: [unit: string, profile: string, tuners: string[]][] = [
    ['ksmtuned.service', '', ['ksm']],
    ['tuned.service', 'virtual-host\n', tunedOwns],
    ['tuned.service', 'cpu-partitioning\n', [...tunedOwns, 'irq-affinity', 'vcpu-pinning']],
    ['tuned.service', 'realtime-virtual-host', [...tunedOwns, 'irq-affinity', 'vcpu-pinning']],
    ['irqbalance.service', 'cpu-partitioning', ['irq-affinity']],
    ['numad.service', '', ['vcpu-pinning', 'numa-memory']],
    ['momd.service', '', ['ksm', 'cpu-qos', 'block-qos']],
    ['libvirt-guests.service', '', ['guest-shutdown']],
    ['sshd.service', '', []],
  ]; // prettier-ignore
  for (const [unit, profile, tuners] of owned)
    t.strictSame(ownedTuners(unit, profile), tuners, `${unit} ${profile}`);
  const found: [units: Record<string, string>, processes: string[], owners: object][] = [
    [{}, [], {}],
    [{ 'ksmtuned.service': 'inactive', 'numad.service': 'failed' }, [], {}],
    [{ 'ksmtuned.service': 'active' }, [], { ksm: { owner: 'ksmtuned.service', evidence: 'the unit is active' } }],
    [{ 'irqbalance.service': 'deactivating' }, [], { 'irq-affinity': { owner: 'irqbalance.service', evidence: 'the unit is deactivating' } }],
    [{}, ['ksmtuned'], { ksm: { owner: 'ksmtuned', evidence: 'process 7 runs' } }],
    [{ 'ksmtuned.service': 'inactive' }, ['ksmtuned'], { ksm: { owner: 'ksmtuned', evidence: 'process 7 runs' } }],
    [{ 'ksmtuned.service': 'active' }, ['momd'], {
      ksm: { owner: 'ksmtuned.service', evidence: 'the unit is active' },
      'cpu-qos': { owner: 'momd', evidence: 'process 7 runs' },
      'block-qos': { owner: 'momd', evidence: 'process 7 runs' },
    }],
  ]; // prettier-ignore
  for (const [units, names, want] of found)
    t.strictSame(
      ownersFound(
        units,
        names.map((name, index) => ({ name, pid: 7 + index })),
      ),
      want,
      JSON.stringify(units) + names.join(),
    );
  t.ok(
    ownerUnits.every((unit) => ownedTuners(unit).length > 0 && ownerProcess(unit) !== undefined),
    'each unit that can be stopped is in the table',
  );
  t.ok(ownerTableUnits.includes('libvirt-guests.service'));
  t.ok(
    ownerTableProcesses.every((name) => name.length <= 15),
    'as the kernel cuts them',
  );
});

t.test('processes by name', async (t) => {
  const root = makeTree(t, {
    '/proc/1/comm': 'systemd\n',
    '/proc/20/comm': 'ksmtuned\n',
    '/proc/30/comm': 'python3\n',
    '/proc/30/cmdline': 'python3\0-Es\0/usr/sbin/tuned\0-l\0-P\0',
    '/proc/40/comm': 'python3\n',
    '/proc/40/cmdline': 'python3\0/usr/bin/other\0tuned\0',
    '/proc/50/comm': 'vim\n',
    '/proc/50/cmdline': 'vim\0/usr/sbin/tuned\0',
    '/proc/60/cmdline': '',
    '/proc/meminfo': '',
  });
  t.strictSame(processesNamed(root, ownerTableProcesses), [
    { name: 'ksmtuned', pid: 20 },
    { name: 'tuned', pid: 30 },
  ]);
  t.strictSame(
    processesNamed(root, ownerTableProcesses, 2),
    [{ name: 'ksmtuned', pid: 20 }],
    'the limit holds',
  );
  let nowMs = 0;
  let reads = 0;
  const list = root.list.bind(root);
  root.list = (file) => (reads++, list(file));
  const scan = new ProcessScan(root, ['ksmtuned'], () => nowMs);
  t.equal(scan.read().length, 1);
  nowMs = 59_999;
  scan.read();
  t.equal(reads, 1, 'at most once a minute');
  rmSync(join(root.path, '/proc/20'), { recursive: true });
  t.equal(scan.read().length, 0, 'one that has ended is seen at once');
  nowMs = 60_000;
  scan.read();
  t.equal(reads, 2);
});

t.test('units that may be stopped', async (t) => {
  t.ok(schema.safeParse({ take_over: ['ksmtuned.service', 'tuned.service'] }).success);
  const cases: [unknown, RegExp][] = [
    [['sshd.service'], /one of ksmtuned\.service, tuned\.service/],
    [['libvirt-guests.service'], /shuts all guests down/],
    [['numad.service', 'numad.service'], /each unit once/],
  ];
  for (const [units, message] of cases)
    t.match(schema.safeParse({ take_over: units }).error?.issues[0]?.message, message);
});

const view = { domains: [] } as unknown as HostView;

t.test('the tuner, with systemd', async (t) => {
  const states: Record<string, string> = {
    'ksmtuned.service': 'active',
    'tuned.service': 'failed',
    'numad.service': 'reloading',
  };
  const calls: string[] = [];
  const services: Services = {
    states: async (units) =>
      Object.fromEntries(Object.entries(states).filter(([unit]) => units.includes(unit))),
    start: async (unit) => void (calls.push(`start ${unit}`), (states[unit] = 'active')),
    stop: async (unit) => void (calls.push(`stop ${unit}`), (states[unit] = 'inactive')),
  };
  const ports = { kernel: makeTree(t, {}), hypervisor: undefined, services };
  const values = async (): Promise<Record<string, string | undefined>> =>
    Object.fromEntries((await owners.observe(ports, view)).map(({ knob, value }) => [knob.setting, value]));
  t.strictSame(await values(), {
    'ksmtuned.service': 'active', 'tuned.service': 'inactive', 'irqbalance.service': 'inactive', 'numad.service': 'active',
    'momd.service': 'inactive', 'mom-vdsm.service': 'inactive', 'power-profiles-daemon.service': 'inactive',
  }); // prettier-ignore
  const readings = await owners.observe(ports, view);
  t.match(
    readings.find(({ knob }) => knob.setting === 'irqbalance.service'),
    { evidence: 'not installed' },
  );
  const wants = owners.want({ take_over: ['ksmtuned.service'] }, readings, view);
  t.match(wants, [{ knob: { setting: 'ksmtuned.service' }, value: 'inactive', effect: 'now', affects: [] }]);
  const knob = wants[0]?.knob as Knob;
  await owners.write(ports, knob, 'inactive');
  t.equal((await values())['ksmtuned.service'], 'inactive');
  await owners.write(ports, knob, 'active');
  t.equal((await values())['ksmtuned.service'], 'active');
  t.strictSame(calls, ['stop ksmtuned.service', 'start ksmtuned.service']);
});

t.test('the tuner, without systemd', async (t) => {
  const kernel = makeTree(t, { '/proc/9/comm': 'numad\n' });
  const silent: Services = {
    states: () => Promise.reject(new DroverError('deadline-exceeded', 'no answer')),
    start: () => Promise.reject(new Error('never called')),
    stop: () => Promise.reject(new Error('never called')),
  };
  const cases: [Services | undefined, RegExp][] = [
    [undefined, /numad runs as process 9, and there is no systemd on this host: stop it by hand/],
    [silent, /numad runs as process 9, and no answer/],
  ];
  for (const [services, reason] of cases) {
    const readings = await owners.observe(
      { kernel, hypervisor: undefined, ...(services && { services }) },
      view,
    );
    t.match(
      readings.find(({ knob }) => knob.setting === 'numad.service'),
      { value: undefined, unsupported: reason },
    );
    t.match(
      readings.find(({ knob }) => knob.setting === 'tuned.service'),
      { value: 'inactive', evidence: 'no such process' },
    );
  }
  const knob = { tuner: 'owners', setting: 'numad.service', source: '' } as const;
  await t.rejects(owners.write({ kernel, hypervisor: undefined }, knob, 'inactive'), { code: 'unsupported' });
});
