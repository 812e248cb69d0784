/** One true power-off cycle: a kernel, a power button and a disk of its own, guests on them, Drover's units as packaged. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Run } from '../../scripts/hypervisor/command.js';
import { defineGuest, listens, startGuests } from '../../scripts/systemd-host/guests.js';
import { journalctl, parseJournal, type Entry } from '../../scripts/systemd-host/journal.js';
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
import { shouldRun, stateDirectory, writeDesired } from '../support/systemd-drover.js';
import { bootMachine, startSpeaking, type Surroundings } from './boots.js';
import type { GuestAgent } from './guest-agent.js';
import type { Checks } from './inside/checks.js';
import type { Machine } from './machine.js';
import { machineRun } from './machine-run.js';

const topology = { coresPerCell: 1, threadsPerCore: 1, cellMiB: 1024 };
const deafGraceSeconds = 20;
/** Of an emulated machine, where the agent's other line takes up to a minute to start. */
const slackMs = 30_000;
const powerOffDeadlineMs = 600_000;

interface Running {
  readonly machine: Machine;
  readonly agent: GuestAgent;
  readonly run: Run;
}

/** Boots, installs, starts guests, switches off, boots again; what must be true is checked on the way. */
export async function runPowerCycle(checks: Checks, around: Surroundings): Promise<void> {
  const keptDisk = join(around.folder, 'kept.qcow2');
  const base = join(around.image, 'root.img');
  execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', base, '-F', 'raw', keptDisk]);
  const first = await powerOn(checks, 'first boot', keptDisk, around);
  await checks.part('install', () => install(first, around.folder));
  await checks.part('guests', () => startFleet(checks, first));
  await checks.part('power off', () => powerOff(checks, first));
  const second = await powerOn(checks, 'second boot', keptDisk, around);
  await checks.part('after the boot', () => checkAfter(checks, second));
  await second.machine.stop();
}

async function powerOn(
  checks: Checks,
  what: string,
  keptDisk: string,
  around: Surroundings,
): Promise<Running> {
  const folder = join(around.folder, what.replace(' ', '-'));
  mkdirSync(folder);
  const begin = performance.now();
  const machine = await startSpeaking({ ...around, folder, topology, keptDisk }, around);
  const agent = await bootMachine(machine, around);
  checks.say(`${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  return { machine, agent, run: machineRun(agent) };
}

/** The disk with the project is the program's place; the desired state is what a control plane would have sent. */
async function install({ run }: Running, folder: string): Promise<void> {
  const state = join(folder, 'state');
  await writeDesired(state, fleetSettings);
  const script = [
    'mkdir -p /usr/lib/drover /etc/drover && echo "/dev/vdb /usr/lib/drover ext4 ro 0 0" >>/etc/fstab',
    'mount /usr/lib/drover && /usr/lib/drover/scripts/setup/install-units.sh --hand-over',
    'echo "host_name: drover-vm" >/etc/drover/agent.yaml',
    `mkdir -p -m 700 ${stateDirectory} && cat >${stateDirectory}/desired.json`,
  ];
  const input = readFileSync(join(state, 'desired.json'), 'utf8');
  await run(['sh', '-ec', script.join('\n')], { input, timeoutMs: 30_000 });
  // libvirtd takes up its drop-in's order at once, and its hook when it starts.
  await run(['systemctl', 'restart', 'libvirtd'], { timeoutMs: 30_000 });
  await run(['systemctl', 'start', 'drover-ports', 'drover-agent', 'drover-guests'], { timeoutMs: 30_000 });
}

async function startFleet(checks: Checks, { run }: Running): Promise<void> {
  await makeBridge(run, 'system');
  const uuids: string[] = [];
  for (const guest of fleetOf(deafGraceSeconds)) {
    uuids.push((await defineGuest(run, { ...guest, type: 'qemu' })).uuid);
    await startGuests(run, guest);
    if (guest.kind === 'obedient') await until(`${guest.name} listens`, () => listens(run, guest.name));
  }
  const ports = await guestPorts(run);
  checks.equal('ports work on the datapath of the kernel', ports.filter(isAlive).length, 3);
  for (const uuid of uuids)
    await until('the agent notes the guests', () =>
      run(['grep', '-qF', uuid, shouldRun]).then(
        () => true,
        () => false,
      ),
    );
}

async function powerOff(checks: Checks, { machine, agent, run }: Running): Promise<void> {
  const begin = performance.now();
  await run(['systemctl', 'poweroff']).catch(() => undefined);
  agent.close();
  const end = begin + powerOffDeadlineMs;
  while (machine.gone() === undefined && performance.now() < end) await sleep(200);
  checks.equal('the machine switched itself off', machine.gone()?.trim(), 'exit code 0');
  checks.say(`off after ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}

async function checkAfter(checks: Checks, { run }: Running): Promise<void> {
  const stopped = await journalOf(run, -1);
  checks.say(sayTimes(goneTimes(stopped)));
  checks.equal('stopped in order', stopFaults(stopped, deafGraceSeconds * 1000, slackMs), []);
  const begin = performance.now();
  await until('the guests are back', () => allBack(run));
  checks.say(`guests back ${((performance.now() - begin) / 1000).toFixed(1)} s after the boot`);
  checks.equal('started in order, ports clean', await backFaults(run, await journalOf(run, 0)), []);
}

/** What systemd, logind and libvirt wrote: the whole is slow to read there. */
async function journalOf(run: Run, boot: 0 | -1): Promise<Entry[]> {
  const who = ['_PID=1', '+', '_COMM=systemd-logind', '+', '_COMM=libvirtd'];
  return parseJournal(await run([...journalctl, '-b', `${boot}`, ...who]));
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 240_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`${what}: not in 240 s`);
    await sleep(1_000);
  }
}
