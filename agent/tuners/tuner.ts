/**
 * The shape of a tuner. A tuner observes its knobs, says which value each should have (`want`, pure), and writes one
 * knob. Everything else — plan, apply, verify, drift, revert — is made of these three in `agent/reconcile`.
 */
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import type { SettingsOf, TunerName } from '../../proto/wire/tuner-settings.js';
import type { KernelRoot } from '../kernel/root.js';
import type { DomainView, Hypervisor } from '../libvirt/hypervisor.js';
import type { FileStats } from './common/file-stats.js';

/** When a changed setting is felt. */
export type Effect = 'now' | 'domain-restart' | 'host-reboot';

/** A domain as a knob names it. The incarnation differs after every start, so old ledger entries never match a new start. */
export interface KnobDomain {
  readonly uuid: string;
  readonly name: string;
  readonly incarnation: string;
}

/** One value on the host that can be read and written. */
export interface Knob {
  readonly tuner: TunerName;
  /** Unique in the tuner and domain: `run`, `vcpu 0 affinity`, `write_bytes_sec /dev/vda`. */
  readonly setting: string;
  /** The domain that it belongs to; undefined: the host. */
  readonly domain?: KnobDomain;
  /** The file or call that the value is read from, for people: `/sys/kernel/mm/ksm/run`. */
  readonly source: string;
}

/** What a look at one knob gave. Values are canonical text: equal text means an equal setting. */
export interface Reading {
  readonly knob: Knob;
  /** Undefined: this host cannot do it, and `unsupported` says why. */
  readonly value?: string;
  readonly unsupported?: string;
  /** The domain's own XML set it: respected unless Drover's ledger holds the knob or the profile overrides. */
  readonly explicit?: boolean;
  /** Why it cannot be told now whether the settings mean this knob: what the ledger holds of it is kept meanwhile. */
  readonly undecided?: string;
}

/** What one knob should be. Wants come in the order in which they are to be written. */
export interface Want {
  readonly knob: Knob;
  readonly value: string;
  readonly effect: Effect;
  /** Names of domains that feel it; empty: none, or only the knob's own. */
  readonly affects: readonly string[];
  /** Write even where the domain's XML carries its own setting. */
  readonly override?: boolean;
  /** Something in the way; the knob is reported as held with this reason and not written. */
  readonly held?: string;
  /** This host's kernel or cgroup version has no such value; reported as unsupported with this reason and not written. */
  readonly unsupported?: string;
}

/** What a tuner may look at. */
export interface HostView {
  readonly facts: HostFacts;
  /** Active domains only. */
  readonly domains: readonly DomainView[];
  /** Why domains could not be looked at; `domains` is empty then and says nothing about what runs. */
  readonly domainsUnknown?: string;
}

/** What a tuner may act through. Without a hypervisor, domain knobs are unsupported. */
export interface TunerPorts {
  readonly kernel: KernelRoot;
  readonly hypervisor: Hypervisor | undefined;
  /** Looks at image files; absent: the reconciler brings its own, a tuner by itself one for each look. */
  readonly files?: FileStats;
}

export interface TunerDescription {
  /** One line. */
  readonly summary: string;
  /** Kernel files and libvirt calls that it writes. */
  readonly writes: readonly string[];
  /** Kernel or libvirt documentation with the version where the interface appeared. */
  readonly source: string;
}

export interface Tuner<Name extends TunerName = TunerName> {
  readonly name: Name;
  readonly description: TunerDescription;
  /** Its knobs belong to domains: without a look at those it can do nothing. */
  readonly ofDomains?: true;
  /** Every knob of this family as it is now. Never writes. */
  observe(ports: TunerPorts, host: HostView): Promise<Reading[]>;
  /** Which values the settings ask for, given what was read. Pure. Errors: `invalid-argument` where this host cannot take a value. */
  want(settings: SettingsOf<Name>, readings: readonly Reading[], host: HostView): Want[];
  /** Writes one knob; also used with a ledger value to undo. Errors: `kernel-write-failed`, those of `Hypervisor`. */
  write(ports: TunerPorts, knob: Knob, value: string): Promise<void>;
}

/** Identity of a knob in plans and in the ledger. */
export function knobKey(knob: Knob): string {
  return `${knob.tuner}|${knob.domain ? `${knob.domain.uuid}@${knob.domain.incarnation}` : 'host'}|${knob.setting}`;
}
