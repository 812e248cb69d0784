/**
 * `make bench`: one JSON line a figure, names that stay. `bench.js [placement] [agent] [claims] [start-governor]` runs only those.
 * What runs beside it counts: run it on a quiet machine.
 */
import { fileURLToPath } from 'node:url';
import { benchAgent } from './bench/agent.js';
import { benchApiClaims } from './bench/claims.js';
import { print } from './bench/figure.js';
import { benchPlacement } from './bench/placement.js';
import { benchStartGovernor } from './bench/start-governor.js';
import { startHypervisor } from './hypervisor/hypervisor.js';

process.noDeprecation = true; // grpc-js names the address in TLS also where it is an IP

const parts: Record<string, () => Promise<void>> = {
  placement: async () => {
    for (const figure of await benchPlacement()) print(figure);
  },
  claims: benchApiClaims,
  'start-governor': async () => {
    for (const figure of benchStartGovernor()) print(figure);
  },
  agent: async () => {
    if (process.getuid?.() !== 0) {
      process.stderr.write('agent figures need root and a hypervisor\n');
      return;
    }
    const hypervisor = await startHypervisor();
    try {
      await benchAgent(fileURLToPath(new URL('../agent/bin.cjs', import.meta.url)));
    } finally {
      await hypervisor.stop();
    }
  },
};

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(parts, name));
if (unknown !== undefined) {
  process.stderr.write(`bench: got ${unknown}; want any of ${Object.keys(parts).join(', ')}\n`);
  process.exit(64);
}
for (const [name, run] of Object.entries(parts))
  if (wanted.length === 0 || wanted.includes(name)) await run();
process.exit(0); // libvirt's event thread would hold the process
