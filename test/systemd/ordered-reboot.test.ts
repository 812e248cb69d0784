/** With Drover's units: guests stop in order, then the stage, libvirt, Open vSwitch; ports are clean and guests come back. */
import t from 'tap';
import * as guests from '../../scripts/systemd-host/guests.js';
import { guestPorts, isAlive, makeBridge } from '../../scripts/systemd-host/ports.js';
import {
  allBack,
  backFaults,
  fleetOf,
  fleetSettings,
  goneTimes,
  sayTimes,
  stopFaults,
} from '../support/ordered-fleet.js';
import { until } from '../support/poll.js';
import { droverBench, untilAgent, untilNoted } from '../support/systemd-drover.js';
import { skipHosts } from '../support/systemd-host.js';

const deafGraceSeconds = 6;
/** What two cores that others use as well may add to a stop, or take from the time between two. */
const slackMs = 4_000;

const ways = [
  ['logind', ['systemctl', 'poweroff']],
  // Nobody asks logind here, so no lock delays it: the unit's ExecStop is the second line.
  ['without logind', ['systemctl', '--no-block', 'start', 'poweroff.target']],
] as const;

for (const [index, [way, command]] of ways.entries())
  t.test(`a host is switched off in order: ${way}`, { skip: skipHosts }, async (t) => {
    const made = await droverBench(t, `order${index}`, fleetSettings);
    const { host, say, timed } = made;
    await makeBridge(host.run);
    const uuids: string[] = [];
    await timed('guests started', async () => {
      for (const guest of fleetOf(deafGraceSeconds)) {
        uuids.push((await guests.defineGuest(host.run, guest)).uuid);
        await guests.startGuests(host.run, guest);
        if (guest.kind === 'obedient')
          await until(() => guests.listens(host.run, guest.name), 40_000, `${guest.name} does not listen`);
      }
      await untilNoted(made, uuids);
    });
    t.equal((await guestPorts(host.run)).filter(isAlive).length, uuids.length, 'ports work');

    await timed('switched off', () => host.poweroff(command));
    const journal = await host.journal();
    say(sayTimes(goneTimes(journal)));
    t.same(stopFaults(journal, deafGraceSeconds * 1000, slackMs), []);

    await timed('switched on', () => host.up());
    t.same(await host.failedUnits(), []);
    await untilAgent(made);
    await timed('then guests back', () => until(() => allBack(host.run), 40_000, 'the guests are not back'));
    t.same(await backFaults(host.run, await host.journal()), []);
  });
