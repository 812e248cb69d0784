/** Where libvirt-guests stops the guests of a host, both lines of Drover leave them to it, and say so. */
import { appendFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import * as guests from '../../scripts/systemd-host/guests.js';
import { makeBridge } from '../../scripts/systemd-host/ports.js';
import { fleetSettings } from '../support/ordered-fleet.js';
import { until } from '../support/poll.js';
import { droverBench } from '../support/systemd-drover.js';
import { skipHosts } from '../support/systemd-host.js';

/** As on a host where nobody has handed guest shutdown over. */
function unmask(root: string): void {
  rmSync(join(root, 'etc/systemd/system/libvirt-guests.service')); // the tree masks it
  appendFileSync(join(root, 'etc/default/libvirt-guests'), 'ON_SHUTDOWN=shutdown\nSHUTDOWN_TIMEOUT=20\n');
}

t.test('guests are left to libvirt-guests', { skip: skipHosts }, async (t) => {
  const { host, timed } = await droverBench(t, 'other', fleetSettings, { handsOver: false, prepare: unmask });
  await host.run(['systemctl', 'enable', '--now', 'libvirt-guests.service'], { timeoutMs: 60_000 });
  await makeBridge(host.run);
  const guest = await guests.defineGuest(host.run, { name: 'web', kind: 'obedient' });
  await guests.startGuests(host.run, guest);
  await until(() => guests.listens(host.run, 'web'), 40_000, 'web does not listen');

  const words = 'stop-guests --plan --config /etc/drover/agent.yaml'.split(' ');
  const plan = await host.exec(['node', '/usr/lib/drover/build/agent/bin.cjs', ...words]);
  t.match(plan.stdout, /libvirt-guests/, 'the plan says who else stops them');

  await timed('switched off', () => host.poweroff());
  const said = (await host.journal()).map(({ unit, message }) => `${unit}: ${message}`);
  const leaves = /left to others/;
  for (const unit of ['drover-agent.service', 'drover-guests.service'])
    t.ok(
      said.some((line) => line.startsWith(unit) && leaves.test(line)),
      `${unit} leaves them`,
    );
  t.ok(
    said.some((line) => /libvirt-guests.*[Ss]hutdown.*web/.test(line)),
    'libvirt-guests asks the guest',
  );
  t.notOk(
    said.some((line) => /guest stage ended/.test(line)),
    'and nobody else',
  );
});
