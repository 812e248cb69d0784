/** Puts the agent's rooms together for one host. The only other places that do are `sim/` and tests. */
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { asDroverError } from '../proto/wire/errors.js';
import type { HostFacts } from '../proto/gen/drover/v1/HostFacts.js';
import type { AgentConfig } from './config.js';
import { gatherFacts } from './facts/index.js';
import { readInventory, type Inventory } from './facts/inventory.js';
import { lastKnown } from './host/last-known.js';
import { ProcessScan } from './kernel/named-processes.js';
import { bootId } from './kernel/procfs.js';
import { HostRoot, type KernelRoot } from './kernel/root.js';
import { askTc } from './kernel/traffic-control.js';
import { openHypervisor } from './libvirt/open-hypervisor.js';
import type { DomainView, Hypervisor } from './libvirt/hypervisor.js';
import type { Log } from './log.js';
import { ovsDatabase } from './openvswitch/database.js';
import { vsctl } from './openvswitch/vsctl.js';
import { watchFiles } from './host/watch-files.js';
import { TrialFile } from './host/trial.js';
import { AllocationsFile } from './reconcile/allocations-file.js';
import { DesiredFile } from './reconcile/desired.js';
import { Ledger } from './reconcile/ledger.js';
import { ownersOf, type Owners } from './reconcile/ownership.js';
import { PendingReboots } from './reconcile/pending-reboots.js';
import { Reconciler } from './reconcile/reconciler.js';
import { withAllocation } from './reconcile/specs.js';
import { services } from './systemd/services.js';
import { unitStates } from './systemd/units.js';
import { ownerTableProcesses, ownerTableUnits, tunedProfileFile } from './tuners/common/owner-table.js';
import { tuners } from './tuners/index.js';
import { ShapingLooks } from './tuners/common/network/shaping-looks.js';
import type { HostView } from './tuners/tuner.js';

/** One host, ready to be reconciled. */
export interface LocalHost {
  readonly kernel: KernelRoot;
  readonly hypervisor: Hypervisor | undefined;
  readonly reconciler: Reconciler;
  readonly ledger: Ledger;
  readonly desired: DesiredFile;
  readonly allocations: AllocationsFile;
  readonly trials: TrialFile;
  readonly pendingReboots: PendingReboots;
  /** Tells of changes of the files that tuners write; answers how to stop. */
  watchFiles(changed: () => void): () => void;
  readonly planOnly: boolean;
  readonly bootId: string;
  facts(): Promise<HostFacts>;
  close(): Promise<void>;
}

/** systemd units whose state matters here: those that the agent works with, and those that may own the same settings. */
export const watchedUnits: readonly string[] = [
  ...new Set(['libvirtd.service', 'virtqemud.service', 'openvswitch-switch.service', ...ownerTableUnits]),
];

export interface Opening {
  readonly agentVersion: string;
  readonly isRoot: boolean;
  /** The ledger is only looked at: for commands that change nothing, beside a running agent. */
  readonly readOnly?: boolean;
  /** What the control plane gave may be damaged or unreadable: for undoing what the ledger holds. */
  readonly ledgerOnly?: boolean;
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
  const facts = factsOf(kernel, hypervisor, config, agentVersion);
  const ledger = await Ledger.open(config.state_directory, { bootId: boot, now: Date.now, readOnly });
  const inState = (name: string): string => join(config.state_directory, name);
  const given = { log, readOnly: readOnly || how.ledgerOnly === true, isSpare: how.ledgerOnly ?? false };
  const desired = await DesiredFile.load(inState('desired.json'), given);
  const allocations = await AllocationsFile.load(inState('allocations.json'), given);
  const trials = await TrialFile.load(inState('trial.json'));
  const pendingReboots = await PendingReboots.load(inState('pending-reboots.json'));
  const hostView = async (uuid?: string): Promise<HostView> => ({
    facts: await facts(uuid === undefined ? undefined : startFactsLifeMs),
    ...(await activeDomains(hypervisor, allocations, uuid)),
  });
  const shaping = new ShapingLooks({ ask: askTc(), monotonicMs: () => performance.now() });
  const reconciler = new Reconciler({
    tuners,
    ports: { kernel, hypervisor, openvswitch: ovsDatabase(), services: services(), shaping },
    owners: ownersHere(kernel, () => facts(startFactsLifeMs)),
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
  const watched = tuners.flatMap(({ files = [] }) => files).map((file) => join(config.kernel_root, file));
  return {
    ...{ kernel, hypervisor, reconciler, ledger, desired, allocations, trials, pendingReboots },
    ...{ planOnly, bootId: boot, facts, close },
    watchFiles: (changed) => watchFiles(watched, changed),
  };
}

/** Who else writes settings here: units, and processes where there is no systemd; these are looked for once a minute. */
function ownersHere(kernel: KernelRoot, facts: () => Promise<HostFacts>): () => Promise<Owners> {
  const scan = new ProcessScan(kernel, ownerTableProcesses, () => performance.now());
  return async () => ownersOf((await facts()).services, scan.read(), kernel.read(tunedProfileFile));
}

/** Active domains; while libvirt does not answer none, and why: then what is not about domains is enforced all the same. */
async function activeDomains(
  hypervisor: Hypervisor | undefined,
  allocations: AllocationsFile,
  uuid?: string,
): Promise<Pick<HostView, 'domains' | 'domainsUnknown'>> {
  const domainsUnknown = 'libvirt does not answer: domains were not looked at';
  if (!hypervisor) return { domains: [] };
  if (!hypervisor.reachable) return { domains: [], domainsUnknown };
  try {
    const all = await (uuid === undefined ? hypervisor.domains() : withFresh(hypervisor, uuid));
    const active = all.filter((domain) => domain.id >= 0);
    return { domains: active.map((domain) => withAllocation(domain, allocations.of(domain))) };
  } catch (thrown) {
    return { domains: [], domainsUnknown: `${domainsUnknown} (${(thrown as Error).message})` };
  }
}

/** Every domain as the last look saw it, and one as of now: a start asks for itself alone. */
async function withFresh(hypervisor: Hypervisor, uuid: string): Promise<DomainView[]> {
  if (!hypervisor.domain) return hypervisor.domains();
  const [fresh, all] = await Promise.all([
    hypervisor.domain(uuid).then((domain) => [domain], goneOf),
    hypervisor.domains(Number.POSITIVE_INFINITY),
  ]);
  return [...all.filter((domain) => domain.uuid !== uuid), ...fresh];
}

/** Nothing for a domain that libvirt does not have; any other error is thrown. */
function goneOf(thrown: unknown): DomainView[] {
  if (asDroverError(thrown).code === 'not-found') return [];
  throw thrown;
}

/** The new facts with those parts of the old ones that say the same: what was worked out of them holds. */
function sameParts(old: HostFacts | undefined, now: HostFacts): HostFacts {
  if (!old) return now;
  const parts = Object.entries(now).map(([name, part]: [string, unknown]) => {
    const before = old[name as keyof HostFacts];
    return [name, isDeepStrictEqual(before, part) ? before : part] as const;
  });
  const isSame = parts.every(([name, part]) => part === old[name as keyof HostFacts]);
  return isSame ? old : (Object.fromEntries(parts) as unknown as HostFacts);
}

/** How old facts may be. A start of a domain is enforced within this time with the facts of the pass before it. */
const factsLifeMs = 10_000;

/** Of what age facts still serve the start of a domain: those of the last regular pass. */
const startFactsLifeMs = 35_000;

/** How long each thing outside the kernel may take to tell a fact. */
const factDeadlineMs = 3_000;

/** Facts, read anew when they are older than `factsLifeMs`; what costs shells is asked once and kept. */
function factsOf(
  kernel: KernelRoot,
  hypervisor: Hypervisor | undefined,
  config: AgentConfig,
  agentVersion: string,
): (lifeMs?: number) => Promise<HostFacts> {
  let inventory: Inventory = { inventory: {}, warnings: [] };
  void readInventory().then((read) => (inventory = read));
  const diskBytes = () => statfs(config.image_directory).then(({ blocks, bsize }) => blocks * bsize);
  // While systemd does not answer, the last states count: an owner of settings is not gone because of that.
  const sources = {
    openvswitch: lastKnown(() => vsctl({}).version(), '', factDeadlineMs),
    libvirt: lastKnown(async () => (await hypervisor?.versions()) ?? {}, {}, factDeadlineMs),
    systemd: lastKnown(() => unitStates(watchedUnits), {}, factDeadlineMs),
    images: lastKnown(diskBytes, 0, factDeadlineMs),
  };
  const read = async (): Promise<HostFacts> => {
    const [openvswitch, libvirt, services, diskTotalBytes] = await Promise.all([
      sources.openvswitch.read(),
      sources.libvirt.read(),
      sources.systemd.read(),
      sources.images.read(),
    ]);
    const versions = { ...libvirt, ...(openvswitch === '' ? {} : { openvswitch }), agent: agentVersion };
    const facts = gatherFacts(kernel, {
      ...{ versions, services, inventory: inventory.inventory, diskTotalBytes },
      passthrough: config.passthrough,
    });
    const faults = Object.entries(sources).flatMap(([name, { fault }]) =>
      fault === undefined ? [] : [`${name}: ${fault}`],
    );
    before = sameParts(before, { ...facts, warnings: [...facts.warnings, ...inventory.warnings, ...faults] });
    return before;
  };
  let before: HostFacts | undefined;
  let kept: { facts: Promise<HostFacts>; readMs: number } | undefined;
  return (lifeMs = factsLifeMs) => {
    if (kept && performance.now() - kept.readMs <= lifeMs) return kept.facts;
    const now = { facts: read(), readMs: performance.now() };
    kept = now;
    // What could not be read is tried again by whoever asks next.
    now.facts.catch(() => kept === now && (kept = undefined));
    return now.facts;
  };
}
