/** One simulated host: its tree and hypervisor in memory, everything above them the real agent's code. */
import { join } from 'node:path';
import { gatherFacts } from '../facts/index.js';
import { HostAgent } from '../host/host-agent.js';
import type { Log } from '../log.js';
import { TrialFile } from '../host/trial.js';
import { AllocationsFile } from '../reconcile/allocations-file.js';
import { DesiredFile } from '../reconcile/desired.js';
import { Ledger } from '../reconcile/ledger.js';
import { PendingReboots } from '../reconcile/pending-reboots.js';
import { Reconciler } from '../reconcile/reconciler.js';
import { withAllocation } from '../reconcile/specs.js';
import { tuners } from '../tuners/index.js';
import { diskBytesReader, loadAverage, memoryAvailableBytes } from '../host/vitals.js';
import type { GuestRoom } from '../host/guest-room.js';
import { simGuestRoom } from './sim-guests.js';
import { SimHypervisor, type SimDomainShape } from './sim-hypervisor.js';
import type { MemoryRoot } from './memory-root.js';
import { buildTree, type SimShape } from './tree.js';

export interface SimHost {
  readonly shape: SimShape;
  readonly kernel: MemoryRoot;
  readonly hypervisor: SimHypervisor;
  readonly agent: HostAgent;
  readonly guests: GuestRoom;
  readonly desired: DesiredFile;
  readonly ledger: Ledger;
}

/** The shapes that a simulated fleet is made of, by turns. */
const shapes = [
  { sockets: 2, coresPerSocket: 12, threadsPerCore: 2, memoryGib: 256, cgroup: 'v2' },
  { sockets: 2, coresPerSocket: 8, threadsPerCore: 2, memoryGib: 128, cgroup: 'v1' },
  { sockets: 1, coresPerSocket: 16, threadsPerCore: 2, memoryGib: 192, cgroup: 'v2' },
  { sockets: 2, coresPerSocket: 20, threadsPerCore: 2, memoryGib: 512, cgroup: 'v2' },
] as const;

/** The shape of simulated host `index` (from 1). The boot id is new at each start: a simulated host boots with its process. */
export function shapeOf(index: number, bootId: string, prefix = 'sim'): SimShape {
  const { memoryGib, ...rest } = shapes[(index - 1) % shapes.length] as (typeof shapes)[number];
  return {
    ...rest,
    name: simName(index, prefix),
    memoryBytes: memoryGib * 2 ** 30,
    diskBytes: 2 ** 41,
    bootId,
  };
}

export function simName(index: number, prefix = 'sim'): string {
  return `${prefix}-${String(index).padStart(3, '0')}`;
}

/** The domains that simulated host `index` runs from the start: 0 to 6, the same at every start. */
export function domainsOf(index: number): SimDomainShape[] {
  const count = (index * 5) % 7;
  return Array.from({ length: count }, (_, number) => ({
    uuid: `51300000-0000-4000-8000-${String(index * 1000 + number).padStart(12, '0')}`,
    name: `${simName(index)}-vm${number}`,
    vcpus: 2 + ((index + number) % 3) * 2,
    memoryBytes: (4 + ((index * 3 + number) % 4) * 4) * 2 ** 30,
    allocationId: '',
  }));
}

/** Builds a simulated host whose ledger and desired state lie in `directory`. */
export async function openSimHost(
  shape: SimShape,
  domains: readonly SimDomainShape[],
  directory: string,
  agentVersion: string,
  log: Log,
): Promise<SimHost> {
  const kernel = buildTree(shape);
  const hypervisor = new SimHypervisor(kernel, shape.cgroup);
  for (const domain of domains) hypervisor.start(domain);
  const ledger = await Ledger.open(directory, { bootId: shape.bootId, now: Date.now });
  const desired = await DesiredFile.load(join(directory, 'desired.json'));
  const allocations = await AllocationsFile.load(join(directory, 'allocations.json'));
  const trials = await TrialFile.load(join(directory, 'trial.json'));
  const pendingReboots = await PendingReboots.load(join(directory, 'pending-reboots.json'));
  const more = {
    versions: { libvirt: 'simulated', qemu: 'simulated', agent: agentVersion },
    services: {},
    inventory: { model: 'simulated' },
    diskTotalBytes: shape.diskBytes,
  };
  const facts = async () => gatherFacts(kernel, more);
  const hostView = async () => {
    const domains = await hypervisor.domains();
    return {
      facts: await facts(),
      domains: domains.map((domain) => withAllocation(domain, allocations.of(domain))),
    };
  };
  const reconciler = new Reconciler({
    tuners,
    ports: { kernel, hypervisor },
    ledger,
    hostView,
    planOnly: false,
    now: Date.now,
    log,
  });
  const guests = simGuestRoom({
    ...{ kernel, hypervisor, bootId: shape.bootId, directory, log },
    link: () => agent.guestLink,
  });
  const agent: HostAgent = new HostAgent({
    hypervisor,
    guests,
    reconciler,
    ...{ desired, allocations, trials, pendingReboots },
    facts,
    loadAverage: () => loadAverage(kernel),
    memoryAvailableBytes: () => memoryAvailableBytes(kernel),
    diskBytes: diskBytesReader(kernel),
    reconcileIntervalMs: 30_000,
    now: Date.now,
    log,
  });
  return { shape, kernel, hypervisor, agent, guests, desired, ledger };
}
