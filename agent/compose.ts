/** Puts the agent's rooms together for one host. The only other places that do are `sim/` and tests. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostFacts } from '../proto/gen/drover/v1/HostFacts.js';
import type { AgentConfig } from './config.js';
import { gatherFacts } from './facts/index.js';
import { readInventory } from './facts/inventory.js';
import { bootId } from './kernel/procfs.js';
import { HostRoot, type KernelRoot } from './kernel/root.js';
import { openHypervisor } from './libvirt/open-hypervisor.js';
import type { DomainView, Hypervisor } from './libvirt/hypervisor.js';
import type { Log } from './log.js';
import { vsctl } from './openvswitch/vsctl.js';
import { DesiredFile } from './reconcile/desired.js';
import { Ledger } from './reconcile/ledger.js';
import { Reconciler } from './reconcile/reconciler.js';
import { unitStates } from './systemd/units.js';
import { tuners } from './tuners/index.js';

/** One host, ready to be reconciled. */
export interface LocalHost {
  readonly kernel: KernelRoot;
  readonly hypervisor: Hypervisor | undefined;
  readonly reconciler: Reconciler;
  readonly ledger: Ledger;
  readonly desired: DesiredFile;
  readonly planOnly: boolean;
  readonly bootId: string;
  facts(): Promise<HostFacts>;
  close(): Promise<void>;
}

/** systemd units whose state matters here: those that the agent works with, and those that may own the same settings. */
export const watchedUnits = [
  'libvirtd.service',
  'virtqemud.service',
  'openvswitch-switch.service',
  'libvirt-guests.service',
  'ksmtuned.service',
  'tuned.service',
  'numad.service',
  'irqbalance.service',
];

export interface Opening {
  readonly agentVersion: string;
  readonly isRoot: boolean;
  /** The ledger is only looked at: for commands that change nothing, beside a running agent. */
  readonly readOnly?: boolean;
}

/** Opens this machine. Without root it can only be planned; `planOnly` then is true whatever the configuration says. */
export async function openLocalHost(config: AgentConfig, how: Opening, log: Log): Promise<LocalHost> {
  const { agentVersion, readOnly = false } = how;
  const planOnly = config.plan_only || !how.isRoot;
  const kernel = new HostRoot(config.kernel_root);
  const boot = bootId(kernel) ?? 'unknown';
  const hypervisor = await openHypervisor({
    uri: config.libvirt_uri,
    pidDirectory: config.libvirt_pid_directory,
    log,
  }).catch((error: Error) => {
    log.warn({ error: error.message }, 'no hypervisor: domain settings are unsupported');
    return undefined;
  });
  const facts = factsOf(kernel, hypervisor, config, agentVersion, log);
  const ledger = await Ledger.open(config.state_directory, { bootId: boot, now: Date.now, readOnly });
  const desired = await DesiredFile.load(join(config.state_directory, 'desired.json'));
  const hostView = async () => ({ facts: await facts(), domains: await activeDomains(hypervisor) });
  const reconciler = new Reconciler({
    tuners,
    ports: { kernel, hypervisor },
    ledger,
    hostView,
    planOnly,
    now: Date.now,
    log,
  });
  const close = async (): Promise<void> => {
    await hypervisor?.close();
    await ledger.close();
  };
  return { kernel, hypervisor, reconciler, ledger, desired, planOnly, bootId: boot, facts, close };
}

async function activeDomains(hypervisor: Hypervisor | undefined): Promise<DomainView[]> {
  if (!hypervisor?.reachable) return [];
  return (await hypervisor.domains()).filter((domain) => domain.id >= 0);
}

/** How old facts may be. A start of a domain is enforced within this time with the facts of the pass before it. */
const factsLifeMs = 10_000;

/** Facts, read anew when they are older than `factsLifeMs`; what costs shells is asked once and kept. */
function factsOf(
  kernel: KernelRoot,
  hypervisor: Hypervisor | undefined,
  config: AgentConfig,
  agentVersion: string,
  log: Log,
): () => Promise<HostFacts> {
  let inventory: Record<string, string> = {};
  const readServices = servicesOf(log);
  void readInventory().then((read) => (inventory = read.inventory));
  const read = async (): Promise<HostFacts> => {
    const [openvswitch, libvirt, services, diskTotalBytes] = await Promise.all([
      vsctl({})
        .version()
        .catch(() => ''),
      hypervisor?.versions().catch(() => ({})),
      readServices(),
      statfs(config.image_directory)
        .then(({ blocks, bsize }) => blocks * bsize)
        .catch(() => 0),
    ]);
    const versions = { ...libvirt, ...(openvswitch === '' ? {} : { openvswitch }), agent: agentVersion };
    return gatherFacts(kernel, { versions, services, inventory, diskTotalBytes });
  };
  let kept: { facts: Promise<HostFacts>; readMs: number } | undefined;
  return () => {
    if (!kept || performance.now() - kept.readMs > factsLifeMs)
      kept = { facts: read(), readMs: performance.now() };
    return kept.facts;
  };
}

/** States of the watched units. While systemd does not answer, the last ones count: an owner is not gone because of that. */
function servicesOf(log: Log): () => Promise<Record<string, string>> {
  let known: Record<string, string> = {};
  return async () => {
    try {
      known = await unitStates(watchedUnits);
    } catch (error) {
      log.debug({ error: (error as Error).message }, 'systemd does not answer');
    }
    return known;
  };
}
