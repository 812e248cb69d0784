/** The agent's own reconciler over this machine, in this process: a command of the agent costs 20 s to start here. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostFacts } from '../../../proto/gen/drover/v1/HostFacts.js';
import { gatherFacts } from '../../../agent/facts/index.js';
import { bootId } from '../../../agent/kernel/procfs.js';
import { HostRoot } from '../../../agent/kernel/root.js';
import { openHypervisor } from '../../../agent/libvirt/open-hypervisor.js';
import { vsctl } from '../../../agent/openvswitch/vsctl.js';
import { Ledger } from '../../../agent/reconcile/ledger.js';
import type { PlanEntry } from '../../../agent/reconcile/plan.js';
import { Reconciler } from '../../../agent/reconcile/reconciler.js';
import { services } from '../../../agent/systemd/services.js';
import { unitStates } from '../../../agent/systemd/units.js';
import { ownerTableUnits } from '../../../agent/tuners/common/owner-table.js';
import { tuners } from '../../../agent/tuners/index.js';
import type { HostView } from '../../../agent/tuners/tuner.js';
import { DroverError } from '../../../proto/wire/errors.js';
import type { TunerSettings } from '../../../proto/wire/tuner-settings.js';

/** The agent's own deadlines are a tenth of these; an emulated machine on busy cores is as much slower. */
const deadlines = { libvirt: 60_000, bus: 30_000, job: 180_000 } as const;

/** A domain that starts or ends meanwhile, or one set of pins that makes room for another, takes a pass more. */
const maximumPasses = 3;

const log = { info: () => undefined, warn: () => undefined };

export class LocalHost {
  readonly #reconciler: Reconciler;
  readonly facts: () => Promise<HostFacts>;
  readonly close: () => Promise<void>;

  private constructor(reconciler: Reconciler, facts: LocalHost['facts'], close: LocalHost['close']) {
    this.#reconciler = reconciler;
    this.facts = facts;
    this.close = close;
  }

  /** Opens this machine with its ledger in `state`. */
  static async open(state: string): Promise<LocalHost> {
    const kernel = new HostRoot('/');
    const hypervisor = await openHypervisor({
      uri: 'qemu:///system',
      pidDirectory: '/run/libvirt/qemu',
      deadlineMs: deadlines.libvirt,
    });
    const ledger = await Ledger.open(state, { bootId: bootId(kernel) ?? '', now: Date.now });
    const bus = { timeoutMs: deadlines.bus };
    const versions = {
      ...(await patiently(() => hypervisor.versions())),
      openvswitch: await vsctl({}).version(),
    };
    const facts = async (): Promise<HostFacts> =>
      gatherFacts(kernel, {
        versions,
        services: await unitStates(ownerTableUnits, bus),
        inventory: {},
        diskTotalBytes: 0,
      });
    const hostView = async (): Promise<HostView> => ({
      facts: await facts(),
      domains: (await hypervisor.domains()).filter(({ id }) => id >= 0),
    });
    const ports = { kernel, hypervisor, services: services({ ...bus, jobTimeoutMs: deadlines.job }) };
    const options = { tuners, ports, ledger, hostView, planOnly: false, now: Date.now, log };
    return new LocalHost(new Reconciler(options), facts, async () => {
      await hypervisor.close();
      await ledger.close();
    });
  }

  plan(settings: TunerSettings): Promise<PlanEntry[]> {
    return untilSeen(() => this.#reconciler.plan(settings));
  }

  verify(settings: TunerSettings): Promise<PlanEntry[]> {
    return untilSeen(() => this.#reconciler.verify(settings));
  }

  /** One pass: how each knob came out. */
  apply(settings: TunerSettings): Promise<PlanEntry[]> {
    return untilSeen(() => this.#reconciler.apply(settings));
  }

  /** Passes until nothing is left to change; answers a fresh look at every knob. */
  async enforce(settings: TunerSettings): Promise<PlanEntry[]> {
    for (let pass = 1; ; pass++) {
      await this.apply(settings);
      const entries = await this.verify(settings);
      if (pass === maximumPasses || !entries.some(({ outcome }) => outcome === 'change')) return entries;
    }
  }

  /** Puts everything back; answers what could not be. */
  async revert(): Promise<string[]> {
    const entries = await patiently(() => this.#reconciler.revert());
    return open(entries).filter((line) => !/: changed/.test(line));
  }
}

/** The agent gives a domain's XML 900 ms, whatever its other deadlines; a domain that was not seen in that time is looked at again. */
async function untilSeen(look: () => Promise<PlanEntry[]>): Promise<PlanEntry[]> {
  for (let attempt = 1; ; attempt++) {
    const entries = await patiently(look);
    const late = entries.some(({ reason }) => /not answered in \d+ ms|libvirt does not answer/.test(reason));
    if (!late || attempt === maximumPasses) return entries;
  }
}

/** libvirtd may miss a keepalive on busy cores; the connection comes back by itself. */
async function patiently<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ask();
    } catch (thrown) {
      const isAway = thrown instanceof DroverError && awayCodes.includes(thrown.code);
      if (!isAway || attempt === maximumPasses) throw thrown;
      await sleep(10_000);
    }
  }
}

const awayCodes: readonly string[] = ['unavailable', 'deadline-exceeded', 'libvirt-failed'];

/** What is not in order, in words: `vm-d vcpu 1 affinity: held, wants 4 (reason)`. */
export function open(entries: readonly PlanEntry[]): string[] {
  return entries.filter(({ outcome }) => outcome !== 'in-sync').map(inWords);
}

export function inWords({ knob, outcome, wanted, reason }: PlanEntry): string {
  return `${knob.domain ? `${knob.domain.name} ` : ''}${knob.setting}: ${outcome}, wants ${wanted} (${reason})`;
}

/** The entry of a setting, whose name may be given by its beginning. */
export function entryOf(
  entries: readonly PlanEntry[],
  setting: string,
  domain?: string,
): PlanEntry | undefined {
  return entries.find(
    ({ knob }) => knob.setting.startsWith(setting) && (domain === undefined || knob.domain?.name === domain),
  );
}
