/** Keeps ports of Open vSwitch as the running domains say: looks twice, acts, and looks whether it worked. */
import type { PortFinding } from '../../../proto/gen/drover/v1/PortFinding.js';
import { asDroverError } from '../../../proto/wire/errors.js';
import type { GuestSettings } from '../../../proto/wire/guest-settings.js';
import type { DomainKey } from '../../libvirt/hypervisor.js';
import type { Log } from '../../log.js';
import type { Fault, PortLook } from './find.js';
import { Findings, newly, type OpenFault, type Times } from './findings.js';
import { PortLooks, type LookSources } from './looks.js';
import { whyNot } from './may-mend.js';
import { mend, type RestoreBandwidth } from './mend.js';

export interface PortKeeperOptions extends LookSources {
  /** Asked of domains with a fault only; an error counts as yes. */
  readonly isMigrating: (domain: DomainKey) => Promise<boolean>;
  readonly mode: () => GuestSettings['ports'];
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly monotonicMs: () => number;
  readonly log: Log;
  readonly restoreBandwidth?: RestoreBandwidth;
}

/** Between the first sight of a fault and the act. */
export const leastGapMs = 5_000;
/** Most acts of one pass; each is some 10 ms. */
export const maximumActs = 64;

/** `late`: Open vSwitch did not say in time whether it is done. */
type ActResult = 'done' | 'late' | 'failed';

export class PortKeeper {
  readonly #options: PortKeeperOptions;
  readonly #looks: PortLooks;
  readonly #findings = new Findings();
  #running: Promise<PortFinding[]> | undefined;
  #trouble = '';

  constructor(options: PortKeeperOptions) {
    this.#options = options;
    this.#looks = new PortLooks(options);
  }

  /** Why the last pass could not look; empty: it could. */
  get trouble(): string {
    return this.#trouble;
  }

  /**
   * One look, and what follows from it; to be called every 20 s. Answers what is wrong now and what was mended in the last
   * hour, at most 1024. It never fails: where Open vSwitch, libvirt or the kernel did not answer, nothing is done and
   * `trouble` says why. While a pass runs, another call answers the same.
   */
  pass(): Promise<PortFinding[]> {
    this.#running ??= this.#pass().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #pass(): Promise<PortFinding[]> {
    this.#trouble = '';
    try {
      if (this.#options.mode() === 'off') this.#findings.forget();
      else await this.#lookAndMend();
    } catch (thrown) {
      this.#findings.forget();
      this.#trouble = asDroverError(thrown).message;
      this.#options.log.warn({ reason: this.#trouble }, 'ports were not looked at');
    }
    return this.#findings.list(this.#times());
  }

  async #lookAndMend(): Promise<void> {
    this.#findings.note(this.#looks.faults(await this.#looks.note()), this.#times());
    if (this.#options.mode() !== 'heal')
      for (const { fault } of this.#findings.open) this.#hold(fault, 'reported only, as the profile says');
    else {
      const due = this.#findings.due(leastGapMs, this.#times());
      if (due.length > 0) await this.#mendDue(due);
    }
  }

  /** What is acted on is seen once more right before: domains start and rows come while a pass runs. */
  async #mendDue(due: readonly OpenFault[]): Promise<void> {
    const look = await this.#looks.look();
    const still = new Map(this.#looks.faults(look).map((fault) => [fault.evidence, fault]));
    const seen = due.flatMap((open) => {
      const fault = still.get(open.fault.evidence);
      return fault ? [{ ...open, fault }] : [];
    });
    const acted = await this.#act(seen, look);
    if (acted.length > 0) await this.#check(acted);
  }

  /** Answers those that were done or may have been done. */
  async #act(due: readonly OpenFault[], look: PortLook): Promise<OpenFault[]> {
    const acted: OpenFault[] = [];
    const faults = due.map(({ fault }) => fault);
    const refusal = whyNot(look, faults, this.#options);
    let isLate = false;
    for (const open of due) {
      const why = isLate
        ? 'Open vSwitch answers too late'
        : acted.length >= maximumActs
          ? `${maximumActs} acts a pass`
          : await refusal(open.fault);
      if (why !== undefined) {
        this.#hold(open.fault, why);
        continue;
      }
      const result = await this.#mend(open.fault);
      isLate = result === 'late';
      if (result !== 'failed') acted.push(open);
    }
    return acted;
  }

  #hold({ evidence, reason }: Fault, why: string): void {
    this.#findings.hold(evidence, `${reason}; held: ${why}`);
  }

  async #mend(fault: Fault): Promise<ActResult> {
    const { openvswitch, log, restoreBandwidth } = this.#options;
    try {
      const left = await mend(openvswitch, fault, restoreBandwidth);
      if (left !== '') log.warn({ port: fault.port, reason: left }, 'a port was added again, but');
      return 'done';
    } catch (thrown) {
      const { code, message } = asDroverError(thrown);
      log.warn(
        { port: fault.port, kind: fault.kind, act: fault.act, reason: message },
        'a port was not mended',
      );
      if (code === 'deadline-exceeded') return 'late';
      this.#findings.fail(fault.evidence, `${fault.reason}; ${message}`, this.#times());
      return 'failed';
    }
  }

  /** A fresh look says whether it worked. An added port that does not work is another row, hence other evidence. */
  async #check(acted: readonly OpenFault[]): Promise<void> {
    const look = await this.#looks.look();
    const faults = this.#looks.faults(look);
    for (const open of acted) {
      const left = faults.find(
        ({ evidence, act, port }) =>
          evidence === open.fault.evidence ||
          (act === 'add' && open.fault.act === 'add' && port === open.fault.port),
      );
      if (left) this.#findings.fail(open.fault.evidence, `${left.reason}; it did not help`, this.#times());
      else this.#mended(open);
    }
    await this.#giveBack(acted, faults, look);
  }

  #mended(open: OpenFault): void {
    const { port, bridge, kind, reason, domain } = open.fault;
    this.#findings.mended(open, this.#times());
    this.#options.log.info({ port, bridge, kind, reason, domain: domain?.uuid }, 'a port was mended');
  }

  /** A guest that took over a stale row in the moment in which that was deleted gets its port at once. */
  async #giveBack(acted: readonly OpenFault[], faults: readonly Fault[], look: PortLook): Promise<void> {
    const deleted = new Set(acted.flatMap(({ fault }) => (fault.act === 'delete' ? [fault.port] : [])));
    const robbed = faults.filter(({ act, port }) => act === 'add' && deleted.has(port));
    const refusal = whyNot(look, robbed, this.#options);
    for (const fault of robbed)
      if ((await refusal(fault)) === undefined && (await this.#mend(fault)) === 'done')
        this.#mended(newly(fault, this.#times()));
  }

  #times(): Times {
    return { monotonicMs: this.#options.monotonicMs(), unixMs: this.#options.now() };
  }
}
