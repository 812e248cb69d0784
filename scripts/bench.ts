/**
 * `make bench`: one JSON line a figure, names that stay. `bench.js [placement] [agent] [claims] [start-governor]` runs only those; `agent-guests` only where it is named.
 * What runs beside it counts: run it on a quiet machine.
 */
import { fileURLToPath } from 'node:url';
import { benchAgent, wholeBench, type AgentBench } from './bench/agent.js';
import { benchApiClaims } from './bench/claims.js';
import { givenShare } from './bench/cpu-ticks.js';
import { print } from './bench/figure.js';
import { benchPlacement } from './bench/placement.js';
import { benchRestart } from './bench/restart.js';
import { benchStartGovernor } from './bench/start-governor.js';
import { startHypervisor } from './hypervisor/hypervisor.js';

process.noDeprecation = true; // grpc-js names the address in TLS also where it is an IP

const parts: Record<string, () => Promise<void>> = {
  placement: async () => {
    for (const figure of await benchPlacement()) print(figure);
    for (const figure of await benchRestart(10_000, 200_000)) print(figure);
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
    await benchOneAgent(wholeBench);
  },
};

/** Only where it is named: the same figures once more, beside a profile that speaks of guests. */
const partsByName: Record<string, () => Promise<void>> = {
  ...parts,
  'agent-guests': () => benchOneAgent({ ...wholeBench, keepsGuests: true }),
};

async function benchOneAgent(bench: AgentBench): Promise<void> {
  const hypervisor = await startHypervisor();
  try {
    await benchAgent(fileURLToPath(new URL('../agent/bin.cjs', import.meta.url)), bench);
  } finally {
    await hypervisor.stop();
  }
}

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !Object.hasOwn(partsByName, name));
if (unknown !== undefined) {
  process.stderr.write(`bench: got ${unknown}; want any of ${Object.keys(partsByName).join(', ')}\n`);
  process.exit(64);
}
for (const name of wanted.length > 0 ? wanted : Object.keys(parts)) {
  const share = givenShare();
  await partsByName[name]?.();
  print({ name: `machine.stolen.${name}`, value: (1 - share()) * 100, unit: '% of the CPU time wanted' });
}
process.exit(0); // libvirt's event thread would hold the process
