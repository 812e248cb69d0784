/** Takes the stage lock so many times, and ends with 1 where somebody else is inside too; or takes it once, and keeps it. */
import { closeSync, openSync, rmSync } from 'node:fs';
import { steadyClock } from '../../agent/guests/stop/clock.js';
import { takeStageLock } from '../../agent/guests/stop/stage-lock.js';
import { HostRoot } from '../../agent/kernel/root.js';

const [directory = '', inside = '', what = ''] = process.argv.slice(2);
const steady = steadyClock();
// The next try comes at once: as many meetings as there can be.
const clock = { now: steady.now, sleep: () => steady.sleep(1) };
const take = () => takeStageLock({ directory, kernel: new HostRoot(), clock, limitMs: 60_000 });

if (what === 'hold') {
  await take();
  process.stdout.write('held\n');
  await steady.sleep(60_000);
} else {
  for (let turn = 0; turn < Number(what); turn++) {
    const give = await take();
    closeSync(openSync(inside, 'wx')); // fails where another is inside
    await steady.sleep(2);
    rmSync(inside);
    give();
  }
}
