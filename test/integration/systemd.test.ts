/** agent/systemd against a real message bus of its own, a service with systemd's interface, and libsystemd. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import dbus from 'dbus-next';
import t, { type Test } from 'tap';
import { callBus } from '../../agent/systemd/bus.js';
import { notifier } from '../../agent/systemd/notify.js';
import { services, type UnitServices } from '../../agent/systemd/services.js';
import { unitStates } from '../../agent/systemd/units.js';
import { HostRoot } from '../../agent/kernel/root.js';
import { owners } from '../../agent/tuners/owners.js';
import type { HostView, Knob } from '../../agent/tuners/tuner.js';
import { startBus } from '../support/private-bus.js';
import { hasProgram } from '../support/private-libvirtd.js';
import { until } from '../support/poll.js';

const units: Record<string, [load: string, active: string]> = {
  'libvirtd.service': ['loaded', 'active'],
  'ksmtuned.service': ['loaded', 'failed'],
  'irqbalance.service': ['loaded', 'active'],
  'broken.service': ['loaded', 'inactive'],
  'slow.service': ['loaded', 'active'],
};

/** Jobs that systemd has not done yet, by unit, and what was asked of it. */
const jobs = new Map<string, number>();
const asked: string[] = [];
const set: { name: string; runtime: boolean; properties: unknown[][] }[] = [];
let nextJob = 1;

/** A job that ends some looks later: the unit goes through the state between, and has a job id as long. */
function beginJob(name: string, between: string, end: string): string {
  const job = nextJob++;
  if (units[name] === undefined)
    throw new dbus.DBusError('org.freedesktop.systemd1.NoSuchUnit', `Unit ${name} not loaded.`);
  jobs.set(name, job);
  setTimeout(() => (units[name] = ['loaded', between]), 30);
  if (name !== 'slow.service')
    setTimeout(() => {
      units[name] = ['loaded', end];
      jobs.delete(name);
    }, 120);
  return `/org/freedesktop/systemd1/job/${job}`;
}

/** systemd's manager, as far as it is asked: one row of ten fields for each name. */
class Manager extends dbus.interface.Interface {
  ListUnitsByNames(names: string[]): unknown[] {
    return names.map((name) => {
      const [load, active] = units[name] ?? ['not-found', 'inactive'];
      return [
        name,
        `about ${name}`,
        load,
        active,
        'running',
        '',
        '/org/freedesktop/systemd1/unit/x',
        jobs.get(name) ?? 0,
        jobs.has(name) ? 'stop' : '',
        '/',
      ];
    });
  }

  StopUnit(name: string, mode: string): string {
    asked.push(`stop ${name} ${mode}`);
    return beginJob(name, 'deactivating', 'inactive');
  }

  /** Keeps what was set: the signature and the value of each property, as they came over the bus. */
  SetUnitProperties(name: string, runtime: boolean, properties: [string, dbus.Variant][]): void {
    if (units[name] === undefined)
      throw new dbus.DBusError('org.freedesktop.systemd1.NoSuchUnit', `Unit ${name} not loaded.`);
    set.push({
      name,
      runtime,
      properties: properties.map(([key, { signature, value }]) => [
        key,
        signature,
        value instanceof Uint8Array ? [...value] : value,
      ]),
    });
  }

  StartUnit(name: string, mode: string): string {
    asked.push(`start ${name} ${mode}`);
    return beginJob(name, 'activating', name === 'broken.service' ? 'failed' : 'active');
  }
}
Manager.configureMembers({
  methods: {
    ListUnitsByNames: { inSignature: 'as', outSignature: 'a(ssssssouso)' },
    StopUnit: { inSignature: 'ss', outSignature: 'o' },
    StartUnit: { inSignature: 'ss', outSignature: 'o' },
    SetUnitProperties: { inSignature: 'sba(sv)', outSignature: '' },
  },
});

/** Limits of a unit arrive as systemd wants them: a CPU mask with the lowest byte first, bytes in 64 bits. */
async function limitsOfUnits(t: Test, { setResources }: UnitServices): Promise<void> {
  const unit = 'libvirtd.service';
  const noLimit = 18_446_744_073_709_551_615n; // UINT64_MAX, systemd's word for it
  for (const [limits, ...properties] of [
    [{ allowedCpus: [0] }, ['AllowedCPUs', 'ay', [0b1]]],
    [{ allowedCpus: [9, 1, 0, 15] }, ['AllowedCPUs', 'ay', [0b11, 0b1000_0010]]],
    [{ allowedCpus: [64] }, ['AllowedCPUs', 'ay', [0, 0, 0, 0, 0, 0, 0, 0, 1]]],
    [{ memoryMaxBytes: 2 ** 40 + 4096 }, ['MemoryMax', 't', 1_099_511_631_872n]],
    [{ memoryMaxBytes: Number.POSITIVE_INFINITY }, ['MemoryMax', 't', noLimit]],
    [{ allowedCpus: [2, 3], memoryMaxBytes: 1 }, ['AllowedCPUs', 'ay', [0b1100]], ['MemoryMax', 't', 1n]],
  ] as const) {
    await setResources(unit, limits);
    t.strictSame(set.splice(0), [{ name: unit, runtime: true, properties }]);
  }
  await setResources(unit, {});
  await t.rejects(setResources(unit, { allowedCpus: [] }), {
    code: 'invalid-argument',
    field: 'allowedCpus',
  });
  t.strictSame(set, [], 'nothing to set, nothing sent');
  await t.rejects(setResources('nothing.service', { memoryMaxBytes: 1 }), { message: /not loaded/ });
}

t.test(
  'units over a real bus',
  { skip: hasProgram('dbus-daemon') ? false : 'needs dbus-daemon' },
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'drover-bus-'));
    const { address, process: daemon } = await startBus(directory);
    const service = dbus.sessionBus({ busAddress: address });
    t.teardown(() => {
      service.disconnect();
      daemon.kill();
      rmSync(directory, { recursive: true, force: true });
    });

    t.same(await unitStates(['libvirtd.service'], { address }), {}, 'a bus without systemd');
    service.export('/org/freedesktop/systemd1', new Manager('org.freedesktop.systemd1.Manager'));
    await service.requestName('org.freedesktop.systemd1', 0);
    const states = await unitStates(['libvirtd.service', 'ksmtuned.service', 'nothing.service'], { address });
    t.same(states, { 'libvirtd.service': 'active', 'ksmtuned.service': 'failed' });
    t.same(await unitStates([], { address }), {});
    await t.rejects(
      unitStates(
        Array.from({ length: 257 }, (_, n) => `u${n}.service`),
        { address },
      ),
      { code: 'invalid-argument' },
    );

    const manager = {
      destination: 'org.freedesktop.systemd1',
      path: '/org/freedesktop/systemd1',
      interface: 'org.freedesktop.systemd1.Manager',
    };
    await t.rejects(callBus({ ...manager, member: 'NoSuchMethod' }, { address }), { code: 'unsupported' });

    const driven = services({ address });
    t.same(await driven.states(['irqbalance.service', 'nothing.service']), {
      'irqbalance.service': 'active',
    });
    await driven.stop('irqbalance.service');
    t.same(units['irqbalance.service'], ['loaded', 'inactive'], 'stop is done when the job has ended');
    await driven.start('irqbalance.service');
    t.same(units['irqbalance.service'], ['loaded', 'active']);
    const ports = { kernel: new HostRoot('/'), hypervisor: undefined, services: driven };
    const view = { domains: [] } as unknown as HostView;
    const owner = async () =>
      (await owners.observe(ports, view)).find(({ knob }) => knob.setting === 'irqbalance.service');
    const before = await owner();
    t.match(before, { value: 'active', evidence: 'systemd says active' });
    const [want] = owners.want({ take_over: ['irqbalance.service'] }, before ? [before] : [], view);
    const knob = want?.knob as Knob;
    await owners.write(ports, knob, want?.value as string);
    t.match(await owner(), { value: 'inactive', evidence: 'systemd says inactive' }, 'taken over');
    await owners.write(ports, knob, before?.value as string);
    t.match(await owner(), { value: 'active' }, 'undone');
    await t.rejects(driven.start('broken.service'), { code: 'failed-precondition', message: /is failed/ });
    await t.rejects(services({ address, jobTimeoutMs: 200 }).stop('slow.service'), {
      code: 'deadline-exceeded',
      message: /still deactivating after 200 ms/,
    });
    await t.rejects(driven.stop('nothing.service'), { message: /not loaded/ });
    await limitsOfUnits(t, driven);
    t.same(asked.slice(0, 2), ['stop irqbalance.service replace', 'start irqbalance.service replace']);
    await t.rejects(services({ address: `unix:path=${directory}/none` }).states(['x.service']), {
      code: 'unavailable',
    });

    await service.requestName('dev.drover.Mute', 0);
    service.addMethodHandler((message: { path: string }) => message.path === '/mute'); // taken, never answered
    const start = performance.now();
    await t.rejects(
      callBus(
        { destination: 'dev.drover.Mute', path: '/mute', interface: 'a.b', member: 'Ask' },
        { address, timeoutMs: 200 },
      ),
      { code: 'deadline-exceeded' },
    );
    t.ok(performance.now() - start < 1_500, 'in about its time');
    t.same(
      await unitStates(['libvirtd.service'], { address }),
      { 'libvirtd.service': 'active' },
      'and the next call works',
    );

    daemon.kill();
    await until(() => daemon.exitCode !== null || daemon.signalCode !== null, 5_000, 'the bus did not end');
    service.removeAllListeners();
    service.on('error', () => undefined);
    await t.rejects(callBus({ ...manager, member: 'X' }, { address: `unix:path=${directory}/none` }), {
      code: 'unavailable',
    });
    t.same(
      await unitStates(['libvirtd.service'], { address: `unix:path=${directory}/none` }),
      {},
      'no bus at all',
    );
  },
);

/** Node has no datagram sockets of the UNIX family, so Python listens. */
const listener = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind(sys.argv[1]); print('bound', flush=True)
while True: print(repr(s.recv(4096).decode()), flush=True)`;

t.test('sd_notify and the watchdog', { skip: hasProgram('python3') ? false : 'needs python3' }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-notify-'));
  const socket = join(directory, 'notify');
  const python = spawn('python3', ['-c', listener, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  const heard: string[] = [];
  createInterface({ input: python.stdout }).on('line', (line) => heard.push(line));
  t.teardown(() => {
    python.kill();
    for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete process.env[name];
    rmSync(directory, { recursive: true, force: true });
  });
  await until(() => heard.includes('bound'), 5_000, 'the listener did not start');

  const silent = notifier();
  silent.ready('nobody listens');
  t.match(silent, { active: false, watchdogMs: undefined });
  const lost = notifier('libsystemd-is-not-here.so');
  lost.ready('no library');
  t.match(lost, { active: false, watchdogMs: undefined });

  Object.assign(process.env, {
    NOTIFY_SOCKET: socket,
    WATCHDOG_USEC: '100000',
    WATCHDOG_PID: String(process.pid),
  });
  const systemd = notifier();
  t.match(systemd, { active: true, watchdogMs: 50 });
  systemd.ready('up\nMAINPID=1');
  systemd.status('working');
  await until(
    () => heard.filter((line) => line === "'WATCHDOG=1'").length >= 3,
    5_000,
    'the watchdog is not fed',
  );
  systemd.stopping();
  await until(() => heard.includes("'STOPPING=1'"), 5_000, 'no stop message');
  t.ok(heard.includes("'READY=1\\nSTATUS=up MAINPID=1'"), 'a newline adds no assignment');
  t.ok(heard.includes("'STATUS=working'"));
});
