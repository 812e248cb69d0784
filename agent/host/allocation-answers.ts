/** Answers the control plane's allocations after looking at the host: which it can hold, and what it lacks for the others. */
import type { AllocationReportInput } from '../../proto/gen/drover/v1/AllocationReport.js';
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import type { RejectedAllocation } from '../../proto/gen/drover/v1/RejectedAllocation.js';
import { asDroverError } from '../../proto/wire/errors.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import type { DomainView, Hypervisor } from '../libvirt/hypervisor.js';
import type { Log } from '../log.js';
import type { AllocationsFile } from '../reconcile/allocations-file.js';
import { admit } from './admission.js';

export interface AllocationAnswersOptions {
  readonly allocations: AllocationsFile;
  readonly hypervisor: Hypervisor | undefined;
  facts(): Promise<HostFacts>;
  /** In force now. */
  settings(): TunerSettings | undefined;
  say(report: AllocationReportInput): void;
  readonly log: Log;
}

type Answer = AllocationReportInput & { rejected: RejectedAllocation[] };

/** How old the list of domains may be: one that is there is still there. */
const domainsAgeMs = 2_000;

export class AllocationAnswers {
  readonly #options: AllocationAnswersOptions;
  #last = '';
  /** One answer at a time: an older one must not replace a newer. */
  #tail: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;

  constructor(options: AllocationAnswersOptions) {
    this.#options = options;
  }

  /** Answers, also with what was answered before: the control plane has asked. */
  again(): Promise<void> {
    this.#last = '';
    return this.answer();
  }

  /**
   * Answers where the answer is another than the last. A host whose libvirt does not answer confirms and rejects nothing: it
   * can neither start a domain nor tell which are there, and silence would count as consent. Who asks while an answer is worked out shares the next one. Never throws.
   */
  answer(): Promise<void> {
    this.#next ??= this.#tail.then(() => this.#answer());
    this.#tail = this.#next;
    return this.#next;
  }

  async #answer(): Promise<void> {
    this.#next = undefined;
    const { allocations, hypervisor, facts, log } = this.#options;
    const { generation } = allocations;
    if (generation === 0) return;
    if (!hypervisor?.reachable) return this.#say({ generation, confirmedIds: [], rejected: [] });
    try {
      const [domains, known] = await Promise.all([hypervisor.domains(domainsAgeMs), facts()]);
      this.#say(this.#report(domains, known));
    } catch (thrown) {
      log.warn(
        { error: asDroverError(thrown).message },
        'allocations not answered; tried again with the next pass',
      );
    }
  }

  #say(report: Answer): void {
    const text = JSON.stringify(report);
    if (text === this.#last) return;
    this.#last = text;
    for (const { id, reason } of report.rejected)
      this.#options.log.warn({ allocation: id, reason }, 'allocation rejected');
    this.#options.say(report);
  }

  /** In one go: list and generation are of one set. */
  #report(domains: readonly DomainView[], facts: HostFacts): Answer {
    const { allocations, settings } = this.#options;
    const there = new Set(domains.flatMap((domain) => allocations.of(domain)?.id ?? []));
    const isThere = ({ id }: { id: string }): boolean => there.has(id);
    const deviceHolders = new Map(
      domains.flatMap(({ name, pciAddresses }) => pciAddresses.map((address) => [address, name] as const)),
    );
    const host = { facts, settings: settings(), isThere, deviceHolders };
    const { confirmedIds, rejected } = admit(host, allocations.list);
    return { generation: allocations.generation, confirmedIds: [...confirmedIds], rejected: [...rejected] };
  }
}
