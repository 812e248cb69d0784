/** NUMA cells of a host as placement accounts for them. Memory in MiB, pages by size in KiB, as Nova's `NUMACell`. */

/** Pages of one size in a cell. Free = total - used - reserved. */
export interface PagePool {
  readonly sizeKb: number;
  readonly total: number;
  readonly used: number;
  readonly reserved: number;
}

/** Networks that are near a cell: physical ones by name, and whether tunnels end there. */
export interface NetworkMetadata {
  readonly physnets: readonly string[];
  readonly tunneled: boolean;
}

export interface HostCell {
  readonly id: number;
  /** pCPUs open to shared vCPUs. */
  readonly sharedCpus: readonly number[];
  /** pCPUs open to dedicated vCPUs; the same as `sharedCpus` on a host with the old `vcpu_pin_set`. */
  readonly dedicatedCpus: readonly number[];
  readonly memoryMb: number;
  readonly memoryUsedMb: number;
  /** Shared vCPUs placed on the cell. */
  readonly vcpusUsed: number;
  /** Dedicated pCPUs that are taken. */
  readonly pinnedCpus: readonly number[];
  /** Threads of each core; empty: no thread siblings. */
  readonly siblings: readonly (readonly number[])[];
  readonly socket: number | null;
  readonly pages: readonly PagePool[];
  readonly network: NetworkMetadata;
}

export interface HostNuma {
  readonly cells: readonly HostCell[];
}
