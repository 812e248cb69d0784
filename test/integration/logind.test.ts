/** agent/systemd against the real logind on a bus of its own, where a made-up systemd takes what logind asks of it. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import dbus from 'dbus-next';
import t from 'tap';
import { callBus } from '../../agent/systemd/bus.js';
import { readLimits } from '../../agent/systemd/effective-limits.js';
import { isGoingDown } from '../../agent/systemd/going-down.js';
import { inhibitor, takeDelayLock } from '../../agent/systemd/inhibitor.js';
import { logindObject } from '../../agent/systemd/logind.js';
import { guardShutdown } from '../../agent/systemd/shutdown-guard.js';
import { watchShutdown } from '../../agent/systemd/shutdown-signal.js';
import { until } from '../support/poll.js';
import { endChild, noLogind, startBus, startLogind } from '../support/private-bus.js';
import { hasProgram } from '../support/private-libvirtd.js';

const skip = hasProgram('dbus-daemon') ? noLogind() : 'needs dbus-daemon';
const systemd = 'org.freedesktop.systemd1';

const facts = {
  state: 'running',
  /** What logind asked systemd to start. */
  started: [] as string[],
  units: {
    'drover-guests.service': { after: ['b.service', 'a.service'], stopUs: 330_000_000n, commands: 1 },
    'libvirt-guests.service': { after: [], stopUs: 2n ** 64n - 1n, commands: 0 },
    'virt-guest-shutdown.target': { after: ['basic.target'], stopUs: 0n, commands: 0 },
    'poweroff.target': { after: [], stopUs: 0n, commands: 0 },
  } as Record<string, { after: string[]; stopUs: bigint; commands: number }>,
};

class Manager extends dbus.interface.Interface {
  DefaultTimeoutStopUSec = 90_000_000n;
  get SystemState() {
    return facts.state;
  }
  ListUnitsByNames(names: string[]): unknown[] {
    return names.map((name) => {
      const load = facts.units[name] ? 'loaded' : 'not-found';
      return [
        name,
        name,
        load,
        load === 'loaded' ? 'active' : 'inactive',
        '',
        '',
        unitPath(name),
        0,
        '',
        '/',
      ];
    });
  }
  StartUnit(name: string, mode: string): string {
    facts.started.push(`${name} ${mode}`);
    return `/org/freedesktop/systemd1/job/${facts.started.length}`;
  }
  Subscribe(): void {}
}
Manager.configureMembers({
  properties: {
    DefaultTimeoutStopUSec: { signature: 't', access: 'read' },
    SystemState: { signature: 's', access: 'read' },
  },
  methods: {
    ListUnitsByNames: { inSignature: 'as', outSignature: 'a(ssssssouso)' },
    StartUnit: { inSignature: 'ss', outSignature: 'o' },
    Subscribe: { inSignature: '', outSignature: '' },
  },
});

class Unit extends dbus.interface.Interface {
  LoadState = 'loaded';
  UnitFileState = 'enabled';
  After: string[] = [];
}
Unit.configureMembers({
  properties: {
    LoadState: { signature: 's', access: 'read' },
    UnitFileState: { signature: 's', access: 'read' },
    After: { signature: 'as', access: 'read' },
  },
});

class Service extends dbus.interface.Interface {
  TimeoutStopUSec = 0n;
  ExecStop: unknown[] = [];
}
Service.configureMembers({
  properties: {
    TimeoutStopUSec: { signature: 't', access: 'read' },
    ExecStop: { signature: 'a(sasbttttuii)', access: 'read' },
  },
});

/** As systemd escapes unit names in object paths. */
function unitPath(name: string): string {
  const escaped = name.replaceAll(/[^A-Za-z0-9]/g, (c) => `_${c.charCodeAt(0).toString(16)}`);
  return `/org/freedesktop/systemd1/unit/${escaped}`;
}

async function beSystemd(address: string): Promise<dbus.MessageBus> {
  const bus = dbus.sessionBus({ busAddress: address });
  bus.on('error', () => undefined);
  bus.export('/org/freedesktop/systemd1', new Manager(`${systemd}.Manager`));
  for (const [name, { after, stopUs, commands }] of Object.entries(facts.units)) {
    bus.export(unitPath(name), Object.assign(new Unit(`${systemd}.Unit`), { After: after }));
    const command = ['/bin/stop', ['/bin/stop'], false, 0n, 0n, 0n, 0n, 0, 0, 0];
    const service = { TimeoutStopUSec: stopUs, ExecStop: Array.from({ length: commands }, () => command) };
    if (name.endsWith('.service'))
      bus.export(unitPath(name), Object.assign(new Service(`${systemd}.Service`), service));
  }
  await bus.requestName(systemd, 0);
  return bus;
}

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const openFiles = () => readdirSync('/proc/self/fd').length;

t.test('the delay lock and the signal of logind', { skip }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-logind-'));
  const first = await startBus(directory);
  const { address } = first;
  let daemon = first.process;
  let manager = await beSystemd(address);
  let logind = await startLogind(directory, address, 60);
  t.teardown(async () => {
    manager.disconnect();
    await endChild(logind);
    await endChild(daemon);
    rmSync(directory, { recursive: true, force: true });
  });
  const locks = async (): Promise<unknown[]> => {
    const [list] = await callBus({ ...logindObject, member: 'ListInhibitors' }, { address });
    return (list as unknown[][]).map((row) => row.slice(0, 4));
  };
  const powerOff = () =>
    callBus({ ...logindObject, member: 'PowerOff', signature: 'b', body: [false] }, { address });
  const ours = ['shutdown', 'drover-test', 'stops guests', 'delay'];
  const options = { address, who: 'drover-test', why: 'stops guests' };

  await t.test('a lock is taken and released, and costs no file', async (t) => {
    const lock = await takeDelayLock(options);
    t.same(await locks(), [ours]);
    lock.release();
    lock.release();
    await until(async () => (await locks()).length === 0, 3_000, 'the lock is not given back');
    const take = inhibitor(options);
    const before = openFiles();
    for (let n = 0; n < 50; n++) (await take()).release();
    t.ok(openFiles() <= before + 2, 'no descriptor is left open');
    await t.rejects(takeDelayLock({ ...options, library: 'libsystemd-is-not-here.so' }), {
      code: 'unavailable',
    });
    await t.rejects(takeDelayLock({ ...options, address: `unix:path=${directory}/none` }), {
      code: 'unavailable',
      message: /ENOENT/,
    });
  });

  await t.test('limits and order as systemd has them', async (t) => {
    const units = [
      'drover-guests.service',
      'libvirt-guests.service',
      'virt-guest-shutdown.target',
      'no.service',
    ];
    t.same(await readLimits({ address, units }), {
      inhibitDelayMaxMs: 60_000,
      defaultTimeoutStopMs: 90_000,
      units: {
        'drover-guests.service': {
          activeState: 'active',
          fileState: 'enabled',
          after: ['a.service', 'b.service'],
          timeoutStopMs: 330_000,
          hasStopCommand: true,
        },
        'libvirt-guests.service': {
          activeState: 'active',
          fileState: 'enabled',
          after: [],
          timeoutStopMs: Number.POSITIVE_INFINITY,
          hasStopCommand: false,
        },
        'virt-guest-shutdown.target': {
          activeState: 'active',
          fileState: 'enabled',
          after: ['basic.target'],
          timeoutStopMs: undefined,
          hasStopCommand: false,
        },
      },
    });
    const none = { inhibitDelayMaxMs: undefined, defaultTimeoutStopMs: undefined, units: {} };
    t.same(await readLimits({ address: `unix:path=${directory}/none`, units }), none, 'no bus');
    const many = Array.from({ length: 65 }, (_, n) => `u${n}.service`);
    await t.rejects(readLimits({ address, units: many }), { code: 'invalid-argument' });
  });

  await t.test('a stopped unit is not a shutdown', async (t) => {
    t.match(await isGoingDown({ address }), { goesDown: false, evidence: /running/ });
    facts.state = 'stopping';
    t.match(await isGoingDown({ address }), { goesDown: true });
    facts.state = 'running';
    await t.rejects(isGoingDown({ address: `unix:path=${directory}/none` }), { code: 'unavailable' });
  });

  await t.test('a shutdown waits for the guests', async (t) => {
    const heard: string[] = [];
    let guestsAreDown: () => void = () => undefined;
    const guard = guardShutdown({
      takeLock: inhibitor(options),
      watch: (handlers) =>
        watchShutdown({ ...handlers, address, firstPauseMs: 20, longestPauseMs: 100, askEveryMs: 200 }),
      goDown: () => {
        heard.push('down');
        return new Promise((resolve) => (guestsAreDown = resolve));
      },
      stayUp: () => heard.push('up'),
      log: quiet,
      firstPauseMs: 20,
    });
    t.teardown(() => guard.stop());
    await until(() => guard.holdsLock, 5_000, 'no lock');
    t.same(await locks(), [ours]);

    await t.test('anybody may send such a signal, and only logind is believed', async (t) => {
      const forger = dbus.sessionBus({ busAddress: address });
      const [names] = await callBus(
        {
          destination: 'org.freedesktop.DBus',
          path: '/',
          interface: 'org.freedesktop.DBus',
          member: 'ListNames',
        },
        { address },
      );
      for (const destination of (names as string[]).filter((name) => name.startsWith(':')))
        forger.send(
          new dbus.Message({
            type: dbus.MessageType.SIGNAL,
            destination,
            path: logindObject.path,
            interface: logindObject.interface,
            member: 'PrepareForShutdown',
            signature: 'b',
            body: [true],
          }),
        );
      await forger.call(
        new dbus.Message({
          destination: 'org.freedesktop.DBus',
          path: '/',
          interface: 'org.freedesktop.DBus.Peer',
          member: 'Ping',
        }),
      );
      await callBus({ ...logindObject, member: 'ListInhibitors' }, { address });
      forger.disconnect();
      t.same([heard, guard.goesDown], [[], false]);
    });

    await t.test('a new logind gets a new lock', async (t) => {
      await endChild(logind);
      await until(() => !guard.isListening, 3_000, 'its end is not seen');
      logind = await startLogind(directory, address, 60);
      await until(async () => (await locks()).length === 1, 5_000, 'no lock at the new logind');
      t.same(heard, [], 'guests are left alone');
    });

    await t.test('a new bus is connected to', async (t) => {
      await endChild(daemon);
      await until(() => !guard.isListening, 3_000, 'the end of the bus is not seen');
      await endChild(logind); // it ends with its bus, or soon
      daemon = (await startBus(directory)).process;
      manager = await beSystemd(address);
      logind = await startLogind(directory, address, 60);
      await until(async () => guard.isListening && (await locks()).length === 1, 8_000, 'not heard again');
      t.same(heard, []);
    });

    await powerOff();
    await until(() => heard.length > 0, 3_000, 'PrepareForShutdown is not heard');
    t.same([heard, guard.goesDown], [['down'], true]);
    t.match(await isGoingDown({ address }), { goesDown: true, evidence: /logind/ });
    await t.rejects(takeDelayLock(options), { code: 'failed-precondition' }, 'too late for another lock');
    const late = watchShutdown({
      address,
      onShutdown: (goesDown) => heard.push(`late ${goesDown}`),
      onLogind: () => undefined,
      onLost: () => undefined,
    });
    await until(() => heard.includes('late true'), 3_000, 'who comes later is not told');
    await late.stop();
    t.same(facts.started, [], 'nothing is stopped while guests are');
    guestsAreDown();
    await until(() => facts.started.length > 0, 3_000, 'logind does not go on');
    t.same(facts.started, ['poweroff.target replace-irreversibly']);
    t.notOk(guard.holdsLock);
    await guard.stop();
  });
});

t.test('a bus that takes calls and never answers', { skip }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-mute-'));
  const sockets = new Set<Socket>();
  const mute = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  const path = join(directory, 'bus');
  await new Promise<void>((resolve) => mute.listen(path, resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    mute.close();
    rmSync(directory, { recursive: true, force: true });
  });
  const bus = { address: `unix:path=${path}`, timeoutMs: 100 };

  const take = inhibitor({ ...bus, who: 'drover-test', why: 'mute' });
  const begin = performance.now();
  await t.rejects(take(), { code: 'deadline-exceeded' });
  t.ok(performance.now() - begin < 2_000, 'in about its time');
  await t.rejects(take(), { code: 'resource-exhausted' }, 'one thread waits, never two');
  for (const socket of sockets) socket.destroy();
  await until(
    () => take().then(String, ({ code }: { code: string }) => code !== 'resource-exhausted'),
    5_000,
    'the thread is not free again',
  );

  const reasons: string[] = [];
  const watch = watchShutdown({
    ...bus,
    timeoutMs: 50,
    firstPauseMs: 20,
    longestPauseMs: 40,
    onShutdown: () => t.fail('nobody said so'),
    onLogind: () => t.fail('there is none'),
    onLost: (reason) => reasons.push(reason),
  });
  await until(() => reasons.length >= 3, 5_000, 'it is not tried again');
  t.match(reasons[0], /no answer in 50 ms/);
  t.notOk(watch.isListening);
  await watch.stop();
});
