/** After a power cut: stale ports are swept before libvirt can find them, guests run again, nobody inherits a VLAN. */
import t from 'tap';
import * as guests from '../../scripts/systemd-host/guests.js';
import { orderOf } from '../../scripts/systemd-host/journal.js';
import { guestPorts, isAlive, makeBridge } from '../../scripts/systemd-host/ports.js';
import { startAtOnce } from '../support/ordered-fleet.js';
import { droverBench, untilAgent, untilNoted } from '../support/systemd-drover.js';
import { skipHosts } from '../support/systemd-host.js';
import { until } from '../support/poll.js';

t.test('a host whose plug is pulled', { skip: skipHosts }, async (t) => {
  const made = await droverBench(t, 'cut', { start: startAtOnce });
  const { host, say, timed } = made;
  await makeBridge(host.run);
  // The first device is that of a tenant whose guest stays off, so the next guest gets its name: vnet0.
  const tenant = { name: 'tenant', kind: 'idle', tag: 100, words: { resume: 'no' } } as const;
  const back = [
    { name: 'first', kind: 'idle', words: { order: 1 } },
    { name: 'second', kind: 'idle', tag: 7, words: { order: 2 } },
  ] as const;
  const defined: guests.DefinedGuest[] = [];
  for (const guest of [tenant, ...back]) defined.push(await guests.defineGuest(host.run, guest));
  await guests.startGuests(host.run, tenant, ...back);
  t.equal(await guests.tapOf(host.run, 'tenant'), 'vnet0');
  await untilNoted(
    made,
    defined.slice(1).map(({ uuid }) => uuid),
  );

  await timed('power cut', () => host.cutPower());
  await timed('boot', () => host.up());
  t.same(await host.failedUnits(), []);
  const journal = await host.journal();
  const order = orderOf(journal, 'started', /^(ovs-vswitchd|drover-ports|libvirtd|drover-agent)\.service$/);
  t.same(
    order,
    ['ovs-vswitchd', 'drover-ports', 'libvirtd', 'drover-agent'].map((unit) => `${unit}.service`),
    'Open vSwitch, the sweep, libvirt, the agent',
  );
  const swept = journal.filter(({ unit }) => unit === 'drover-ports.service').map(({ message }) => message);
  for (const name of ['vnet0', 'vnet1', 'vnet2'])
    t.ok(
      swept.some((line) => line.includes(name)),
      `${name} was swept`,
    );

  await untilAgent(made);
  const running = async (): Promise<boolean> => (await guests.runningGuests(host.run)).length === back.length;
  await timed('guests back after the boot', () => until(running, 40_000, 'the guests are not back'));
  t.same(await guests.runningGuests(host.run), ['first', 'second'], 'but not who is not to be resumed');
  const ports = await guestPorts(host.run);
  say(ports.map(({ name, ofport, tag }) => `${name} ofport ${ofport} tag ${tag ?? 'none'}`).join(', '));
  t.equal(ports.length, back.length);
  t.same(
    ports.filter((port) => !isAlive(port)),
    [],
    'every port works',
  );
  const portOf = async (name: string): Promise<(typeof ports)[number] | undefined> => {
    const tap = await guests.tapOf(host.run, name);
    return ports.find((port) => port.name === tap);
  };
  t.match(await portOf('first'), { name: 'vnet0', tag: undefined }, "not the other tenant's VLAN");
  t.equal((await portOf('first'))?.interfaceId, defined[1]?.interfaceId);
  t.match(await portOf('second'), { tag: 7 });
});
