/**
 * Runs as root in a virtual machine: `main.js cells` on the one with cgroup v2 and two small cells, `main.js threads` on the
 * one whose cores have two threads. Each is a list of parts over one boot. Ends with `N passed, N failed`.
 */
import { mkdtempSync } from 'node:fs';
import { startUnits } from '../../../scripts/hypervisor/units.js';
import { Checks } from './checks.js';
import { run } from './guests.js';
import { LocalHost } from './local-host.js';
import { cellsParts } from './cells-parts.js';
import { threadsParts } from './threads-parts.js';

const [boot = 'cells', only] = process.argv.slice(2);
const checks = new Checks();
const parts = boot === 'threads' ? threadsParts : cellsParts;

await checks.part('libvirt and Open vSwitch answer', async () => {
  await startUnits(run, 180_000);
});
const host = await LocalHost.open(mkdtempSync('/run/drover-vm-'));
for (const [name, work] of Object.entries(parts))
  if (only === undefined || only.split(',').includes(name)) await checks.part(name, () => work(checks, host));
await host.close();
console.log(checks.result);
process.exit(0);
