/** A case of the conformance files, as JSON has it: one question to Nova and its answer. Absent fields take Nova's defaults. */
import type { Aggregate } from '../../controlplane/model/aggregate.js';

export interface VectorCell {
  readonly id: number;
  readonly cpuset?: readonly number[];
  readonly pcpuset?: readonly number[];
  readonly memory?: number;
  readonly memory_usage?: number;
  readonly cpu_usage?: number;
  readonly pinned_cpus?: readonly number[];
  readonly siblings?: readonly (readonly number[])[];
  readonly socket?: number | null;
  readonly mempages?: readonly { size_kb: number; total: number; used?: number; reserved?: number }[];
  readonly network_metadata?: { physnets?: readonly string[]; tunneled?: boolean };
}

export interface VectorHost {
  readonly host: string;
  readonly nodename?: string;
  readonly cell_uuid?: string | null;
  readonly service?: {
    readonly disabled?: boolean;
    readonly disabled_reason?: string | null;
    readonly forced_down?: boolean;
    readonly seconds_since_last_seen_up?: number | null;
    readonly seconds_since_created?: number;
  };
  readonly vcpus_total?: number | null;
  readonly vcpus_used?: number;
  readonly total_usable_ram_mb?: number;
  readonly free_ram_mb?: number;
  readonly total_usable_disk_gb?: number;
  readonly free_disk_mb?: number;
  readonly disk_mb_used?: number;
  readonly cpu_allocation_ratio?: number;
  readonly ram_allocation_ratio?: number;
  readonly disk_allocation_ratio?: number;
  readonly num_instances?: number;
  readonly num_io_ops?: number;
  readonly failed_builds?: number;
  readonly host_ip?: string | null;
  readonly hypervisor_type?: string | null;
  readonly hypervisor_hostname?: string | null;
  readonly hypervisor_version?: number | null;
  readonly supported_instances?: readonly (readonly string[])[] | null;
  readonly cpu_info?: unknown;
  readonly stats?: Readonly<Record<string, unknown>>;
  readonly metrics?: readonly { name: string; value: number }[];
  readonly aggregates?: readonly Aggregate[];
  readonly instances?: readonly string[];
  readonly numa_topology?: { readonly cells: readonly VectorCell[] } | null;
  readonly pci_pools?: readonly {
    vendor_id: string;
    product_id: string;
    numa_node?: number | null;
    count: number;
    tags?: Record<string, string>;
    dev_type?: string;
  }[];
}

export interface VectorRequest {
  readonly instance_uuid?: string;
  readonly instance_uuids?: readonly string[];
  readonly flavor?: {
    readonly name?: string;
    readonly vcpus?: number;
    readonly memory_mb?: number;
    readonly root_gb?: number;
    readonly ephemeral_gb?: number;
    readonly swap?: number;
    readonly extra_specs?: Readonly<Record<string, string>>;
  };
  readonly image?: {
    readonly id?: string;
    readonly name?: string;
    readonly properties?: Record<string, string>;
  } | null;
  readonly project_id?: string | null;
  readonly availability_zone?: string | null;
  readonly scheduler_hints?: Readonly<Record<string, readonly string[]>>;
  readonly instance_group?: {
    readonly policy?: string;
    readonly members?: readonly string[];
    readonly hosts?: readonly string[];
    readonly rules?: { readonly max_server_per_host?: number };
  } | null;
  readonly ignore_hosts?: readonly string[] | null;
  readonly force_hosts?: readonly string[] | null;
  readonly force_nodes?: readonly string[] | null;
  readonly requested_destination?: {
    readonly host?: string | null;
    readonly node?: string | null;
    readonly cell_uuid?: string | null;
    readonly allow_cross_cell_move?: boolean;
  } | null;
  readonly retry?: {
    readonly num_attempts?: number;
    readonly hosts?: readonly (readonly (string | null)[])[];
  } | null;
  readonly pci_requests?: readonly {
    count: number;
    spec: readonly Readonly<Record<string, string>>[];
    numa_policy?: string | null;
  }[];
  readonly network_metadata?: { readonly physnets?: readonly string[]; readonly tunneled?: boolean } | null;
  readonly is_bfv?: boolean;
  readonly resources?: Readonly<Record<string, number>>;
}

export interface Vector {
  readonly id: string;
  readonly kind: string;
  readonly name?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  readonly hosts?: readonly VectorHost[];
  readonly request?: VectorRequest;
  readonly tags?: readonly string[];
  /** What Nova answered; its shape depends on the kind. */
  readonly expect: Readonly<Record<string, unknown>>;
  /** Fields that only some kinds have: `filters`, `weighers`, `inventory`, `compute_node`, … */
  readonly [more: string]: unknown;
}
