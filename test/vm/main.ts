/**
 * `make test-vm`: boots two emulated machines beside each other, one with cgroup v2 on two NUMA cells and one whose cores
 * have two threads, and runs `inside/main.ts` in each. Prints what that prints, the times, and at last `N passed, N failed`.
 * Names of machines as arguments: only those. Without root or Debian's tools it cannot run, says so and fails.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, freemem, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { boots, runBoot, type Boot, type Result } from './boots.js';
import { writeDataDisk } from './data-disk.js';
import type { Machine } from './machine.js';
import { rootImage } from './root-image.js';

const project = fileURLToPath(new URL('../../..', import.meta.url));
const nothing: Result = { passed: 0, failed: 1, bootSeconds: 0, testSeconds: 0 };

/** QEMU's own memory, for each machine. */
const emulatorMiB = 512;

/** Runs everything; a machine that fails leaves the other alone. */
async function main(folder: string, machines: Machine[], chosen: readonly Boot[]): Promise<Result[]> {
  const image = await timed('root disk', () => rootImage(project));
  const dataDisk = join(folder, 'data.img');
  await timed('project disk', async () => writeDataDisk(project, join(folder, 'stage'), dataDisk));
  const runOne = (boot: Boot): Promise<Result> => {
    const say = (line: string): void => console.log(`${boot.name.padEnd(7)} | ${line}`);
    const started = (machine: Machine): void => void machines.push(machine);
    return runBoot(boot, { image, dataDisk, folder, say, started }).catch((error: Error) => {
      say(`FAIL ${error.message}`);
      return nothing;
    });
  };
  if (fitBeside(chosen)) return Promise.all(chosen.map(runOne));
  console.log('one machine after the other: two cores, and memory for both, are not free here');
  const results: Result[] = [];
  for (const boot of chosen) results.push(await runOne(boot));
  return results;
}

/** A machine is busy on one CPU at most times. */
function fitBeside(chosen: readonly Boot[]): boolean {
  const wantedMiB = chosen.reduce((sum, { topology }) => sum + 2 * topology.cellMiB + emulatorMiB, 0);
  return availableParallelism() >= chosen.length && freemem() / 2 ** 20 > wantedMiB;
}

async function timed<Work>(what: string, work: () => Promise<Work>): Promise<Work> {
  const begin = performance.now();
  const result = await work();
  console.log(`${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  return result;
}

/** Nothing tested is a failure too. */
function conclude(chosen: readonly Boot[], results: readonly Result[], begin: number): number {
  results.forEach(({ bootSeconds, testSeconds, passed, failed }, index) =>
    console.log(
      `${chosen[index]?.name}: boot ${bootSeconds} s, test ${testSeconds} s, ${passed} passed, ${failed} failed`,
    ),
  );
  const sum = (key: 'passed' | 'failed'): number => results.reduce((all, result) => all + result[key], 0);
  console.log(`all: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  console.log(`${sum('passed')} passed, ${sum('failed')} failed`);
  return sum('passed') > 0 && sum('failed') === 0 ? 0 : 1;
}

const names = process.argv.slice(2);
const chosen = boots.filter(({ name }) => names.length === 0 || names.includes(name));
const folder = mkdtempSync(join(tmpdir(), 'drover-vm-'));
const machines: Machine[] = [];
const clean = (): void => rmSync(folder, { recursive: true, force: true });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    clean();
    process.exit(130); // QEMU dies with this process
  });
const begin = performance.now();
const results = await main(folder, machines, chosen).catch((error: Error) => {
  console.log(`test-vm: ${error.message}`);
  return [nothing];
});
await Promise.all(machines.map((machine) => machine.stop()));
clean();
process.exit(conclude(chosen, results, begin));
