/**
 * `make e2e`: what containers cannot show. Boots one virtual machine with its own kernel, cgroup v2 and the kernel's Open
 * vSwitch, and switches it off and on again (`power-cycle.ts`). Ends with `N passed, N failed`; needs root and Debian's tools.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeDataDisk } from './data-disk.js';
import { Checks } from './inside/checks.js';
import type { Machine } from './machine.js';
import { runPowerCycle } from './power-cycle.js';
import { rootImage } from './root-image.js';

const project = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'drover-e2e-'));
const machines: Machine[] = [];
const clean = (): void => rmSync(folder, { recursive: true, force: true });
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    clean();
    process.exit(130); // QEMU dies with this process
  });

const checks = new Checks();
await checks.part('power-off cycle', async () => {
  const image = await rootImage(project);
  const dataDisk = join(folder, 'data.img');
  writeDataDisk(project, join(folder, 'stage'), dataDisk);
  const say = (line: string): void => checks.say(line);
  const started = (machine: Machine): void => void machines.push(machine);
  await runPowerCycle(checks, { image, dataDisk, folder, say, started }).catch((error: Error) => {
    checks.say(`the serial line ends with:\n${machines.at(-1)?.serial() ?? ''}`);
    throw error;
  });
});
await Promise.all(machines.map((machine) => machine.stop()));
clean();
console.log(checks.result);
process.exit(/^[1-9]\d* passed, 0 failed$/.test(checks.result) ? 0 : 1);
