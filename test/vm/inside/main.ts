/**
 * Runs as root in the virtual machine: one domain, and the agent's commands in the order of a person's day, each judged by
 * the kernel's own files. Ends with `N passed, N failed`.
 */
import { rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runner } from '../../../scripts/hypervisor/command.js';
import {
  defineDomain,
  domainXml,
  removeDomain,
  startDomain,
} from '../../../scripts/hypervisor/sample-domain.js';
import { writeGuestImage } from '../../../scripts/hypervisor/sample-guest.js';
import { startUnits } from '../../../scripts/hypervisor/units.js';
import { agent, otherThan, settingsOf } from './agent.js';
import { Checks } from './checks.js';
import { checkFacts, type Facts } from './facts.js';
import { cgroup, counter, effects, placeOf, snapshot, text, type Place } from './kernel-files.js';
import { expected, inForce, knobCount, profile } from './profile.js';

const name = 'drover-vm-test';
const image = `/var/lib/libvirt/images/${name}.img`;
const profileFile = '/run/drover-vm-test.yaml';
const virsh = ['virsh', '-q', '-c', 'qemu:///system'];
const measureMs = 8_000;

const checks = new Checks();
const run = runner();

async function main(): Promise<void> {
  await startUnits(run, 120_000);
  checks.say('     libvirt and Open vSwitch answer');
  checkFacts(checks, (await agent<Facts>(checks, ['facts'])).message);
  const place = await startWriter();
  writeFileSync(profileFile, JSON.stringify(profile));
  await checkGroups(place);
  const free = await writeRate(place);
  // A guest that writes takes a whole emulated CPU: it pauses while the agent needs it, and goes on under the limits.
  await run([...virsh, 'suspend', name], { timeoutMs: 30_000 });
  await checkPlan(place);
  const original = effects(place);
  await checkApply(place);
  await run([...virsh, 'resume', name], { timeoutMs: 30_000 });
  await checkLimits(place, free);
  await checkVerify(place);
  await checkRevert(place, original);
}

/** A guest of two vCPUs that writes for ever. Its memory takes no part in KSM: merge_across_nodes cannot change while pages are merged. */
async function startWriter(): Promise<Place> {
  await writeGuestImage(image, 'write');
  const plain = domainXml({ name, imagePath: image, vcpus: 2, type: 'qemu' });
  await defineDomain(run, plain.replace('<os>', '<memoryBacking><nosharepages/></memoryBacking><os>'));
  await startDomain(run, name);
  const place = placeOf(name, 'vda');
  const end = performance.now() + 90_000;
  while (written(place) === 0) {
    if (performance.now() > end) throw new Error('the guest has written nothing in 90 s');
    await sleep(200);
  }
  checks.say('     the domain runs and writes');
  return place;
}

/** What a domain's tuners stand on: which controllers reach its groups. */
async function checkGroups({ scope }: Place): Promise<void> {
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

async function checkPlan(place: Place): Promise<void> {
  const before = snapshot(place);
  const plan = await settingsOf(checks, 'plan', profileFile);
  checks.equal('plan: everything is to be changed', otherThan('pending', plan.message.settings), []);
  checks.equal('plan: every knob is there', plan.message.settings.length, knobCount);
  checks.equal('plan: exit code', plan.code, 2);
  checks.equal('plan wrote nothing', snapshot(place), before);
}

async function checkApply(place: Place): Promise<void> {
  const apply = await settingsOf(checks, 'apply', profileFile);
  checks.equal('apply: every knob is there', apply.message.settings.length, knobCount);
  checks.equal('apply: everything was changed', otherThan('changed', apply.message.settings), []);
  checks.equal('apply: exit code', apply.code, 0);
  const seen = inForce(place);
  for (const [what, value] of Object.entries(expected(place)))
    checks.equal(`${what} is ${value}`, seen[what], value);
}

/** Wide margins: the machine is emulated, and what counts is that the limit holds. */
async function checkLimits(place: Place, free: number): Promise<void> {
  const limit = profile.tuners['block-qos'].write_bytes_sec;
  const stat = join(place.scope, 'libvirt/vcpu0/cpu.stat');
  const before = { throttled: counter(stat, 'nr_throttled'), usedUs: counter(stat, 'usage_usec') };
  const rate = await writeRate(place);
  checks.ok(`free, the guest wrote more than 3 times the limit`, free > 3 * limit, `${free} B/s`);
  checks.ok('limited, it stays below 1.5 times the limit', rate < 1.5 * limit, `${rate} B/s`);
  checks.ok('limited, it still writes', rate > 0);
  const usedMs = (counter(stat, 'usage_usec') - before.usedUs) / 1000;
  const share = profile.tuners['cpu-qos'].vcpu_quota_us / profile.tuners['cpu-qos'].vcpu_period_us;
  checks.ok(
    'vCPU 0 stays within its quota',
    usedMs < 1.3 * share * measureMs,
    `${usedMs} ms of ${measureMs} ms`,
  );
  const throttled = counter(stat, 'nr_throttled') - before.throttled;
  checks.say(
    `     vCPU 0 used ${usedMs.toFixed(0)} ms of ${measureMs} ms, throttled in ${throttled} periods`,
  );
}

async function checkVerify(place: Place): Promise<void> {
  const verify = await settingsOf(checks, 'verify', profileFile);
  checks.equal('verify: everything is in sync', otherThan('in-sync', verify.message.settings), []);
  checks.equal('verify: exit code', verify.code, 0);
  writeFileSync(join(place.scope, 'libvirt/io.max'), `${place.disk} wbps=max`);
  writeFileSync(join(place.scope, 'libvirt/vcpu1/cpu.max'), 'max');
  const drift = await settingsOf(checks, 'verify', profileFile);
  const drifted = drift.message.settings.filter(({ outcome }) => outcome !== 'in-sync');
  checks.equal(
    'verify sees what another hand changed',
    drifted.map(({ setting, now }) => `${setting}: ${now}`),
    ['vcpu_quota_us: mixed 20000,-1', 'write_bytes_sec /dev/vda: 0'],
  );
  checks.equal('verify: exit code with drift', drift.code, 2);
}

async function checkRevert(place: Place, original: Record<string, string>): Promise<void> {
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

function written({ scope, disk }: Place): number {
  return counter(join(scope, 'libvirt/io.stat'), 'wbytes', disk);
}

/** Bytes a second that the guest's disk takes now. */
async function writeRate(place: Place): Promise<number> {
  const [bytes, begin] = [written(place), performance.now()];
  await sleep(measureMs);
  const rate = ((written(place) - bytes) * 1000) / (performance.now() - begin);
  checks.say(`     the guest writes ${(rate / 1024).toFixed(0)} KiB/s`);
  return Math.round(rate);
}

try {
  await main();
} catch (error) {
  checks.ok(`the test runs to its end`, false, (error as Error).stack ?? String(error));
} finally {
  await removeDomain(run, name).catch((error: Error) => checks.ok('the domain ends', false, error.message));
  rmSync(image, { force: true });
}
console.log(checks.result);
