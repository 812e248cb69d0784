/**
 * A profile on trial, over a real session that breaks: the host is cut off by its network in the middle of the trial, and
 * the agent puts the state before it back by itself, within 90 s; a trial that nothing disturbs holds.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { checkConfig } from '../../controlplane/config.js';
import { startControlPlane } from '../../controlplane/main.js';
import { encodeTuners } from '../../proto/wire/profile.js';
import { runner } from '../../scripts/hypervisor/command.js';
import { makeBed, until } from '../support/bed.js';
import { operatorCall } from '../support/operator.js';

if (process.getuid?.() !== 0) {
  t.plan(0, 'needs root for network namespaces');
  process.exit(0);
}

const agentProgram = fileURLToPath(new URL('../../agent/bin.cjs', import.meta.url));
const name = 'trial-001';
const run = runner();
const folder = mkdtempSync(join(tmpdir(), 'drover-trial-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
const bed = await makeBed(1);
t.teardown(() => bed.down());
const [host] = bed.hosts as [(typeof bed.hosts)[number]];
const listen = `${bed.address}:0`;
const plane = await startControlPlane(
  checkConfig({ state_directory: join(folder, 'plane'), listen, enrol_listen: listen }, 'test'),
  { info: () => undefined, warn: () => undefined },
);
t.teardown(() => plane.close());
const { token } = await operatorCall(plane, 'Fleet', 'CreateJoinToken', {});
const tokens = join(folder, 'tokens');
writeFileSync(tokens, token, { mode: 0o600 });
const state = join(folder, 'state');
bed.spawn(
  host,
  [
    ...[process.execPath, agentProgram, 'sim', '--hosts', '1', '--prefix', 'trial', '--state', state],
    ...['--join-address', plane.enrolAddress, '--join-token-file', tokens],
  ],
  { stdio: 'ignore' },
);

/** Applies a revision of the profile; answers its number. */
async function apply(pagesToScan: number, trialSeconds: number): Promise<number> {
  const tuners = encodeTuners({ ksm: { run: 'on', pages_to_scan: pagesToScan } });
  const profile = { name: 'trial', tuners, trialSeconds };
  return (await operatorCall(plane, 'Tuning', 'ApplyProfile', { profile })).profile?.revision as number;
}

const tuning = async () => (await operatorCall(plane, 'Fleet', 'GetHost', { host: name })).tuning;

async function untilStands(revision: number, word: string): Promise<void> {
  await until(
    async () => {
      const now = await tuning().catch(() => undefined);
      return now?.profileRevision === revision && now.state === word;
    },
    30_000,
    `revision ${revision} is ${word}`,
  );
}

const file = (leaf: string): string => join(state, name, leaf);
const revisionOnDisk = (): number =>
  existsSync(file('desired.json'))
    ? (JSON.parse(readFileSync(file('desired.json'), 'utf8')) as { profileRevision: number }).profileRevision
    : 0;

t.test('a trial that nothing disturbs holds', async (t) => {
  await until(() => tuning().then(Boolean, () => false), 30_000, `${name} joins`);
  const revision = await apply(300, 3);
  await untilStands(revision, 'in-sync');
  t.ok(existsSync(file('trial.json')), 'the state before it is kept meanwhile');
  await until(() => !existsSync(file('trial.json')), 20_000, 'the trial ends');
  t.equal(revisionOnDisk(), revision);
});

t.test('the control plane is lost in a trial', async (t) => {
  const before = revisionOnDisk();
  const revision = await apply(400, 20);
  await until(() => revisionOnDisk() === revision, 10_000, 'the new revision is taken');
  const began = performance.now();
  await run(['ip', '-n', host.name, 'link', 'set', 'eth0', 'down']);
  await until(() => revisionOnDisk() === before, 90_000, 'the revision before it is back');
  const seconds = Math.round((performance.now() - began) / 1000);
  t.ok(seconds <= 90, `put back ${seconds} s after the link went down`);
  await until(() => !existsSync(file('trial.json')), 5_000, 'the trial is over');
  await run(['ip', '-n', host.name, 'link', 'set', 'eth0', 'up']);
  await untilStands(revision, 'failed');
  const { settings = [] } = (await tuning()) ?? {};
  t.match(settings[0]?.reason, /control plane was lost.*settings before revision \d+ are in force again/);
  t.equal(revisionOnDisk(), before, 'and it is not tried again by itself');
  const other = await apply(500, 0);
  await untilStands(other, 'in-sync');
});
