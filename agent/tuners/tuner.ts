/**
 * The shape of a tuner. A tuner observes its knobs, says which value each should have (`want`, pure), and writes one
 * knob. Everything else — plan, apply, verify, drift, revert — is made of these three in `agent/reconcile`.
 */
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import type { SettingsOf, TunerName, TunerSettings } from '../../proto/wire/tuner-settings.js';
import type { KernelRoot } from '../kernel/root.js';
import type { DomainView, Hypervisor } from '../libvirt/hypervisor.js';
import type { FileStats } from './common/block/file-stats.js';
import type { ShapingLooks } from './common/network/shaping-looks.js';

/** When a changed setting is felt. */
export type Effect = 'now' | 'domain-restart' | 'host-reboot';

/** A domain as a knob names it. The incarnation differs after every start, so old ledger entries never match a new start. */
export interface KnobDomain {
  readonly uuid: string;
  readonly name: string;
  readonly incarnation: string;
  /** libvirt's id of that start, for its calls; no part of the identity. */
  readonly id?: number | undefined;
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
  /** It outlives a restart of the host (a file on disk): so does its ledger entry. */
  readonly persistent?: true;
}

/** What a look at one knob gave. Values are canonical text: equal text means an equal setting. */
export interface Reading {
  readonly knob: Knob;
  /** Undefined: this host cannot do it, and `unsupported` says why. */
  readonly value?: string;
  readonly unsupported?: string;
  /** The domain's own XML set it: respected unless Drover's ledger holds the knob or the profile overrides. */
  readonly explicit?: boolean;
  /** The thing that had this knob is not there any more (an interrupt's number has another owner): nothing is left to undo. */
  readonly gone?: true;
  /** Why it cannot be told now whether the settings mean this knob: what the ledger holds of it is kept meanwhile. */
  readonly undecided?: string;
  /** What shows that the value bites: `throttled in 37 of 40 periods`, `512 of 512 pages on cell 0`. For people. */
  readonly evidence?: string;
  /**
   * The value stands, and yet it has no effect, with the reason: `effective affinity is still 0-3`, `the scheduler is not
   * bfq`. Wanted and equal, the knob is then failed and not in sync.
   */
  readonly ineffective?: string;
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
  /** It cannot be changed while the host or domain runs; reported as deferred with this reason, `effect` says until when. */
  readonly deferred?: string;
  /** It failed lately and would fail again, with the reason; reported as failed and not written for the time being. */
  readonly fails?: string;
  /** A remark for people on a value that will be written: `8192 clamped to 10000`, `memory stays on cell 0`. */
  readonly remark?: string;
}

/** A knob that another one's write resets, with its value before. */
export interface Disturbed {
  readonly knob: Knob;
  readonly original: string;
}

/** What a tuner may look at. */
export interface HostView {
  readonly facts: HostFacts;
  /** Active domains only. */
  readonly domains: readonly DomainView[];
  /** Active domains that this look is not about: a tuner that shares something out between domains reads them too. */
  readonly others?: readonly DomainView[];
  /** Why domains could not be looked at; `domains` is empty then and says nothing about what runs. */
  readonly domainsUnknown?: string;
  /** All settings of the profile in force; a tuner may look at a neighbour's (the CPU sets of vcpu-pinning). */
  readonly settings?: TunerSettings;
  /** Knobs that the ledger holds: a tuner whose knobs follow from its settings (sysctl) reads these as well. */
  readonly held?: readonly Knob[];
}

/** What a tuner may act through. Without a hypervisor, domain knobs are unsupported. */
export interface TunerPorts {
  readonly kernel: KernelRoot;
  readonly hypervisor: Hypervisor | undefined;
  /** Looks at image files; absent: the reconciler brings its own, a tuner by itself one for each look. */
  readonly files?: FileStats;
  /** Open vSwitch's database; absent: none here. */
  readonly openvswitch?: OpenVswitch;
  /** Looks at what limits network devices; absent: it is not told whether a bandwidth bites. */
  readonly shaping?: ShapingLooks;
  /** systemd's manager; absent: no systemd on the bus. */
  readonly services?: Services;
  /** Milliseconds of a clock that only goes forward; absent: performance.now. */
  monotonicMs?(): number;
}

/** systemd units as tuners see them (org.freedesktop.systemd1.Manager). */
export interface Services {
  /** ActiveState by unit; units that are not installed are absent. Errors: those of `callBus`. */
  states(units: readonly string[]): Promise<Record<string, string>>;
  start(unit: string): Promise<void>;
  stop(unit: string): Promise<void>;
  /** Sets limits of a unit's control group until the next boot (SetUnitProperties with `runtime`); absent: not to be had. */
  setResources?(unit: string, limits: UnitLimits): Promise<void>;
}

/** What is absent stays. `memoryMaxBytes` Infinity: no limit. */
export interface UnitLimits {
  readonly allowedCpus?: readonly number[];
  readonly memoryMaxBytes?: number;
}

/** The part of ovs-vsctl that tuners use (agent/openvswitch/vsctl.ts). */
export interface OpenVswitch {
  /** Rows of a table with these columns, decoded. */
  list(table: string, columns: readonly string[]): Promise<Record<string, unknown>[]>;
  /** One transaction of `ovs-vsctl` commands: ['set', 'Interface', 'vnet0', 'ingress_policing_rate=1000']. */
  run(commands: readonly (readonly string[])[]): Promise<void>;
}

export interface Tuner<Name extends TunerName = TunerName> {
  readonly name: Name;
  /** Its knobs belong to domains: without a look at those it can do nothing. */
  readonly ofDomains?: true;
  /** Files on disk that it writes: a change of one by somebody else is found at once. */
  readonly files?: readonly string[];
  /** Every knob of this family as it is now. Never writes. */
  observe(ports: TunerPorts, host: HostView): Promise<Reading[]>;
  /** Which values the settings ask for, given what was read. Pure. Errors: `invalid-argument` where this host cannot take a value. */
  want(settings: SettingsOf<Name>, readings: readonly Reading[], host: HostView): Want[];
  /**
   * Knobs that the kernel resets with a write of this one, and what they are now. `write` gives them that again; should the
   * agent end in between, the ledger knows it, and they are undone before the knob itself. Absent: it resets none.
   */
  disturbs?(ports: TunerPorts, knob: Knob): readonly Disturbed[];
  /** Writes one knob; also used with a ledger value to undo. Errors: `kernel-write-failed`, those of `Hypervisor`. */
  write(ports: TunerPorts, knob: Knob, value: string): Promise<void>;
}

/** Identity of a knob in plans and in the ledger. */
export function knobKey(knob: Knob): string {
  return `${knob.tuner}|${knob.domain ? `${knob.domain.uuid}@${knob.domain.incarnation}` : 'host'}|${knob.setting}`;
}
