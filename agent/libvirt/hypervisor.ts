/** What the rest of the agent sees of libvirt. `agent/libvirt` implements it by FFI, `agent/sim` in memory. */

export type DomainState =
  'running' | 'blocked' | 'paused' | 'shutdown' | 'shutoff' | 'crashed' | 'pmsuspended' | 'unknown';

export interface DomainDisk {
  /** Name in the guest: vda. */
  readonly target: string;
  /** File or block device on the host; undefined for network disks. */
  readonly source: string | undefined;
  readonly type: 'file' | 'block' | 'network' | 'other';
  /** Driver cache mode as the XML says it: none, writeback, …; undefined: not given. */
  readonly cache: string | undefined;
}

/**
 * Limits that QEMU itself keeps for one disk (libvirt's <iotune>, virDomainSetBlockIoTune): they work on any backend.
 * Bytes or operations a second; what is absent or 0 is no limit. `Max` is the burst, `MaxLengthSec` how long one may last.
 * As it is read, there are neither zeros nor a `MaxLengthSec` of 1, which is QEMU's default.
 */
export interface DiskThrottle {
  readonly totalBytesSec?: number;
  readonly readBytesSec?: number;
  readonly writeBytesSec?: number;
  readonly totalIopsSec?: number;
  readonly readIopsSec?: number;
  readonly writeIopsSec?: number;
  readonly totalBytesSecMax?: number;
  readonly readBytesSecMax?: number;
  readonly writeBytesSecMax?: number;
  readonly totalIopsSecMax?: number;
  readonly readIopsSecMax?: number;
  readonly writeIopsSecMax?: number;
  readonly totalBytesSecMaxLengthSec?: number;
  readonly readBytesSecMaxLengthSec?: number;
  readonly writeBytesSecMaxLengthSec?: number;
  readonly totalIopsSecMaxLengthSec?: number;
  readonly readIopsSecMaxLengthSec?: number;
  readonly writeIopsSecMaxLengthSec?: number;
  /** Bytes that count as one operation; 0: a request of any size is one. */
  readonly sizeIopsSec?: number;
}

/** Traffic shaping of one direction, in libvirt's units (virDomainSetInterfaceParameters): kilobytes a second, kilobytes. */
export interface InterfaceRate {
  readonly averageKilobytesSec: number;
  readonly peakKilobytesSec?: number;
  readonly burstKilobytes?: number;
  /** Inbound of an interface in a libvirt network: what it is sure of. Without an average (0) it limits nothing. */
  readonly floorKilobytesSec?: number;
}

/** `inbound` is what the guest receives. Absent: not limited. */
export interface InterfaceBandwidth {
  readonly inbound?: InterfaceRate;
  readonly outbound?: InterfaceRate;
}

/** What to make of an interface: null lifts a direction, an absent one stays as it is. */
export interface InterfaceBandwidthChange {
  readonly inbound?: InterfaceRate | null;
  readonly outbound?: InterfaceRate | null;
}

/** VLANs of an interface (libvirt's <vlan>), each 0..4095. */
export interface InterfaceVlan {
  /** As the XML lists them, at least one. */
  readonly tags: readonly number[];
  /** The guest sees the tags itself; else its traffic gets the one tag. */
  readonly trunk: boolean;
  /** Of a trunk: the VLAN of frames without a tag, and whether they leave with it. */
  readonly native?: { readonly tag: number; readonly mode: 'tagged' | 'untagged' };
}

export interface DomainInterface {
  /** Host side: vnet0; empty: none yet. */
  readonly target: string;
  readonly mac: string;
  /** libvirt's interface type: bridge, network, ethernet, vhostuser, direct, user, … */
  readonly type: string;
  /** Bridge that it is plugged into; empty: none. */
  readonly bridge: string;
  /** Type of <virtualport>: openvswitch or empty. */
  readonly virtualPort: string;
  readonly interfaceId: string;
  /** virtio, e1000, … */
  readonly model: string;
  /** <driver name>: vhost, qemu, or empty for libvirt's choice. */
  readonly driver: string;
  readonly bandwidth: InterfaceBandwidth;
  /** Absent: the XML names no VLAN. */
  readonly vlan?: InterfaceVlan;
  /** <virtualport><parameters profileid>; absent: none. */
  readonly profileId?: string;
}

/** Where a domain's extra specs come from; `nova`: from Nova's own metadata in the XML. */
export type SpecSource = 'allocation' | 'drover' | 'nova' | 'class' | '';

/** How a domain wants to be stopped and started, from Drover's metadata in its XML. What is absent, the profile says. */
export interface GuestWords {
  /** Starts ascending, stops descending. */
  readonly order?: number;
  /** Names or UUIDs of domains that this one needs: it starts after them and stops before them. */
  readonly after?: readonly string[];
  readonly graceSeconds?: number;
  readonly ask?: readonly ('acpi' | 'agent')[];
  readonly then?: 'power-off' | 'managed-save' | 'leave';
  /** Whether it runs again after a boot of the host if it ran before. */
  readonly resume?: boolean;
}

/** Settings that the domain's own XML carries. They are respected unless Drover made them or the profile overrides. */
export interface ExplicitSettings {
  readonly vcpuPins: readonly number[]; // vCPUs with a <vcpupin>
  readonly emulatorPin: boolean;
  readonly vcpuBandwidth: boolean; // <period> or <quota> in <cputune>
  readonly cpuShares: boolean;
  readonly blockDevices: readonly string[]; // paths in <blkiotune><device>
  readonly blockWeight: boolean; // <weight> in <blkiotune>
  readonly ioThreadPins: readonly number[]; // I/O threads with an <iothreadpin>
  readonly numaMemory: boolean; // <memory> in <numatune>
  readonly diskThrottles: readonly string[]; // targets of disks with <iotune>
  readonly interfaceBandwidths: readonly string[]; // MACs of interfaces with <bandwidth>
}

export interface DomainView {
  readonly uuid: string;
  readonly name: string;
  /** libvirt's id of the running domain; -1 when it is not active. Another start gives another id. */
  readonly id: number;
  readonly state: DomainState;
  readonly vcpus: number;
  readonly memoryBytes: number;
  /** QEMU's process; undefined when it is not active or not known yet. */
  readonly pid: number | undefined;
  readonly disks: readonly DomainDisk[];
  readonly explicit: ExplicitSettings;
  /** From Drover's metadata in the domain XML; empty: none. */
  readonly allocationId: string;
  /** QoS class from Drover's metadata; empty: none. */
  readonly qosClass: string;
  /** Flavor extra specs by Nova's names: the XML's own, or as `effectiveSpecs` completes them before tuners see them. */
  readonly specs: Readonly<Record<string, string>>;
  readonly specSource: SpecSource;
  /** Nova's metadata is in the XML: Nova made this domain, and its pinning. */
  readonly isNovas: boolean;
  readonly interfaces: readonly DomainInterface[];
  /** Addresses of the host's PCI devices that it has, such as 0000:3b:00.1, sorted. */
  readonly pciAddresses: readonly string[];
  /** Numbers of its I/O threads. */
  readonly ioThreads: readonly number[];
  /** <numatune><memory> of the live XML. */
  readonly numaMemory?: { readonly mode: string; readonly nodeset: string };
  /** Guest memory is on hugetlb pages (<memoryBacking><hugepages>). */
  readonly hugepages: boolean;
  /** `<drover:guest>` of its metadata; what is not usable there is left out. */
  readonly guest: GuestWords;
  /** Why its XML could not be read: disks, explicit settings and allocation are not known then. No tuner touches it. */
  readonly xmlUnknown?: string;
}

export interface DomainEvent {
  readonly uuid: string;
  readonly name: string;
  /** libvirt's virDomainEventType in words. */
  readonly kind:
    | 'defined'
    | 'undefined'
    | 'started'
    | 'suspended'
    | 'resumed'
    | 'stopped'
    | 'shutdown'
    | 'pmsuspended'
    | 'crashed'
    // Not of the lifecycle: somebody set pins, scheduler or throttles, plugged a device, or wrote metadata.
    | 'tuned'
    | 'device-changed'
    | 'metadata-changed';
  /** Of `started` and `stopped`: why, as virDomainEventStartedDetailType and virDomainEventStoppedDetailType say it in words. */
  readonly detail?: string;
}

/**
 * Turning guests off and on. Every call has a deadline and errors as in `Hypervisor`; a guest that hangs holds up no other
 * guest's calls, and none of these calls holds up any other kind. Eight starts and saves together run side by side, as do
 * eight power-offs and eight questions to guest agents; further ones wait within their deadline, and end in `unavailable`
 * where it is over before they were asked: such a one may be tried again.
 */
export interface GuestPower {
  /** Done when the request is delivered, which says nothing of whether the guest obeys (virDomainShutdownFlags). */
  askToShutDown(domain: DomainKey, way: 'acpi' | 'agent'): Promise<void>;
  /** Memory to disk, then off; the next start goes on from there (virDomainManagedSave). */
  managedSave(domain: DomainKey, deadlineMs: number): Promise<void>;
  /** Off at once (virDomainDestroy). Done when it is off; also for a guest that is off already. */
  powerOff(domain: DomainKey): Promise<void>;
  /** Stops its vCPUs; its memory stays (virDomainSuspend). Also for a guest that is suspended already. */
  suspend(domain: DomainKey): Promise<void>;
  /** Lets it go on (virDomainResume). */
  resume(domain: DomainKey): Promise<void>;
  /** Done when QEMU runs it (virDomainCreate). Errors: `already-exists` when it runs. */
  start(uuid: string, deadlineMs: number): Promise<void>;
  /** It has a definition that outlives its stop. */
  isPersistent(uuid: string): Promise<boolean>;
  hasManagedSave(uuid: string): Promise<boolean>;
  /** It comes to or leaves this host right now (virDomainGetJobStats). */
  isMigrating(domain: DomainKey): Promise<boolean>;
}

/**
 * A running domain as calls name it. With `id` (libvirt's, of that start) a call on a domain that was started anew
 * meanwhile ends in `not-found` and changes nothing.
 */
export interface DomainKey {
  readonly uuid: string;
  readonly id?: number | undefined;
}

/** CFS settings; what is absent stays as it is. */
export interface SchedulerSettings {
  vcpuPeriodUs?: number;
  /** -1: no limit. */
  vcpuQuotaUs?: number;
  cpuShares?: number;
}

/** Limits of one host block device for one domain; what is absent stays as it is, 0 lifts a limit. */
export interface BlockLimits {
  readBytesSec?: number;
  writeBytesSec?: number;
  readIopsSec?: number;
  writeIopsSec?: number;
}

/**
 * Every call is asynchronous with a deadline. Errors: `libvirt-failed` (libvirt's own message), `deadline-exceeded`,
 * `unavailable` (no connection), `not-found` (the domain is gone).
 */
export interface Hypervisor {
  /** True while a connection answers. */
  readonly reachable: boolean;
  /** Every domain, active and not, as of now or at most `oldMs` ago. */
  domains(oldMs?: number): Promise<DomainView[]>;
  /** One domain as of now, active or not, at a fraction of the price of all; absent: `domains` is all there is. */
  domain?(uuid: string): Promise<DomainView>;
  pinVcpu(domain: DomainKey, vcpu: number, cpus: readonly number[]): Promise<void>;
  pinEmulator(domain: DomainKey, cpus: readonly number[]): Promise<void>;
  pinIoThread(domain: DomainKey, ioThread: number, cpus: readonly number[]): Promise<void>;
  setScheduler(domain: DomainKey, settings: SchedulerSettings): Promise<void>;
  /** `device` is a block device node of the host, such as /dev/vda. */
  setBlockLimits(domain: DomainKey, device: string, limits: BlockLimits): Promise<void>;
  /** Proportional weight of the whole domain, 10..1000 (virDomainSetBlkioParameters `weight`). */
  setBlockWeight(domain: DomainKey, weight: number): Promise<void>;
  /** QEMU's throttle of a disk, by its target (vda): all its limits at once, so what is absent is lifted. */
  setDiskThrottle(domain: DomainKey, target: string, throttle: DiskThrottle): Promise<void>;
  /** Throttles of QEMU as the live XML shows them now, by target; a disk without any is absent. */
  diskThrottles(domain: DomainKey): Promise<ReadonlyMap<string, DiskThrottle>>;
  /** Directions of one interface, by MAC: libvirt keeps the one that is absent; of one that is named, all parts change. */
  setInterfaceBandwidth(domain: DomainKey, mac: string, change: InterfaceBandwidthChange): Promise<void>;
  /** As libvirt holds it now. */
  interfaceBandwidth(domain: DomainKey, mac: string): Promise<InterfaceBandwidth>;
  /** Cells that the memory comes from, ascending (virDomainSetNumaParameters; live in mode restrictive only, before libvirt 8.0 also strict). */
  setMemoryCells(domain: DomainKey, cells: readonly number[]): Promise<void>;
  /** Subscribes to what happens to domains; answers how to stop. */
  onDomainEvent(listener: (event: DomainEvent) => void): () => void;
  /** Subscribes to the connection coming and going; answers how to stop. */
  onReachable(listener: (reachable: boolean) => void): () => void;
  versions(): Promise<Record<string, string>>;
  /** Absent: this driver cannot turn guests off and on. */
  readonly power?: GuestPower;
  close(): Promise<void>;
}
