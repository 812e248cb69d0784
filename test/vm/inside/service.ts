/** drover-agent.service as systemd runs it: ready after its first pass, started again when it is killed or hangs; what it set stays. */
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { DesiredFile } from '../../../agent/reconcile/desired.js';
import { desiredDigest } from '../../../proto/wire/profile.js';
import type { Checks } from './checks.js';
import { text } from './kernel-files.js';
import { systemctl } from './owner.js';

const project = fileURLToPath(new URL('../../../..', import.meta.url));
const unit = 'drover-agent.service';
const state = '/var/lib/drover/agent';
const dropIn = `/run/systemd/system/${unit}.d`;
const pace = '/sys/kernel/mm/ksm/pages_to_scan';
const wished = '4321';

/** Less than the unit's own 60 s, so that a hang is found while the test waits. */
const watchdogSeconds = 20;

export async function checkService(checks: Checks): Promise<void> {
  const original = text(pace);
  await install();
  try {
    await systemctl('start', unit);
    const { ActiveState, StatusText } = await show();
    checks.equal(
      'service: active, and says how it stands',
      [ActiveState, StatusText],
      ['active', 'enforcing'],
    );
    checks.equal('service: the desired state on disk is in force', text(pace), wished);
    await checkEnd(checks, 'killed', 'SIGKILL', 'signal');
    await checkEnd(checks, 'hung', 'SIGSTOP', 'watchdog');
    await systemctl('stop', unit);
    const stopped = await show();
    checks.equal('service: stopped', [stopped.ActiveState, stopped.Result], ['inactive', 'success']);
    checks.equal('service: and what it set stays', text(pace), wished);
  } finally {
    await remove();
    writeFileSync(pace, original);
  }
}

/** Ends it so; systemd must start it again by itself, and no setting may move meanwhile. */
async function checkEnd(checks: Checks, what: string, signal: NodeJS.Signals, result: string): Promise<void> {
  const [before, begin] = [await show(), performance.now()];
  process.kill(Number(before.MainPID), signal);
  const [results, values] = [new Set<string>(), new Set<string>()];
  const after = await until((now) => {
    results.add(now.Result);
    values.add(text(pace));
    return Number(now.NRestarts) > Number(before.NRestarts) && now.ActiveState === 'active';
  });
  checks.ok(`service, ${what}: another process`, after.MainPID !== before.MainPID);
  checks.ok(`service, ${what}: systemd saw why`, results.has(result), [...results].join(', '));
  checks.equal(`service, ${what}: the setting never moved`, [...values], [wished]);
  checks.say(`     ${what}: active again after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}

async function until(holds: (now: Shown) => boolean): Promise<Shown> {
  const end = performance.now() + 240_000;
  for (;;) {
    const now = await show();
    if (holds(now)) return now;
    if (performance.now() > end) throw new Error(`${unit} is not active again after 240 s`);
    await sleep(500);
  }
}

/** As the runbook installs it; the state on disk is what a control plane would have sent. */
async function install(): Promise<void> {
  if (!existsSync('/usr/lib/drover')) symlinkSync(project, '/usr/lib/drover');
  cpSync(`${project}/systemd/${unit}`, `/run/systemd/system/${unit}`);
  mkdirSync(dropIn, { recursive: true });
  writeFileSync(`${dropIn}/vm.conf`, `[Service]\nWatchdogSec=${watchdogSeconds}\n`);
  mkdirSync('/etc/drover', { recursive: true });
  writeFileSync('/etc/drover/agent.yaml', 'host_name: drover-vm\n');
  mkdirSync(state, { recursive: true });
  const tuners = { ksm: JSON.stringify({ run: 'off', pages_to_scan: Number(wished) }) };
  const how = { trialSeconds: 0, onFailure: 'revert', guests: '' } as const;
  const digest = desiredDigest('vm-service', 1, tuners, how);
  const file = await DesiredFile.load(`${state}/desired.json`);
  await file.save({ profileName: 'vm-service', profileRevision: 1, tuners, digest, ...how });
  await systemctl('daemon-reload');
}

async function remove(): Promise<void> {
  await systemctl('stop', unit).catch(() => undefined);
  for (const path of [dropIn, `/run/systemd/system/${unit}`, '/etc/drover', state])
    rmSync(path, { recursive: true, force: true });
  await systemctl('daemon-reload');
}

const properties = ['ActiveState', 'MainPID', 'NRestarts', 'Result', 'StatusText'] as const;
type Shown = Readonly<Record<(typeof properties)[number], string>>;

async function show(): Promise<Shown> {
  const lines = (await systemctl('show', '--property', properties.join(','), unit)).trim().split('\n');
  return Object.fromEntries(lines.map((line) => line.split('=', 2))) as Shown;
}
