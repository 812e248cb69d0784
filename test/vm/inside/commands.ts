/** The agent's commands as a person gives them, on a profile over several tuners, each judged by the kernel's own files. */
import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { otherThan, settingsOf } from './agent.js';
import type { Checks } from './checks.js';
import { run } from './guests.js';
import { cgroup, effects, snapshot, text, type Place } from './kernel-files.js';
import { inWords, type LocalHost } from './local-host.js';
import { expected, inForce, knobCount, profile } from './profile.js';

const profileFile = '/run/drover-vm-test.yaml';

export async function checkCommands(checks: Checks, host: LocalHost, place: Place): Promise<void> {
  await checkGroups(checks, place);
  writeFileSync(profileFile, JSON.stringify(profile));
  await checkPlan(checks, host, place);
  const original = effects(place);
  await checkApply(checks, place);
  await checkDrift(checks, place);
  await checkRevert(checks, place, original);
}

/** What a domain's tuners stand on: which controllers reach its groups. */
async function checkGroups(checks: Checks, { scope }: Place): Promise<void> {
  const handedDown = (directory: string): string => text(join(directory, 'cgroup.controllers'));
  for (const directory of [cgroup, join(cgroup, 'machine.slice'), scope, join(scope, 'libvirt')])
    checks.say(`     ${directory}: ${handedDown(directory)}`);
  const unit = await run(['systemctl', 'show', '--property', 'Delegate,Slice', basename(scope)]);
  checks.say(`     systemd: ${unit.trim().replaceAll('\n', ', ')}`);
  for (const controller of ['cpu', 'cpuset', 'io'])
    checks.ok(
      `the controller ${controller} reaches the domain's group`,
      handedDown(join(scope, 'libvirt')).split(' ').includes(controller),
    );
}

async function checkPlan(checks: Checks, host: LocalHost, place: Place): Promise<void> {
  const before = snapshot(place);
  const plan = await host.plan(profile.tuners);
  const other = plan.filter(({ outcome }) => outcome !== 'change');
  checks.equal('plan: everything is to be changed', other.map(inWords), []);
  checks.equal('plan: every knob is there', plan.length, knobCount);
  checks.equal('plan wrote nothing', snapshot(place), before);
}

async function checkApply(checks: Checks, place: Place): Promise<void> {
  const apply = await settingsOf(checks, 'apply', profileFile);
  checks.equal('apply: every knob is there', apply.message.settings.length, knobCount);
  checks.equal('apply: everything was changed', otherThan('changed', apply.message.settings), []);
  checks.equal('apply: exit code', apply.code, 0);
  const seen = inForce(place);
  for (const [what, value] of Object.entries(expected(place)))
    checks.equal(`${what} is ${value}`, seen[what], value);
}

/** Two settings are changed by hand; the others must be in sync. */
async function checkDrift(checks: Checks, place: Place): Promise<void> {
  writeFileSync(join(place.scope, 'libvirt/io.max'), `${place.disk} wbps=max`);
  writeFileSync(join(place.scope, 'libvirt/vcpu1/cpu.max'), 'max');
  const drift = await settingsOf(checks, 'verify', profileFile);
  const drifted = drift.message.settings.filter(({ outcome }) => outcome !== 'in-sync');
  checks.equal(
    'verify sees what another hand changed, and nothing else',
    drifted.map(({ setting, now }) => `${setting}: ${now}`),
    ['vcpu_quota_us: mixed 20000,-1', 'write_bytes_sec /dev/vda: 0'],
  );
  checks.equal('verify: exit code with drift', drift.code, 2);
}

async function checkRevert(checks: Checks, place: Place, original: Record<string, string>): Promise<void> {
  const revert = await settingsOf(checks, 'revert');
  checks.equal('revert: exit code', revert.code, 0);
  checks.equal('revert: every knob is there', revert.message.settings.length, knobCount);
  checks.equal('every value is as it was', differences(original, effects(place)), []);
}

function differences(before: Record<string, string>, after: Record<string, string>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((file) => before[file] !== after[file])
    .map((file) => `${file}: ${before[file]} became ${after[file]}`);
}
