/** The NUMA cells that a virtual machine asks for, as Nova's `InstanceNUMATopology`. */

/** KiB, or Nova's -1 (small), -2 (large), -3 (any); null: not asked. */
export type PageSize = number | null;

export interface GuestCell {
  readonly id: number;
  /** vCPUs that float over the host cell's shared pCPUs. */
  readonly sharedVcpus: readonly number[];
  /** vCPUs that get a pCPU of their own. */
  readonly dedicatedVcpus: readonly number[];
  readonly memoryMb: number;
  readonly pageSize: PageSize;
  /** shared, dedicated, mixed; null: not asked. */
  readonly cpuPolicy: string | null;
  /** prefer, isolate, require; null: not asked. */
  readonly threadPolicy: string | null;
}

export interface GuestNuma {
  readonly cells: readonly GuestCell[];
  /** isolate, share; null: not asked. */
  readonly emulatorThreadsPolicy: string | null;
}
