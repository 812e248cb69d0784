/** A process that starts a control plane over the store in the folder that it is given, and prints a `Restarted` as JSON. */
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { checkConfig } from '../../controlplane/config.js';
import { startControlPlane } from '../../controlplane/main.js';

export interface Restarted {
  readonly allocations: number;
  /** From the start of the process to the open ports. */
  readonly readyMs: number;
  readonly residentBytes: number;
  /** VmHWM of proc(5). */
  readonly peakBytes: number;
}

const addresses = { listen: '127.0.0.1:0', enrol_listen: '127.0.0.1:0' };
const config = checkConfig({ state_directory: process.argv[2], ...addresses }, 'bench');
const plane = await startControlPlane(config, { info: () => undefined, warn: () => undefined });
const readyMs = performance.now();
await wait(3_000); // what loading left behind is collected by then, or counts
const residentBytes = process.memoryUsage.rss();
const peakKb = /VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
let allocations = 0;
for (const record of plane.fleet.directory.all())
  allocations += plane.fleet.host(record).usage?.allocations ?? 0;
const restarted: Restarted = {
  allocations,
  readyMs,
  residentBytes,
  peakBytes: Number(peakKb) * 1024,
};
process.stdout.write(JSON.stringify(restarted));
process.exit(0);
