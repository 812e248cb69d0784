/**
 * The agent on this machine's real libvirt, beside many domains: what it costs, and how long a domain is unenforced after
 * its start. Needs root and a hypervisor.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runner } from '../hypervisor/command.js';
import { startAgentProcess, type AgentProcess } from './agent-process.js';
import { busyProfile } from './busy-profile.js';
import { print, quantile } from './figure.js';
import { benchRealPass, benchSimulatedPass } from './full-pass.js';
import { HaltedDomains } from './halted-domains.js';
import { costOf, type Memory } from './process-cost.js';

export interface AgentBench {
  /** Real domains. */
  readonly domains: number;
  /** Simulated domains of the pass in this process. */
  readonly simulated: number;
  /** Both windows: right after the first pass, and the one after it, in which nothing is new. */
  readonly windowSeconds: number;
  /** Domains that are started one after another while all the others run. */
  readonly restarts: number;
  /** The profile speaks of guests: ports, orphans and the host's shutdown are looked after too. */
  readonly keepsGuests?: boolean;
}

/** What `make bench` measures; about ten minutes on two cores, half of it for starting the domains. */
export const wholeBench: AgentBench = { domains: 200, simulated: 300, windowSeconds: 65, restarts: 100 };

/** Starts may queue behind each other on a busy machine; after this the rest is given up. */
const enforcedMs = 60_000;
/**
 * After the first pass. The second one falls in the first minute: it reads every domain's XML anew, because libvirt has
 * written each domain's record again for the settings of the first.
 */
const settleMs = 15_000;

/** Prints every figure of the agent. Errors: a plain `Error` naming what did not come about. */
export async function benchAgent(program: string, bench: AgentBench = wholeBench): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-bench-'));
  const domains = new HaltedDomains(runner(), `drover-bench-${process.pid}`, bench.domains);
  const profile = busyProfile(bench.keepsGuests);
  try {
    await benchSimulatedPass(folder, profile.tuners, bench.simulated);
    const began = performance.now();
    await domains.start();
    print({
      name: 'agent.bench.starts',
      value: (bench.domains * 1000) / (performance.now() - began),
      unit: '1/s',
    });
    const agent = await startAgentProcess(program, folder, profile);
    try {
      await benchProcess(agent, domains, bench);
    } finally {
      await agent.stop();
    }
    await benchRealPass(folder, profile.tuners, bench.domains);
  } finally {
    await domains.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function benchProcess(agent: AgentProcess, domains: HaltedDomains, bench: AgentBench): Promise<void> {
  const count = bench.domains;
  await sleep(settleMs);
  const first = await costOf(agent.pid, bench.windowSeconds);
  print({ name: `agent.cpu.first-minute.${count}-domains`, value: first.cpuPercent, unit: '% of a core' });
  printMemory(`agent.memory.first-minute.${count}-domains`, first.memory, (each) => each.residentMiB);
  const { memory, cpuPercent } = await costOf(agent.pid, bench.windowSeconds);
  printMemory(`agent.memory.${count}-domains`, memory, (each) => each.residentMiB);
  printMemory(`agent.memory-proportional.${count}-domains`, memory, (each) => each.proportionalMiB);
  printMemory(`agent.memory-anonymous.${count}-domains`, memory, (each) => each.anonymousMiB);
  print({ name: `agent.cpu.${count}-domains`, value: cpuPercent, unit: '% of a core' });
  for (let n = 0; n < bench.restarts; n++) {
    await domains.restart(domains.names[n % count] as string);
    await agent.untilEnforced(n + 1, enforcedMs);
  }
  const samples = agent.enforcedMs();
  print({ name: 'agent.domain-start.enforced.p50', value: quantile(samples, 0.5), unit: 'ms' });
  print({ name: 'agent.domain-start.enforced.p99', value: quantile(samples, 0.99), unit: 'ms' });
}

function printMemory(name: string, memory: readonly Memory[], part: (memory: Memory) => number): void {
  const samples = memory.map(part);
  print({ name: `${name}.p50`, value: quantile(samples, 0.5), unit: 'MiB' });
  print({ name: `${name}.p95`, value: quantile(samples, 0.95), unit: 'MiB' });
}
