/** The machines of the test: what each is, and the part of it that runs there. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GuestAgent } from './guest-agent.js';
import { startMachine, type Machine, type MachineOptions, type Topology } from './machine.js';

export interface Boot {
  /** Names the parts inside (`inside/main.ts`), and stands before each line. */
  readonly name: string;
  readonly topology: Topology;
}

/** Cells for memory, disks, groups and services on few CPUs; siblings for everything that places threads. */
export const boots: readonly Boot[] = [
  { name: 'cells', topology: { coresPerCell: 1, threadsPerCore: 1, cellMiB: 1024 } },
  { name: 'threads', topology: { coresPerCell: 2, threadsPerCore: 2, cellMiB: 768 } },
];

export interface Result {
  readonly passed: number;
  readonly failed: number;
  readonly bootSeconds: number;
  readonly testSeconds: number;
}

export interface Surroundings {
  readonly image: string;
  readonly dataDisk: string;
  readonly folder: string;
  say(line: string): void;
  /** Told of the machine as soon as it runs, so that it can be stopped. */
  started(machine: Machine): void;
}

const bootDeadlineMs = 420_000;
/** systemd's first line comes after 20 to 40 s. */
const silentMs = 150_000;
const testDeadlineMs = 1_200_000;
const lastLine = /^(\d+) passed, (\d+) failed$/;

/** Boots one machine and runs its part of the test. Errors: a machine that does not come up, a test without a result. */
export async function runBoot({ name, topology }: Boot, around: Surroundings): Promise<Result> {
  const folder = join(around.folder, name);
  mkdirSync(folder);
  const begin = performance.now();
  const machine = await startSpeaking({ ...around, folder, topology }, around);
  try {
    const agent = await bootMachine(machine, around);
    const booted = performance.now();
    around.say(`booted in ${seconds(begin, booted)} s`);
    const counts = await test(name, machine, agent, around);
    return {
      ...counts,
      bootSeconds: seconds(begin, booted),
      testSeconds: seconds(booted, performance.now()),
    };
  } catch (error) {
    around.say(`the serial line ends with:\n${machine.serial()}`);
    throw error;
  }
}

/**
 * A machine whose kernel has said something: an emulated one with several CPUs at times stands still before that, and is
 * started anew then, once. The caller finds out what becomes of it. Errors: those of `startMachine`.
 */
export async function startSpeaking(
  options: MachineOptions,
  { say, started }: Pick<Surroundings, 'say' | 'started'>,
): Promise<Machine> {
  for (let attempt = 1; ; attempt++) {
    const machine = await startMachine(options);
    started(machine);
    const end = performance.now() + silentMs;
    const isSilent = (): boolean => machine.gone() === undefined && machine.serial().trim() === '';
    while (isSilent() && performance.now() < end) await sleep(500);
    if (!isSilent() || attempt === 2) return machine;
    say(`nothing on the serial line in ${silentMs / 1000} s: started anew`);
    await machine.stop();
  }
}

const seconds = (begin: number, end: number): number => Math.round((end - begin) / 100) / 10;

/** Waits until the machine's systemd has ended every job. Errors: when it does not come up. */
export async function bootMachine(machine: Machine, { say }: Pick<Surroundings, 'say'>): Promise<GuestAgent> {
  const agent = await GuestAgent.connect(machine.agentSocket, bootDeadlineMs, () => machine.gone());
  const state = await agent.shell('systemctl is-system-running --wait', bootDeadlineMs);
  if (state.output.trim() !== 'running') {
    const { output } = await agent.shell('systemctl --failed --no-legend --plain', 60_000);
    say(`the machine is ${state.output.trim()}: ${output}`);
  }
  return agent;
}

/** Runs the test in the machine and shows its lines as they come; its last line is the result. */
async function test(
  name: string,
  machine: Machine,
  agent: GuestAgent,
  { say }: Surroundings,
): Promise<Pick<Result, 'passed' | 'failed'>> {
  const result: string[] = [];
  await machine.onOutput((line) => {
    const [, passed, failed] = lastLine.exec(line) ?? [];
    if (passed !== undefined && failed !== undefined) result.push(passed, failed);
    else say(line);
  });
  const command = [
    'mkdir -p /mnt/drover && mount -o ro /dev/vdb /mnt/drover && export UV_THREADPOOL_SIZE=48 &&',
    `exec node /mnt/drover/build/test/vm/inside/main.js ${name} >/dev/virtio-ports/drover.output 2>&1`,
  ];
  const { code, output } = await agent.shell(command.join(' '), testDeadlineMs);
  // The output comes by another line than the exit code, and may come after it.
  for (let wait = 0; result.length === 0 && wait < 50; wait++) await sleep(100);
  const [passed, failed] = result;
  if (passed === undefined || failed === undefined)
    throw new Error(`the test in the machine ended with code ${code} and no result ${output}`);
  return { passed: Number(passed), failed: Number(failed) };
}
