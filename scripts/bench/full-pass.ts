/**
 * A pass over a whole host that is as desired already: the agent's own code in this process, over 300 simulated domains
 * and over the real ones that run. It should take below a second and write nothing.
 */
import { join } from 'node:path';
import { stringify } from 'yaml';
import { openLocalHost } from '../../agent/compose.js';
import { parseConfig } from '../../agent/config.js';
import type { Hypervisor } from '../../agent/libvirt/hypervisor.js';
import { HostRoot, type KernelRoot } from '../../agent/kernel/root.js';
import { MemoryRoot } from '../../agent/sim/memory-root.js';
import { openSimHost, shapeOf } from '../../agent/sim/sim-host.js';
import { desiredDigest, encodeTuners } from '../../proto/wire/profile.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import { print, quantile } from './figure.js';

const log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields: object, text: string) =>
    void process.stderr.write(`bench: ${text} ${JSON.stringify(fields)}\n`),
};
const passes = 10;
const tap = {
  ...{ type: 'ethernet', bridge: '', virtualPort: '', interfaceId: '', model: 'virtio', driver: '' },
  bandwidth: {},
};

function macOf(index: number): string {
  return `52:54:00:${(2 ** 24 + index)
    .toString(16)
    .slice(1)
    .replace(/..(?=.)/g, '$&:')}`;
}

/** Passes of a simulated host of 80 CPUs with `count` domains of four vCPUs each, its reports included. */
export async function benchSimulatedPass(
  folder: string,
  tuners: TunerSettings,
  count: number,
): Promise<void> {
  const domains = Array.from({ length: count }, (_, index) => ({
    uuid: `be9c0000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    name: `bench-${index}`,
    vcpus: 4,
    memoryBytes: 2 ** 30,
    allocationId: '',
    interfaces: [{ ...tap, mac: macOf(index), target: `vnet${index}` }],
  }));
  const host = await openSimHost(shapeOf(4, 'bench'), domains, join(folder, 'sim'), 'bench', log);
  const { agent, kernel, hypervisor, ledger } = host;
  try {
    const settings = encodeTuners(tuners);
    const digest = desiredDigest('bench', 1, settings);
    const state = { profileName: 'bench', profileRevision: 1, tuners: settings, digest };
    await agent.take({ ...state, trialSeconds: 0, onFailure: '', guests: '' });
    await benchPasses(`sim-${count}-domains`, () => agent.reconcile(), kernel, hypervisor);
  } finally {
    await ledger.close();
  }
}

/** The same over the domains that run here, by libvirt. */
export async function benchRealPass(folder: string, tuners: TunerSettings, count: number): Promise<void> {
  const config = parseConfig(stringify({ state_directory: join(folder, 'pass') }), 'bench');
  const host = await openLocalHost(config, { agentVersion: 'bench', isRoot: true }, log);
  try {
    if (!host.hypervisor) throw new Error('no hypervisor here');
    const pass = () => host.reconciler.apply(tuners);
    await benchPasses(`${count}-domains`, pass, host.kernel, host.hypervisor);
  } finally {
    await host.close();
  }
}

async function benchPasses(
  name: string,
  pass: () => Promise<unknown>,
  kernel: KernelRoot,
  hypervisor: Hypervisor,
): Promise<void> {
  for (let n = 0; n < 2; n++) await pass(); // the first one may write; the compiler warms up
  const calls = countWrites(hypervisor);
  const before = kernelWrites(kernel);
  const times: number[] = [];
  let cpuUs = 0;
  for (let n = 0; n < passes; n++) {
    const [began, cpu] = [performance.now(), process.cpuUsage()];
    await pass();
    times.push(performance.now() - began);
    const { user, system } = process.cpuUsage(cpu);
    cpuUs += user + system;
  }
  const writes = kernelWrites(kernel) - before + calls.count;
  print({ name: `agent.pass.${name}.p50`, value: quantile(times, 0.5), unit: 'ms' });
  print({ name: `agent.pass.${name}.worst`, value: Math.max(...times), unit: 'ms' });
  print({ name: `agent.pass.${name}.cpu`, value: cpuUs / 1000 / passes, unit: 'ms' });
  print({ name: `agent.pass.${name}.writes`, value: writes / passes, unit: 'writes' });
}

function kernelWrites(kernel: KernelRoot): number {
  if (kernel instanceof HostRoot || kernel instanceof MemoryRoot) return kernel.writes;
  throw new Error('this kernel root does not count its writes');
}

/** Counts calls that change a domain: by the words of `Hypervisor`, those that begin with pin or set. */
function countWrites(hypervisor: Hypervisor): { readonly count: number } {
  const counter = { count: 0 };
  const methods = hypervisor as unknown as Record<string, (...args: unknown[]) => unknown>;
  for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(hypervisor))) {
    const method = methods[name];
    if (!/^(pin|set)[A-Z]/.test(name) || typeof method !== 'function') continue;
    methods[name] = (...args) => {
      counter.count++;
      return method.apply(hypervisor, args);
    };
  }
  return counter;
}
