/** The auditor over simulated guests, with every source of the audit in the test's hand. */
import { join } from 'node:path';
import type { AuditSources } from '../../agent/guests/audit/compare.js';
import { Auditor, type AuditorOptions } from '../../agent/guests/audit/auditor.js';
import { Quarantine } from '../../agent/guests/audit/quarantine.js';
import type { DomainView } from '../../agent/libvirt/hypervisor.js';
import { SimHypervisor } from '../../agent/sim/sim-hypervisor.js';
import { shapeOf } from '../../agent/sim/sim-host.js';
import { buildTree } from '../../agent/sim/tree.js';
import type { DeletedAction } from '../../proto/wire/guest-settings.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };

export const uuidOf = (number: number): string =>
  `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;

export class AuditBed {
  readonly hypervisor = new SimHypervisor(buildTree(shapeOf(1, 'boot')), 'v2');
  readonly #directory: string;
  readonly allocations = new Map<string, { readonly id: string; readonly instanceUuid: string }>();
  /** Acts on domains, in order. */
  readonly acts: string[] = [];
  isTold = true;
  isLibvirtThere = true;
  hasProcesses = true;
  nowMs = 0;
  unixMs = 1_700_000_000_000;
  ghosts: AuditSources['processes'][number][] = [];
  groups: AuditSources['emptyGroups'][number][] = [];
  /** libvirt refuses these. */
  refused: 'suspend' | undefined;
  auditor!: Auditor;
  quarantine!: Quarantine;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  static async open(directory: string): Promise<AuditBed> {
    const bed = new AuditBed(directory);
    await bed.restart();
    return bed;
  }

  get quarantineFile(): string {
    return join(this.#directory, 'quarantine.json');
  }

  /** An agent that starts anew: it remembers what is on disk alone. */
  async restart(bootId = 'boot'): Promise<void> {
    const { power } = this.hypervisor;
    this.quarantine = await Quarantine.load({ file: this.quarantineFile, bootId, log: quiet });
    const act = async (what: string, { uuid }: { uuid: string }, work: Promise<void>): Promise<void> => {
      await work;
      this.acts.push(`${what} ${Number.parseInt(uuid.slice(-12), 16)}`);
    };
    this.auditor = new Auditor({
      look: () => this.#look(),
      promised: promisedOf(this),
      power: {
        askToShutDown: (key, way) => act('ask', key, power.askToShutDown(key, way)),
        powerOff: (key) => act('off', key, power.powerOff(key)),
        suspend: async (key) => {
          if (this.refused === 'suspend') throw new Error('the monitor hangs');
          await act('suspend', key, power.suspend(key));
        },
        resume: (key) => act('resume', key, power.resume(key)),
        isMigrating: (key) => power.isMigrating(key),
      },
      quarantine: this.quarantine,
      now: () => this.unixMs,
      monotonicMs: () => this.nowMs,
      log: quiet,
    });
  }

  /** A guest that Drover placed, with its allocation. */
  place(number: number): DomainView {
    this.allocations.set(uuidOf(number), { id: `allocation-${number}`, instanceUuid: uuidOf(number) });
    return this.start(number, `allocation-${number}`);
  }

  start(number: number, allocationId = ''): DomainView {
    return this.hypervisor.start({
      ...{ uuid: uuidOf(number), name: `guest-${number}`, vcpus: 1, memoryBytes: 2 ** 28, allocationId },
    });
  }

  /** The control plane forgets it. */
  forget(number: number): void {
    this.allocations.delete(uuidOf(number));
  }

  async stateOf(number: number): Promise<string | undefined> {
    return (await this.hypervisor.domains()).find(({ uuid }) => uuid === uuidOf(number))?.state;
  }

  /** A pass two minutes after the one before: `KIND NUMBER OUTCOME` of each finding. */
  async pass(action: DeletedAction = 'reap', ageSeconds = 600, afterMs = 120_000): Promise<string[]> {
    this.nowMs += afterMs;
    this.unixMs += afterMs;
    const found = await this.auditor.pass({
      running_deleted_instance_action: action,
      running_deleted_instance_age_seconds: ageSeconds,
    });
    return found.map(
      ({ kind, uuid = '', outcome }) => `${kind} ${Number.parseInt(uuid.slice(-12) || '0', 16)} ${outcome}`,
    );
  }

  async #look(): Promise<Omit<AuditSources, 'promised'>> {
    const domains = await this.hypervisor.domains();
    const own = domains
      .filter(({ id }) => id >= 0 && this.hasProcesses)
      .map(({ uuid, name, pid = 0 }) => ({ pid, uuid, name }));
    return {
      domains: this.isLibvirtThere ? domains : undefined,
      processes: [...own, ...this.ghosts],
      emptyGroups: this.groups,
      ports: [],
    };
  }
}

/** As it is at each look. */
function promisedOf(bed: AuditBed): AuditorOptions['promised'] {
  return {
    get isTold() {
      return bed.isTold;
    },
    generation: 7,
    covers: (domain) => bed.allocations.has(domain.uuid),
    allocations: () => [...bed.allocations.values()],
  };
}
