/**
 * The first word of each knob that a tuner has: what `drift` may name. Undefined: the profile or what runs on a host names
 * the knobs, they may be any.
 */
export const knobWords = {
  owners: undefined,
  sysctl: undefined,
  'vcpu-pinning': ['vcpu', 'emulator', 'iothread'],
  'numa-memory': ['memory'],
  'cpu-qos': ['vcpu_period_us', 'vcpu_quota_us', 'cpu_shares'],
  'block-qos': ['read_bytes_sec', 'write_bytes_sec', 'read_iops_sec', 'write_iops_sec', 'throttle'],
  'block-weight': ['weight'],
  'interface-qos': ['inbound', 'outbound'],
  'disk-cache': ['cache'],
  'vhost-net': ['vhost'],
  'machine-slice': ['cpuset.cpus', 'memory.max'],
  'irq-affinity': ['default_smp_affinity', 'irq'],
  'cpu-governor': ['scaling_governor', 'energy_performance_preference'],
  ksm: [
    ...['run', 'pages_to_scan', 'sleep_millisecs', 'merge_across_nodes', 'use_zero_pages', 'smart_scan'],
    ...['max_page_sharing', 'stable_node_chains_prune_millisecs'],
    ...['advisor_target_scan_time', 'advisor_max_cpu'],
  ],
  'transparent-hugepages': [
    ...[
      'enabled',
      'defrag',
      'shmem_enabled',
      'use_zero_page',
      'khugepaged/defrag',
      'khugepaged/pages_to_scan',
    ],
    ...['khugepaged/scan_sleep_millisecs', 'khugepaged/alloc_sleep_millisecs'],
    ...['khugepaged/max_ptes_none', 'khugepaged/max_ptes_swap', 'khugepaged/max_ptes_shared'],
  ],
  hugepages: ['nr_hugepages', 'nr_overcommit_hugepages'],
  'virtual-memory': [
    ...['dirty_limit', 'dirty_background_limit', 'overcommit_limit', 'swappiness', 'dirty_expire_centisecs'],
    ...['dirty_writeback_centisecs', 'min_free_kbytes', 'watermark_scale_factor', 'vfs_cache_pressure'],
    ...['zone_reclaim_mode', 'numa_balancing', 'page-cluster', 'overcommit_memory'],
  ],
  'block-queue': ['scheduler', 'nr_requests', 'read_ahead_kb', 'rq_affinity', 'nomerges', 'wbt_lat_usec'],
  'kernel-command-line': ['boot', 'running'],
} as const satisfies Record<string, readonly string[] | undefined>;
