/**
 * The room of the guests as it runs: `drover-agent run` beside a real control plane and over real KVM guests of a libvirtd of the
 * test's own. Orders of the control plane, a kill -9 in the middle of one, and the commands of a host alone.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { checkConfig } from '../../controlplane/config.js';
import { startControlPlane } from '../../controlplane/main.js';
import { guestsSection } from '../../proto/wire/guest-settings.js';
import { checkProfile, encodeGuests, encodeTuners } from '../../proto/wire/profile.js';
import { turnsAddress } from '../../scripts/hypervisor/obedient-guest.js';
import { writeGuestImage, type SampleGuest } from '../../scripts/hypervisor/sample-guest.js';
import { operatorCall } from '../support/operator.js';
import { until } from '../support/poll.js';
import { PrivateLibvirtd, privateLibvirtdMissing } from '../support/private-libvirtd.js';

const bin = fileURLToPath(new URL('../../agent/bin.cjs', import.meta.url));
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const graceSeconds = 12;
const guests = guestsSection.parse({
  stop: { grace_seconds: 30, ask: ['acpi'], budget_seconds: 120 },
  start: { settle_seconds: 1 },
});

/** A guest with a policy in its metadata. Answers its UUID. */
async function define(
  libvirtd: PrivateLibvirtd,
  name: string,
  guest: SampleGuest,
  words: string,
): Promise<string> {
  const image = join(libvirtd.directory, `${name}.img`);
  await writeGuestImage(image, guest);
  const uuid = randomUUID();
  const metadata = `<metadata><drover:guest xmlns:drover='https://drover.dev/xmlns/1' ${words}/></metadata>`;
  const os = "<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>";
  const disk = `<disk type='file' device='disk'><driver name='qemu' type='raw' cache='none'/><source file='${image}'/><target dev='vda' bus='virtio'/></disk>`;
  const file = join(libvirtd.directory, `${name}.xml`);
  writeFileSync(
    file,
    `<domain type='kvm'><name>${name}</name><uuid>${uuid}</uuid>${metadata}<memory unit='MiB'>64</memory><vcpu>1</vcpu>${os}<devices>${disk}<memballoon model='none'/></devices></domain>`,
  );
  await libvirtd.virsh('define', file);
  return uuid;
}

t.setTimeout(240_000);
const skip = privateLibvirtdMissing() ?? false;
t.test('orders, a killed agent, and commands', { skip, timeout: 200_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-guest-keeper-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const libvirtd = await PrivateLibvirtd.launch();
  t.teardown(() => libvirtd.close());
  const plane = await startControlPlane(
    checkConfig(
      { state_directory: join(folder, 'plane'), listen: '127.0.0.1:0', enrol_listen: '127.0.0.1:0' },
      'test',
    ),
    quiet,
  );
  t.teardown(() => plane.close());
  const { token } = await operatorCall(plane, 'Fleet', 'CreateJoinToken', {});
  const host = `keeper-${process.pid}`;
  const [config, tokenFile, profileFile] = ['agent.yaml', 'token', 'profile.json'].map((file) =>
    join(folder, file),
  ) as [string, string, string];
  writeFileSync(tokenFile, token);
  writeFileSync(
    config,
    JSON.stringify({
      ...{ host_name: host, state_directory: join(folder, 'agent'), image_directory: libvirtd.directory },
      ...{ libvirt_uri: libvirtd.uri, libvirt_pid_directory: libvirtd.pidDirectory },
      labels: { kind: host },
    }),
  );
  const document = { name: 'guests', selector: { labels: { kind: host } }, tuners: {}, guests };
  writeFileSync(profileFile, JSON.stringify(document));
  const { selector, tuners } = checkProfile(document);
  await operatorCall(plane, 'Tuning', 'ApplyProfile', {
    profile: { name: 'guests', selector, tuners: encodeTuners(tuners), guests: encodeGuests(guests) },
  });

  const name = (label: string): string => `drover-keeper-${process.pid}-${label}`;
  const words = {
    db: ['obedient', "order='1'"],
    web: ['obedient', `order='2' after='${name('db')}'`],
    deaf: ['idle', `order='2' grace_seconds='${graceSeconds}'`],
  } as const;
  const labels = Object.keys(words) as (keyof typeof words)[];
  for (const label of labels) {
    const [guest, text] = words[label];
    await define(libvirtd, name(label), guest, text);
  }
  const state = (label: string): Promise<string> => libvirtd.virsh('domstate', name(label));
  const states = async (): Promise<string> => (await Promise.all(labels.map(state))).join(', ');
  const turns = async (label: string): Promise<number> => {
    const answer = await libvirtd.virsh(
      'qemu-monitor-command',
      '--hmp',
      name(label),
      `xp /1dw ${turnsAddress}`,
    );
    return Number(/: *(\d+)/.exec(answer)?.[1] ?? 0);
  };
  /** Before an obedient guest has come to its code it does not hear its power button. */
  const listening = async (): Promise<void> => {
    for (const label of ['db', 'web'])
      await until(() => turns(label).then((n) => n > 0), 60_000, `${label} boots`);
  };
  for (const label of labels) await libvirtd.virsh('start', name(label));
  await listening();

  const mark = (what: string): void => t.comment(`${Math.round(performance.now() / 1000)} s: ${what}`);
  mark('guests listen');
  let agent: ChildProcess | undefined;
  let log = '';
  const run = (): void => {
    const join_ = ['--join-address', plane.enrolAddress, '--join-token-file', tokenFile];
    agent = spawn(process.execPath, [bin, 'run', '--config', config, ...join_], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [agent.stdout, agent.stderr])
      stream?.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-20_000)));
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (!agent || agent.exitCode !== null || agent.signalCode !== null) return;
    const ended = once(agent, 'exit');
    agent.kill(signal);
    await ended;
  };
  t.teardown(() => end('SIGKILL'));
  t.teardown(() => (t.passing() ? undefined : t.comment(log)));
  const detail = () => operatorCall(plane, 'Fleet', 'GetHost', { host });
  const stage = async () => (await detail()).guests?.stage ?? undefined;
  const command = (...argv: string[]) =>
    spawnSync(process.execPath, [bin, ...argv, '--config', config], { encoding: 'utf8', timeout: 90_000 });

  run();
  await until(
    async () => (await detail()).host?.tuningState === 'in-sync',
    30_000,
    'the profile is in force',
  );

  mark('in sync');
  // An order, with a kill -9 while the deaf guest's grace runs.
  await operatorCall(plane, 'Fleet', 'MaintainHost', {
    ...{ host, state: 'maintenance', reason: 'test', guests: 'stop', force: true },
  });
  const asked = await until(
    async () => (await stage())?.guests.find((one) => one.name === name('deaf') && one.state === 'asked'),
    30_000,
    'progress comes to the control plane',
  );
  await until(async () => (await state('web')) === 'shut off', 15_000, 'web obeys');
  t.equal(await state('db'), 'running', 'db is in the next wave');
  await end('SIGKILL');
  await sleep(1_000);
  run();
  const done = await until(
    async () => {
      const now = await stage();
      return now?.state === 'done' ? now : undefined;
    },
    60_000,
    'the order goes on',
  );
  t.equal(await states(), 'shut off, shut off, shut off');
  t.match(done, { kind: 'stop', cause: 'maintenance', waves: 2 });
  const deaf = done.guests.find((one) => one.name === name('deaf'));
  const tookMs = Number(deaf?.sinceUnixMs) - asked.sinceUnixMs;
  t.comment(
    `deaf: off ${tookMs} ms after it was first asked, a kill -9 between; its grace is ${graceSeconds} s`,
  );
  t.ok(tookMs >= graceSeconds * 1000 - 100, 'not before its grace was over');
  t.ok(tookMs < graceSeconds * 1000 + 8_000, 'and its grace did not begin anew');

  mark('stopped');
  // A disk that is missing at first; between the two resumes the agent is killed.
  const disk = join(libvirtd.directory, `${name('web')}.img`);
  renameSync(disk, `${disk}.away`);
  await operatorCall(plane, 'Fleet', 'ResumeHost', { host });
  const short = await until(
    async () => {
      const { host: now, guests: told } = await detail();
      return now?.maintenance?.stageState === 'failed' ? (told?.stage ?? undefined) : undefined;
    },
    90_000,
    'the start ends without the guest that cannot start',
  );
  t.equal(await states(), 'running, shut off, running');
  t.match(short, { kind: 'start', state: 'failed', message: `1 did not start: ${name('web')}` });
  const missing = short.guests.filter((one) => one.state === 'failed');
  t.match(missing, [{ name: name('web'), message: /No such file or directory/ }]);
  t.equal(missing.length, 1);
  t.match((await detail()).host, { maintenance: { state: 'resuming' }, lock: null, liveness: 'up' });
  mark('one is missing');
  await end('SIGKILL');
  renameSync(`${disk}.away`, disk);
  const ids = (): Promise<string[]> =>
    Promise.all(['db', 'deaf'].map((label) => libvirtd.virsh('domid', name(label))));
  const before = await ids();
  const secondResume = await operatorCall(plane, 'Fleet', 'ResumeHost', { host });
  t.match(
    secondResume.guests.find(({ action }) => action === 'started')?.detail,
    /^did not start: .*No such file/,
  );
  run();
  await until(async () => (await states()) === 'running, running, running', 60_000, 'all are back');
  await until(async () => (await detail()).host?.maintenance === null, 30_000, 'the maintenance is over');
  t.same(await ids(), before, 'nobody else was touched');
  mark('maintenance over');
  const start = await until(
    async () => {
      const now = await stage();
      return now?.kind === 'start' && now.state === 'done' ? now : undefined;
    },
    30_000,
    'the start is told',
  );
  t.same(
    start.guests.map((one) => `${one.wave} ${one.name.replace(name(''), '')}`),
    ['1 db', '2 deaf', '2 web'],
  );
  await listening();

  mark('listening again');
  // The same host alone, as an operator has it.
  await end('SIGTERM');
  const plan = command('stop-guests', '--plan');
  t.match(plan.stdout, new RegExp(`${name('web')}[^]*${name('db')}`), 'the plan, in order');
  t.equal(await states(), 'running, running, running', 'nothing was done');
  mark('planned');
  const stop = command('stop-guests', '--profile', profileFile);
  t.equal(stop.status, 0, stop.stderr);
  t.match(stop.stdout, /wave 1\/2 {2}\S+web: stopped[^]*wave 2\/2 {2}\S+db: stopped[^]*stop done: 3 stopped/);
  t.equal(await states(), 'shut off, shut off, shut off');
  mark('stopped by command');
  const again = command('start-guests');
  t.equal(again.status, 0, again.stderr);
  t.equal(await states(), 'running, running, running');
  t.match(again.stdout, /start done/);
  mark('started by command');
});
