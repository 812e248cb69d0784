/** `node with-hypervisor.js COMMAND…`: runs a command with the machine's libvirtd and Open vSwitch up; stops what it started. */
import { spawn } from 'node:child_process';
import { startHypervisor } from './hypervisor.js';

const hypervisor = await startHypervisor();
if (hypervisor.started.length > 0) console.log(`started ${hypervisor.started.join(', ')}`);
const [command = 'true', ...rest] = process.argv.slice(2);
const child = spawn(command, rest, { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
child.on('error', (cause) => {
  console.error(`${command}: ${cause.message}`);
  void hypervisor.stop().finally(() => process.exit(127));
});
child.on('exit', (code) => void hypervisor.stop().finally(() => process.exit(code ?? 1)));
