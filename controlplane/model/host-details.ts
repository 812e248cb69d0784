/** What filters ask of a host beyond amounts: hypervisor, CPU, metrics, devices, NUMA cells. Nova's `HostState` fields. */
import type { PciDevice } from '../../proto/gen/drover/v1/PciDevice.js';
import type { HostNuma } from './host-numa.js';

/** Passthrough devices of one kind behind one NUMA cell. */
export interface PciPool {
  readonly vendorId: string;
  readonly productId: string;
  /** null: the device is near no cell in particular. */
  readonly numaCell: number | null;
  readonly count: number;
  /** `type-PCI`, `type-PF`, `type-VF`. */
  readonly deviceType: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Passthrough devices one by one, by address. */
export interface HostDevices {
  readonly all: readonly PciDevice[];
  /** Neither an allocation nor a domain has them. Not brought up to date in a fork. */
  readonly free: readonly PciDevice[];
}

/** A figure that the host measured, such as `cpu.percent`. */
export interface Metric {
  readonly name: string;
  readonly value: number;
}

/** null and undefined mean what they mean in Nova: not told. */
export interface HostDetails {
  /** Nova's hypervisor hostname; a Nova host may have several. */
  readonly nodeName: string;
  readonly cellUuid: string | null;
  readonly hostIp: string | null;
  readonly hypervisorType: string | null;
  readonly hypervisorHostname: string | null;
  /** a x 1,000,000 + b x 1,000 + c for version a.b.c. */
  readonly hypervisorVersion: number | null;
  /** Architecture, hypervisor type and VM mode of each kind of guest that runs here. */
  readonly supportedInstances: readonly (readonly string[])[] | null;
  /** An object, or the raw text where it is no JSON object. */
  readonly cpuInfo: unknown;
  readonly stats: Readonly<Record<string, unknown>>;
  readonly metrics: readonly Metric[];
  readonly numa: HostNuma | null;
  /** Those that are free. undefined: the host reports no devices. */
  readonly pciPools: readonly PciPool[] | undefined;
  /** undefined: the host does not tell its devices one by one. */
  readonly devices: HostDevices | undefined;
}

/** A host that has told nothing. */
export const noDetails: HostDetails = {
  nodeName: '',
  cellUuid: null,
  hostIp: null,
  hypervisorType: null,
  hypervisorHostname: null,
  hypervisorVersion: null,
  supportedInstances: null,
  cpuInfo: null,
  stats: {},
  metrics: [],
  numa: null,
  pciPools: undefined,
  devices: undefined,
};
