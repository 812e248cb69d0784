/** The hosts themselves: several at once, their power, and that nothing of them stays, however their process ends. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import t from 'tap';
import { defineGuest, runningGuests, startGuests } from '../../scripts/systemd-host/guests.js';
import { SystemdHost } from '../../scripts/systemd-host/host.js';
import { hostsDirectory } from '../../scripts/systemd-host/leftovers.js';
import { makeBridge } from '../../scripts/systemd-host/ports.js';
import { skipHosts } from '../support/systemd-host.js';

t.setTimeout(110_000);

/** What the machine still has of a host: directories, mounts, groups, processes. */
function tracesOf(name: string): string[] {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n');
  const groups = readdirSync('/sys/fs/cgroup').map((hierarchy) => join('/sys/fs/cgroup', hierarchy, name));
  return [
    ...[join(hostsDirectory, name), `/run/systemd/nspawn/propagate/${name}`, ...groups].filter(existsSync),
    ...mounts.filter((line) => line.includes(`/${name}/`)),
  ];
}

t.test('three hosts at once', { skip: skipHosts }, async (t) => {
  const hosts = await Promise.all(['one', 'two', 'three'].map((label) => SystemdHost.make(label)));
  t.teardown(() => Promise.all(hosts.map((host) => host.down())));
  const begin = performance.now();
  const boots = await Promise.all(hosts.map((host) => host.up()));
  t.comment(
    `three hosts on in ${Math.round(performance.now() - begin)} ms: ${boots.map(Math.round).join(', ')}`,
  );
  const ids = hosts.map(async ({ run }) => [await run(['hostname']), await run(['cat', '/etc/machine-id'])]);
  t.equal(new Set((await Promise.all(ids)).flat()).size, 6, 'each with a name and an id of its own');

  const [one, two] = hosts as [SystemdHost, SystemdHost];
  t.same(await one.exec(['sh', '-c', 'cat; echo no >&2; exit 3'], { input: 'yes' }), {
    ...{ code: 3, stdout: 'yes', stderr: 'no\n' },
  });
  t.match(await one.exec(['sleep', '60'], { timeoutMs: 300 }), { code: 124 }, 'a deadline');
  t.not((await one.exec(['pgrep', '-x', 'sleep'])).code, 0, 'nothing is left of it');
  // The same name on two hosts: their control groups are apart.
  await Promise.all(
    [one, two].map(async ({ run }) => {
      await makeBridge(run);
      await startGuests(run, await defineGuest(run, { name: 'same', kind: 'idle' }));
      t.same(await runningGuests(run), ['same']);
    }),
  );

  await one.run(['sh', '-c', 'echo kept >/root/file; logger word-in-the-journal']);
  await one.run(['journalctl', '--sync']);
  await one.cutPower();
  t.notOk(one.isOn);
  await t.rejects(() => one.run(['true']), 'off is off');
  await one.up();
  t.equal(await one.run(['cat', '/root/file']), 'kept\n', 'the disk outlives the power');
  t.same(await runningGuests(one.run), [], 'its guests do not');
  t.same(await runningGuests(two.run), ['same'], 'and the other host heard nothing');
  const words = (await one.journal(-1)).map(({ message }) => message);
  t.ok(words.includes('word-in-the-journal'), 'nor is the journal lost');
  t.notOk((await one.journal()).some(({ message }) => message === 'word-in-the-journal'));

  await Promise.all(hosts.map((host) => host.down()));
  t.same(
    hosts.flatMap(({ name }) => tracesOf(name)),
    [],
    'nothing is left',
  );
});

const child = `
  const { SystemdHost } = await import(process.argv[1]);
  const host = await SystemdHost.make('orphan');
  await host.up();
  console.log(host.name);
  setInterval(() => undefined, 1000);`;

t.test('a host whose process was killed', { skip: skipHosts }, async (t) => {
  const module = new URL('../../scripts/systemd-host/host.js', import.meta.url).href;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', child, module], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => owner.kill('SIGKILL'));
  const name = await new Promise<string>((resolve) =>
    createInterface({ input: owner.stdout }).once('line', resolve),
  );
  t.not(tracesOf(name).length, 0);
  const ended = new Promise((resolve) => owner.once('exit', resolve));
  owner.kill('SIGKILL');
  await ended;
  const next = await SystemdHost.make('next');
  t.teardown(() => next.down());
  t.same(tracesOf(name), [], 'the next one cleans up');
});
