/** The fault that Drover is there to end, on Debian's own units: ports without devices, and what they do to guests. */
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import * as guests from '../../scripts/systemd-host/guests.js';
import { orderOf } from '../../scripts/systemd-host/journal.js';
import { guestPorts, isStale, makeBridge } from '../../scripts/systemd-host/ports.js';
import { bench, skipHosts } from '../support/systemd-host.js';

/** libvirt-guests and logind as Debian ships them, but for their patience: 300 s for each guest, and 5 s. */
function stock(root: string): void {
  rmSync(join(root, 'etc/systemd/system/libvirt-guests.service')); // the tree masks it
  const settings = 'ON_SHUTDOWN=shutdown\nSHUTDOWN_TIMEOUT=1\nPARALLEL_SHUTDOWN=8\n';
  appendFileSync(join(root, 'etc/default/libvirt-guests'), settings);
  const logind = join(root, 'etc/systemd/logind.conf.d');
  mkdirSync(logind, { recursive: true });
  writeFileSync(join(logind, 'short.conf'), '[Login]\nInhibitDelayMaxSec=1\n');
}

/** As a site gets it that starts Open vSwitch late: its units come after libvirt, and so they stop before it. */
function wrongOrder(root: string): void {
  stock(root);
  for (const unit of ['openvswitch-switch', 'ovs-vswitchd', 'ovsdb-server']) {
    const text = readFileSync(join(root, `lib/systemd/system/${unit}.service`), 'utf8');
    const late = text
      .replaceAll(/^(Before=.*)\bnetwork\.target\b/gm, '$1')
      .replace('[Unit]\n', '[Unit]\nAfter=libvirtd.service\n');
    writeFileSync(join(root, `etc/systemd/system/${unit}.service`), late);
  }
}

/** Ends of units in the journal that matter here. */
const watched =
  /^(libvirt-guests|libvirtd|openvswitch-switch|ovs-vswitchd|ovsdb-server|machine-qemu.*)\.(service|scope)$/;

t.test('stock units leave stale ports at a shutdown', { skip: skipHosts }, async (t) => {
  const { host, say, timed } = await bench(t, 'stock', { prepare: stock });
  await makeBridge(host.run);
  const deaf = ['a', 'b', 'c'].map((name) => ({ name: `deaf-${name}`, kind: 'idle' as const }));
  for (const guest of deaf) await guests.defineGuest(host.run, guest);
  // libvirtd is stopped while it deletes ports: how far it comes is a race, which libvirt may win.
  let stale: string[] = [];
  for (let turn = 1; turn <= 3 && stale.length === 0; turn++) {
    await timed('three guests start', () => guests.startGuests(host.run, ...deaf));
    t.equal((await guestPorts(host.run)).filter(({ ofport }) => (ofport ?? 0) > 0).length, 3);
    const { offMs, upMs } = await host.reboot();
    stale = (await guestPorts(host.run)).filter(isStale).map(({ name }) => name);
    say(`off ${offMs} ms, on ${upMs} ms, stale: ${stale.join(' ') || 'none'} (turn ${turn})`);
  }
  t.not(stale.length, 0, 'ports whose devices are gone');
  const order = orderOf(await host.journal(-1), 'stopped', watched);
  say(order.join(', '));
  t.ok(
    order.indexOf('libvirtd.service') < order.indexOf('ovsdb-server.service'),
    'in spite of the right order',
  );
});

t.test('Open vSwitch stopped before libvirt leaves every port', { skip: skipHosts }, async (t) => {
  const { host, say } = await bench(t, 'late', { prepare: wrongOrder });
  await makeBridge(host.run);
  const guest = await guests.defineGuest(host.run, { name: 'tenant', kind: 'idle', tag: 100 });
  await guests.startGuests(host.run, guest);
  const { offMs, upMs } = await host.reboot();
  const order = orderOf(await host.journal(-1), 'stopped', watched);
  say(`off ${offMs} ms, on ${upMs} ms: ${order.join(', ')}`);
  t.ok(order.indexOf('ovsdb-server.service') < order.indexOf('libvirtd.service'));
  const before = await guestPorts(host.run);
  t.match(before, [{ name: 'vnet0', ofport: -1, tag: 100, interfaceId: guest.interfaceId }]);
  t.match(before[0]?.error, /No such device/);

  const other = await guests.defineGuest(host.run, { name: 'other', kind: 'idle' });
  await guests.startGuests(host.run, other);
  const [inherited, ...rest] = await guestPorts(host.run);
  say(`a guest without a VLAN has tag ${inherited?.tag} after its start`);
  t.match(inherited, { name: 'vnet0', tag: 100, interfaceId: other.interfaceId }, "another tenant's VLAN");
  t.same(rest, []);
});
