/** What happens to guests and ports while the host runs: restarts of daemons, a lost port, an agent that hangs. */
import t from 'tap';
import type { Test } from 'tap';
import * as guests from '../../scripts/systemd-host/guests.js';
import { guestPorts, isAlive, makeBridge } from '../../scripts/systemd-host/ports.js';
import { startAtOnce } from '../support/ordered-fleet.js';
import { droverBench, untilAgent } from '../support/systemd-drover.js';
import { skipHosts, type Bench } from '../support/systemd-host.js';
import { until } from '../support/poll.js';

/** Instead of the unit's 60 s, and only where it is looked at: a busy machine must not trip it elsewhere. */
const watchdogSeconds = 8;
const dropIn = `[Service]\nWatchdogSec=${watchdogSeconds}\nTimeoutAbortSec=1\nRestartSec=1\n`;
const dropIns = '/run/systemd/system/drover-agent.service.d';
const names = ['tagged', 'plain'];

/** What is restarted, and the service whose process must then be another. The guest unit has none. */
const daemons = [
  ['libvirtd', 'libvirtd'],
  ['openvswitch-switch', 'ovs-vswitchd'],
  ['drover-agent', 'drover-agent'],
  ['drover-guests', 'drover-guests'],
] as const;

t.test('daemons come and go, guests stay', { skip: skipHosts }, async (t) => {
  const made = await droverBench(t, 'stay', { start: startAtOnce });
  const { host } = made;
  await makeBridge(host.run);
  await guests.defineGuest(host.run, { name: 'tagged', kind: 'idle', tag: 42 });
  await guests.defineGuest(host.run, { name: 'plain', kind: 'idle' });
  await guests.startGuests(host.run, ...names.map((name) => ({ name })));
  const pids = await guests.qemuPids(host.run, names);
  t.ok(Object.values(pids).every((pid) => pid > 0));
  const unharmed = async (t: Test): Promise<void> => {
    t.same(await guests.qemuPids(host.run, names), pids, 'the same processes');
    for (const pid of Object.values(pids))
      t.equal((await host.exec(['test', '-d', `/proc/${pid}`])).code, 0, 'which live');
    const works = async (): Promise<boolean> => {
      const ports = await guestPorts(host.run);
      return ports.length === names.length && ports.every(isAlive);
    };
    await until(works, 10_000, 'the ports do not work');
  };

  for (const [unit, daemon] of daemons)
    await t.test(`restart of ${unit}`, async (t) => {
      const before = await mainPid(made, daemon);
      await made.timed(`restart of ${unit}`, async () => {
        await host.run(['systemctl', 'restart', unit], { timeoutMs: 60_000 });
        await untilAgent(made);
        await unharmed(t);
      });
      t.not(before === '0' ? '' : await mainPid(made, daemon), before, 'another process');
      t.same(await host.failedUnits(), []);
    });

  await t.test('a lost port is added again with its tag', async (t) => {
    const [tap, before] = [await guests.tapOf(host.run, 'tagged'), await guestPorts(host.run)];
    const row = before.find(({ name }) => name === tap);
    t.match(row, { tag: 42 });
    await host.run(['ovs-vsctl', 'del-port', tap as string]);
    await made.timed('found and mended', () =>
      until(async () => (await guestPorts(host.run)).length === names.length, 90_000, 'no port'),
    );
    const after = (await guestPorts(host.run)).find(({ name }) => name === tap);
    t.match(after, { bridge: row?.bridge, tag: 42, interfaceId: row?.interfaceId });
    await unharmed(t);
  });

  await t.test('a hung agent is started again', async (t) => {
    await host.run(['sh', '-c', `mkdir -p ${dropIns} && cat >${dropIns}/test.conf`], { input: dropIn });
    await host.run(['systemctl', 'daemon-reload']);
    await host.run(['systemctl', 'restart', 'drover-agent'], { timeoutMs: 60_000 });
    const before = await mainPid(made);
    await host.run(['kill', '-STOP', before]);
    await made.timed(`hung (watchdog of ${watchdogSeconds} s) until active again`, () =>
      until(
        async () => (await restarts(made)) >= 1 && (await mainPid(made)) !== before,
        30_000,
        'not restarted',
      ),
    );
    await untilAgent(made);
    t.ok(
      (await host.journal()).some(({ message }) => /drover-agent\.service: Watchdog timeout/.test(message)),
      'by the watchdog',
    );
    await unharmed(t);
  });
});

const show = async ({ host }: Bench, unit: string, property: string): Promise<string> =>
  (await host.run(['systemctl', 'show', '-P', property, unit])).trim();
const mainPid = (made: Bench, unit = 'drover-agent'): Promise<string> => show(made, unit, 'MainPID');
const restarts = async (made: Bench): Promise<number> =>
  Number(await show(made, 'drover-agent', 'NRestarts'));
