/**
 * `make test-vm`: boots one virtual machine with cgroup v2 and two NUMA cells and runs `inside/main.ts` in it. Prints what
 * that prints, the times, and at last `N passed, N failed`. Without root or Debian's tools it cannot run and says so.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { writeDataDisk } from './data-disk.js';
import { GuestAgent } from './guest-agent.js';
import { startMachine, type Machine } from './machine.js';

const project = fileURLToPath(new URL('../../..', import.meta.url));
const bootDeadlineMs = 240_000;
const testDeadlineMs = 480_000;
const lastLine = /^(\d+) passed, (\d+) failed$/;

/** Runs everything; answers the last line of the test, which says how it went. */
async function main(folder: string, machines: Machine[]): Promise<string> {
  const image = await timed('root disk', rootImage);
  const dataDisk = join(folder, 'data.img');
  await timed('project disk', async () => writeDataDisk(project, join(folder, 'stage'), dataDisk));
  const machine = await startMachine({ image, dataDisk, folder });
  machines.push(machine);
  try {
    const agent = await timed('boot', () => boot(machine));
    return await timed('test', () => test(machine, agent));
  } catch (error) {
    console.log(`the serial line ends with:\n${machine.serial()}`);
    throw error;
  }
}

async function rootImage(): Promise<string> {
  const script = join(project, 'test/vm/root-image.sh');
  const running = promisify(execFile)(script, { maxBuffer: 2 ** 20 });
  running.child.stderr?.pipe(process.stderr);
  return (await running).stdout.trim();
}

async function boot(machine: Machine): Promise<GuestAgent> {
  const agent = await GuestAgent.connect(machine.agentSocket, bootDeadlineMs, () => machine.gone());
  const state = await agent.shell('systemctl is-system-running --wait', bootDeadlineMs);
  if (state.output.trim() !== 'running') {
    const { output } = await agent.shell('systemctl --failed --no-legend --plain', 30_000);
    console.log(`the machine is ${state.output.trim()}: ${output}`);
  }
  return agent;
}

/** Runs the test in the machine and shows its lines as they come; its last line is held back for the end. */
async function test(machine: Machine, agent: GuestAgent): Promise<string> {
  let summary = '';
  await machine.onOutput((line) => {
    if (lastLine.test(line)) summary = line;
    else console.log(line);
  });
  const command = [
    'mkdir -p /mnt/drover && mount -o ro /dev/vdb /mnt/drover &&',
    'exec node /mnt/drover/build/test/vm/inside/main.js >/dev/virtio-ports/drover.output 2>&1',
  ];
  const { code, output } = await agent.shell(command.join(' '), testDeadlineMs);
  if (summary === '')
    throw new Error(`the test in the machine ended with code ${code} and no result ${output}`);
  return summary;
}

async function timed<Result>(what: string, work: () => Promise<Result>): Promise<Result> {
  const begin = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  return result;
}

/** The result as exit code: nothing tested is a failure too. */
function exitCode(summary: string): number {
  const [, passed, failed] = lastLine.exec(summary) ?? [];
  return Number(passed) > 0 && failed === '0' ? 0 : 1;
}

const folder = mkdtempSync(join(tmpdir(), 'drover-vm-'));
const machines: Machine[] = [];
const clean = (): void => rmSync(folder, { recursive: true, force: true });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    clean();
    process.exit(130); // QEMU dies with this process
  });
const begin = performance.now();
const summary = await main(folder, machines).catch((error: Error) => {
  console.log(`test-vm: ${error.message}`);
  return '0 passed, 1 failed';
});
await Promise.all(machines.map((machine) => machine.stop()));
clean();
console.log(`all: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
console.log(summary);
process.exit(exitCode(summary));
