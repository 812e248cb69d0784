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

/** Settings that the domain's own XML carries. They are respected unless Drover made them or the profile overrides. */
export interface ExplicitSettings {
  readonly vcpuPins: readonly number[]; // vCPUs with a <vcpupin>
  readonly emulatorPin: boolean;
  readonly vcpuBandwidth: boolean; // <period> or <quota> in <cputune>
  readonly cpuShares: boolean;
  readonly blockDevices: readonly string[]; // paths in <blkiotune><device>
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
    | 'crashed';
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
  /** Every domain, active and not. */
  domains(): Promise<DomainView[]>;
  pinVcpu(uuid: string, vcpu: number, cpus: readonly number[]): Promise<void>;
  pinEmulator(uuid: string, cpus: readonly number[]): Promise<void>;
  setScheduler(uuid: string, settings: SchedulerSettings): Promise<void>;
  /** `device` is a block device node of the host, such as /dev/vda. */
  setBlockLimits(uuid: string, device: string, limits: BlockLimits): Promise<void>;
  /** Subscribes to lifecycle events; answers how to stop. */
  onDomainEvent(listener: (event: DomainEvent) => void): () => void;
  /** Subscribes to the connection coming and going; answers how to stop. */
  onReachable(listener: (reachable: boolean) => void): () => void;
  versions(): Promise<Record<string, string>>;
  close(): Promise<void>;
}
