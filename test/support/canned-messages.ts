/** A small fleet as the control plane would tell it: every field filled, some hosts healthy and some not. */
import type { AllocationInput } from '../../proto/gen/drover/v1/Allocation.js';
import type { AvailabilityZoneInput } from '../../proto/gen/drover/v1/AvailabilityZone.js';
import type { ConditionInput } from '../../proto/gen/drover/v1/Condition.js';
import type { DomainInput } from '../../proto/gen/drover/v1/Domain.js';
import type { ExplainResponseInput } from '../../proto/gen/drover/v1/ExplainResponse.js';
import type { FlavorInput } from '../../proto/gen/drover/v1/Flavor.js';
import type { GuestReportInput } from '../../proto/gen/drover/v1/GuestReport.js';
import type { HostAggregateInput } from '../../proto/gen/drover/v1/HostAggregate.js';
import type { HostDetailInput } from '../../proto/gen/drover/v1/HostDetail.js';
import type { HostFactsInput } from '../../proto/gen/drover/v1/HostFacts.js';
import type { PciDeviceInput } from '../../proto/gen/drover/v1/PciDevice.js';
import type { HostInput } from '../../proto/gen/drover/v1/Host.js';
import type { MaintainHostResponseInput } from '../../proto/gen/drover/v1/MaintainHostResponse.js';
import type { OperationInput } from '../../proto/gen/drover/v1/Operation.js';
import type { ProfileInput } from '../../proto/gen/drover/v1/Profile.js';
import type { SchedulerSettingInput } from '../../proto/gen/drover/v1/SchedulerSetting.js';
import type { SelectDestinationsResponseInput } from '../../proto/gen/drover/v1/SelectDestinationsResponse.js';
import type { ServerGroupInput } from '../../proto/gen/drover/v1/ServerGroup.js';
import type { SettingStatusInput } from '../../proto/gen/drover/v1/SettingStatus.js';
import type { SimulateResponseInput } from '../../proto/gen/drover/v1/SimulateResponse.js';

/** The moment at which every canned message is told: 2026-11-22 02:00:00 UTC. */
export const cannedNowMs = Date.UTC(2026, 10, 22, 2, 0, 0);

const gib = 2 ** 30;
const minute = 60_000;
const id = (tail: string) => `0192f3a1-7c44-7000-8000-${tail.padStart(12, '0')}`;

const overcommit = {
  cpuAllocationRatio: 4,
  ramAllocationRatio: 1.5,
  diskAllocationRatio: 1,
  reservedHostCpus: 2,
  reservedHostMemoryMb: 4096,
  reservedHostDiskMb: 10_240,
};

export const hosts: HostInput[] = [
  {
    id: id('1'),
    name: 'kvm-01',
    availabilityZone: 'rack-a',
    labels: { rack: 'a7', 'example.org/fooBar': 'yes' },
    capacity: { vcpus: 64, memoryBytes: 252 * gib, diskBytes: 1800 * gib },
    usage: {
      ...{ vcpus: 12, memoryBytes: 96 * gib, diskBytes: 240 * gib, allocations: 2, unmanagedDomains: 1 },
      ...{ devices: 6, devicesTaken: 1 },
    },
    overcommit,
    liveness: 'up',
    lastSeenUnixMs: cannedNowMs - 2_000,
    profileName: 'density',
    profileRevision: 3,
    tuningState: 'drifted',
    activeDomains: 2,
    agentVersion: '0.1.0',
    generation: 17,
    aggregates: ['dense', 'rack-a'],
  },
  {
    id: id('2'),
    name: 'kvm-02',
    availabilityZone: 'rack-a',
    disabled: true,
    disabledReason: 'fan replaced today',
    capacity: { vcpus: 8, memoryBytes: 15.5 * gib, diskBytes: 90 * gib },
    usage: { vcpus: 2.5, memoryBytes: 0.5 * gib },
    overcommit: { ...overcommit, cpuAllocationRatio: 1, ramAllocationRatio: 1 },
    liveness: 'down',
    lastSeenUnixMs: cannedNowMs - 12 * minute,
    tuningState: 'unmanaged',
    simulated: true,
    forcedDown: true,
  },
  {
    ...{ id: id('3'), name: 'kvm-03.example.org', liveness: 'never-seen', tuningState: 'unmanaged' },
    maintenance: {
      ...{ state: 'drain', reason: 'burn-in first', by: 'ann', guests: 'leave' },
      sinceUnixMs: cannedNowMs - 40 * minute,
    },
    lock: {
      ...{ purpose: 'maintenance', holder: 'maintenance', reason: 'burn-in first', by: 'ann' },
      sinceUnixMs: cannedNowMs - 40 * minute,
    },
  },
];

function virtualFunction(number: number): PciDeviceInput {
  const kind = { vendorId: '8086', productId: '154c', deviceType: 'type-VF', numaCell: 1 };
  return { address: `0000:3b:02.${number}`, ...kind, tags: { physical_network: 'dc1' } };
}

export const facts: HostFactsInput = {
  cpu: {
    architecture: 'x86_64',
    modelName: 'AMD EPYC 7543 32-Core Processor',
    online: '0-63',
    isolated: '60-63',
    sockets: 2,
    cores: 32,
    threadsPerCoreMin: 2,
    threadsPerCoreMax: 2,
    coreList: [{ cpus: '0,32', socket: 0, efficiencyRank: 0 }],
    caches: [
      { level: 1, type: 'Data', sizeBytes: 32 * 1024, instances: 32 },
      { level: 3, type: 'Unified', sizeBytes: 256 * 2 ** 20, instances: 2 },
    ],
  },
  memory: { totalBytes: 252 * gib, swapTotalBytes: 8 * gib },
  numaCells: [
    {
      id: 0,
      cpus: '0-15,32-47',
      memoryBytes: 126 * gib,
      hugepages: [{ sizeBytes: 2 ** 21, total: 512, free: 256 }],
      distances: { 0: 10, 1: 21 },
    },
    { id: 1, cpus: '16-31,48-63', memoryBytes: 126 * gib, hugepages: [], distances: { 0: 21, 1: 10 } },
  ],
  hugepages: [
    { sizeBytes: 2 ** 21, total: 512, free: 256 },
    { sizeBytes: gib, total: 4, free: 4 },
  ],
  passthrough: {
    devices: [
      ...[0, 1, 2, 3, 4].map((number) => virtualFunction(number)),
      { address: '0000:af:00.0', vendorId: '10de', productId: '20b0', deviceType: 'type-PCI' },
    ],
  },
  blockDevices: [
    {
      name: 'nvme0n1',
      deviceNumber: '259:0',
      sizeBytes: 1920 * gib,
      scheduler: 'none',
      schedulers: ['none', 'mq-deadline'],
      queueRequests: 1023,
      model: 'MZQL21T9',
      vendor: 'Samsung',
      partitions: ['nvme0n1p1'],
      logicalBlockBytes: 512,
    },
  ],
  cgroup: { mode: 'v2', unified: '/sys/fs/cgroup', unifiedControllers: ['cpuset', 'cpu', 'io', 'memory'] },
  versions: { kernel: '6.1.0-28-amd64', qemu: '7.2.13', libvirt: '9.0.0' },
  ksm: {
    run: '1',
    pages_to_scan: '100',
    sleep_millisecs: '200',
    pages_shared: '1200',
    pages_sharing: '54000',
  },
  transparentHugepages: { enabled: 'madvise', defrag: 'madvise' },
  services: { 'libvirtd.service': 'active', 'ovs-vswitchd.service': 'inactive' },
  virtualization: 'none',
  inventory: { manufacturer: 'Example', model: 'R7525' },
  diskTotalBytes: 1800 * gib,
  warnings: ['hugepages of 1 GiB: no such file'],
};

export const domains: DomainInput[] = [
  {
    uuid: '5e9c7a0e-0000-4000-8000-000000000001',
    name: 'web-1',
    hostId: id('1'),
    hostName: 'kvm-01',
    state: 'running',
    vcpus: 4,
    memoryBytes: 8 * gib,
    allocationId: id('a001'),
    diskBytes: 20 * gib,
  },
  {
    uuid: '5e9c7a0e-0000-4000-8000-000000000002',
    name: 'データ-2',
    hostId: id('1'),
    hostName: 'kvm-01',
    state: 'paused',
    vcpus: 8,
    memoryBytes: 88 * gib,
  },
];

export const settings: SettingStatusInput[] = [
  {
    tuner: 'ksm',
    setting: 'run',
    now: 'off',
    wanted: 'on',
    outcome: 'pending',
    original: 'off',
    effect: 'now',
    source: '/sys/kernel/mm/ksm/run',
  },
  {
    tuner: 'vcpu-pinning',
    setting: 'vcpu 0 affinity',
    domainUuid: '5e9c7a0e-0000-4000-8000-000000000001',
    domainName: 'web-1',
    now: '4-63',
    wanted: '4-63',
    outcome: 'in-sync',
    original: '0-63',
    effect: 'now',
    source: 'virDomainGetVcpuPinInfo',
  },
  {
    tuner: 'block-qos',
    setting: 'write_bytes_sec vda',
    domainName: 'データ-2',
    now: '0',
    wanted: '104857600',
    outcome: 'held',
    reason: 'the domain has its own limit',
    effect: 'domain-restart',
    source: 'virDomainGetBlkioParameters',
  },
  {
    tuner: 'kernel-command-line',
    setting: 'isolcpus',
    wanted: '4-63',
    outcome: 'deferred',
    effect: 'host-reboot',
    source: '/proc/cmdline',
    affects: ['web-1', 'データ-2'],
    evidence: 'isolcpus is not in /proc/cmdline',
    drift: 'report',
  },
];

export const conditions: ConditionInput[] = [
  {
    type: 'reachable',
    status: 'ok',
    reason: 'heartbeats',
    message: 'last heartbeat 2 s ago',
    sinceUnixMs: cannedNowMs - 300 * minute,
    hostId: id('1'),
    hostName: 'kvm-01',
  },
  {
    type: 'tuned',
    status: 'degraded',
    reason: 'drift',
    message: '1 setting differs from profile density',
    sinceUnixMs: cannedNowMs - 4 * minute,
    hostId: id('1'),
    hostName: 'kvm-01',
  },
  {
    type: 'reachable',
    status: 'failing',
    reason: 'silent',
    message: 'no heartbeat since 12 min',
    sinceUnixMs: cannedNowMs - 12 * minute,
    hostId: id('2'),
    hostName: 'kvm-02',
  },
];

/** What the agent of kvm-01 tells of its guests. */
export const guestReport: GuestReportInput = {
  stage: {
    ...{ id: 'boot-1', kind: 'start', cause: 'boot', state: 'running', waves: 2 },
    startedUnixMs: cannedNowMs - 42_000,
    guests: [
      { uuid: 'u1', name: 'db-1', wave: 1, state: 'running', sinceUnixMs: cannedNowMs - 20_000 },
      { uuid: 'u2', name: 'web-1', wave: 2, state: 'starting', sinceUnixMs: cannedNowMs - 3_000 },
      { uuid: 'u3', name: 'web-2', wave: 2, state: 'waiting', message: 'storage answers in 80 ms' },
    ],
  },
  ports: [
    {
      ...{ port: 'vnet7', bridge: 'br-int', kind: 'stale', outcome: 'mended', reason: 'its netdev is gone' },
      ...{ foundUnixMs: cannedNowMs - 5 * minute, mendedUnixMs: cannedNowMs - 4 * minute },
    },
  ],
  audit: [
    {
      ...{ kind: 'ghost-process', uuid: 'u9', name: 'old-1', action: 'log', outcome: 'logged' },
      evidence: ['QEMU process 4711 runs', 'libvirt does not know it'],
      foundUnixMs: cannedNowMs - 12 * minute,
    },
  ],
  preflight: [
    { check: 'owners', status: 'ok' },
    {
      ...{ check: 'inhibitor-limit', status: 'warning', message: 'logind waits 5 s at most' },
      cure: 'install the drop-in of Drover',
    },
  ],
};

export const detail: HostDetailInput = {
  guests: guestReport,
  host: hosts[0] as HostInput,
  facts,
  domains,
  tuning: {
    state: 'drifted',
    profileName: 'density',
    profileRevision: 3,
    digest: 'ab12',
    settings,
    verifiedUnixMs: cannedNowMs - minute,
    ledgerEntries: 2,
    pendingReboots: [
      {
        tuner: 'kernel-command-line',
        setting: 'isolcpus',
        wanted: '4-63',
        now: '',
        sinceUnixMs: cannedNowMs - 20 * minute,
        reason: 'the running kernel was started without it',
      },
    ],
    owners: [
      { tuner: 'ksm', owner: 'ksmtuned', state: 'taken-over', evidence: 'ksmtuned.service is inactive' },
      { tuner: 'cpu-qos', owner: 'tuned', state: 'owns', evidence: 'tuned.service is active' },
    ],
  },
  conditions: conditions.slice(0, 2),
};

export const allocation: AllocationInput = {
  id: id('a001'),
  hostId: id('1'),
  hostName: 'kvm-01',
  vcpus: 4,
  memoryMb: 8192,
  diskMb: 20_480,
  idempotencyKey: 'vm-17',
  createdUnixMs: cannedNowMs - 90 * minute,
  instanceUuid: '5e9c7a0e-0000-4000-8000-000000000001',
  extraSpecs: { 'hw:cpu_policy': 'dedicated' },
  createdBy: 'operator',
  state: 'claimed',
  lapsesUnixMs: cannedNowMs + minute,
  flavor: 'm1.small',
  projectId: 'shop',
  serverGroupId: id('c001'),
  alternates: ['kvm-03.example.org'],
  attempts: 1,
  revision: 42,
  seed: 7,
  devices: [virtualFunction(0)],
  requestRest: { image: { id: id('d001'), name: 'debian-12' } },
  cells: [
    {
      guestCell: 0,
      hostCell: 1,
      memoryMb: 8192,
      pageSizeKb: 2048,
      pinning: { 0: 16, 1: 48, 2: 17, 3: 49 },
      emulatorCpus: [18],
    },
  ],
};

export const profile: ProfileInput = {
  name: 'density',
  revision: 3,
  selector: { hosts: ['kvm-*'], labels: { rack: 'a7' }, availabilityZones: ['rack-a'] },
  tuners: { ksm: '{"pages_to_scan":400,"run":"on"}', 'transparent-hugepages': '{"enabled":"madvise"}' },
  description: 'Many small domains',
  createdUnixMs: cannedNowMs - 72 * 60 * minute,
  createdBy: 'operator',
  selectedHosts: 1,
  priority: 10,
  trialSeconds: 30,
  onFailure: 'keep',
  guests:
    '{"ports":"heal","rules":[{"domains":["db*"],"grace_seconds":120,"order":10}],"stop":{"ask":["acpi","agent"],"parallel":4}}',
};

/** What a request for drain or maintenance is answered; `stops`: its guests are stopped. */
export function maintained(state: string, stops: boolean): MaintainHostResponseInput {
  const maintenance = {
    ...{ state, reason: 'new kernel', by: 'ann', guests: stops ? 'stop' : 'leave', sinceUnixMs: cannedNowMs },
    ...{ stageId: stops ? 'stop-1' : '', stageState: '' },
  };
  const stays = { action: 'stays', detail: 'goes on running' };
  const shut = (wave: number, detail: string) => ({ wave, action: 'shut-down', detail });
  return {
    host: { ...hosts[0], maintenance },
    guests: [
      {
        ...{ domain: domains[0] as DomainInput, managed: true },
        ...(stops ? shut(1, 'asked by acpi, then agent; powered off after 60 s') : stays),
      },
      {
        domain: domains[1] as DomainInput,
        ...(stops ? shut(2, 'asked by agent; saved to disk after 120 s') : stays),
      },
    ],
    capacity: [
      { scope: 'fleet', resource: 'memory', headroomPercent: 41.24, hosts: 50 },
      { scope: 'zone rack-a', resource: 'memory', headroomPercent: 12.3, hosts: 9 },
      { scope: 'rack 7', resource: 'vcpus', headroomPercent: 2.1, hosts: 3 },
    ],
    warnings: stops ? ['inhibitor-limit: logind waits 5 s at most (install the drop-in of Drover)'] : [],
  };
}

/** The host of a request that is waited for, after so many looks: two find its guests under way. */
export function followed(looks: number, kind: string): HostDetailInput {
  const over = looks > 2;
  const done = kind === 'stop' ? 'stopped' : 'running';
  const guests = ['db-1', 'web-1'].map((name, index) => ({
    ...{ uuid: name, name, wave: 2 - index, state: over || index >= 3 - looks ? done : 'waiting' },
    sinceUnixMs: cannedNowMs - 5_000,
  }));
  const stageId = kind === 'stop' ? 'stop-1' : 'stop-1-start';
  const stage = {
    ...{ id: stageId, kind, cause: 'maintenance', state: over ? 'done' : 'running', waves: 2, guests },
    ...{ startedUnixMs: cannedNowMs - 75_000, endedUnixMs: over ? cannedNowMs - 1_000 : 0 },
  };
  const state = kind === 'stop' ? 'maintenance' : 'resuming';
  const maintenance = { state, guests: 'stop', stageId, stageState: stage.state };
  const host = { id: id('4'), name: 'kvm-04', ...(over && kind === 'start' ? {} : { maintenance }) };
  return { host, guests: { stage } };
}

/** A host whose start failed before, is tried again after one look, and fails again after three. */
export function followedAgain(looks: number): HostDetailInput {
  const [stageId, isUnderWay] = ['stop-1-start', looks === 2];
  const row = (name: string, wave: number, state: string, message = '') => ({
    ...{ uuid: name, name, wave, state, message, sinceUnixMs: cannedNowMs - 5_000 },
  });
  const message = "Cannot access storage file '/srv/web-1.img': No such file or directory";
  const late = isUnderWay ? row('web-1', 2, 'waiting') : row('web-1', 2, 'failed', message);
  const stage = {
    ...{
      id: stageId,
      kind: 'start',
      cause: 'maintenance',
      state: isUnderWay ? 'running' : 'failed',
      waves: 2,
    },
    ...{ message: isUnderWay ? '' : '1 did not start: web-1', guests: [row('db-1', 1, 'running'), late] },
    ...{ startedUnixMs: cannedNowMs - 6_000, endedUnixMs: isUnderWay ? 0 : cannedNowMs - 1_000 },
  };
  const told = looks < 2 ? {} : { stageState: stage.state, stageMessage: stage.message };
  const maintenance = { state: 'resuming', guests: 'stop', stageId, ...told };
  return { host: { id: id('5'), name: 'kvm-05', maintenance }, guests: { stage } };
}

export const destinations: SelectDestinationsResponseInput = {
  destinations: [
    { hostId: id('1'), hostName: 'kvm-01', weight: 1.75, weights: { CPUWeigher: 1, RAMWeigher: 0.75 } },
    {
      hostId: id('3'),
      hostName: 'kvm-03.example.org',
      weight: 0.5,
      weights: { CPUWeigher: 0.5, RAMWeigher: -0.0001 },
    },
  ],
  revision: 42,
  seed: 7,
  hostsConsidered: 51,
  filters: [
    { filter: 'ComputeFilter', hostsLeft: 43 },
    { filter: 'AvailabilityZoneFilter', hostsLeft: 43 },
    { filter: 'RamFilter', hostsLeft: 3 },
  ],
};

const ramShort = { filter: 'RamFilter', reason: 'ram-short', observed: '3.5 GiB free', wanted: '8 GiB' };

export const explanation: ExplainResponseInput = {
  hosts: [
    { hostId: id('1'), hostName: 'kvm-01', passes: true, weight: 1.75 },
    { hostId: id('3'), hostName: 'kvm-03.example.org', passes: true, weight: 0.5 },
    {
      hostId: id('2'),
      hostName: 'kvm-02',
      refusals: [
        {
          filter: 'ComputeFilter',
          reason: 'host-disabled',
          observed: 'disabled: fan replaced today',
          wanted: 'enabled',
        },
        ramShort,
      ],
      firstFilter: 'ComputeFilter',
    },
    ...['04', '05', '06', '07'].map((tail) => ({
      hostId: id(tail),
      hostName: `kvm-${tail}`,
      refusals: [ramShort],
      firstFilter: 'RamFilter',
      soleFilter: 'RamFilter',
    })),
  ],
  filters: [
    { filter: 'AvailabilityZoneFilter', hostsLeft: 7 },
    { filter: 'ComputeFilter', hostsLeft: 6 },
    { filter: 'RamFilter', hostsLeft: 2 },
  ],
  hostsConsidered: 7,
  hostsPassed: 2,
  revision: 42,
  refusals: [
    { filter: 'RamFilter', reason: 'ram-short', hosts: 5, soleHosts: 4 },
    { filter: 'ComputeFilter', reason: 'host-disabled', hosts: 1, soleHosts: 0 },
  ],
  relaxations: [
    { filter: 'RamFilter', text: 'ram_allocation_ratio 1.0 -> 1.3 admits 4 hosts', hosts: 4 },
    { filter: 'RamFilter', text: 'memory_mb 8192 -> 3584 admits 4 hosts', hosts: 4 },
  ],
};

export const operation: OperationInput = {
  id: id('b001'),
  hostId: id('1'),
  hostName: 'kvm-01',
  kind: 'plan',
  state: 'done',
  startedUnixMs: cannedNowMs - 5 * minute,
  endedUnixMs: cannedNowMs - 5 * minute + 420,
  settings,
  pending: 1,
};

export const flavors: FlavorInput[] = [
  {
    name: 'm1.large',
    vcpus: 8,
    memoryMb: 16_384,
    rootGb: 80,
    ephemeralGb: 10,
    swapMb: 2048,
    extraSpecs: { 'hw:cpu_policy': 'dedicated', 'hw:mem_page_size': 'large' },
    updatedUnixMs: cannedNowMs - 90 * minute,
  },
  { name: 'm1.small', vcpus: 2, memoryMb: 4096, rootGb: 20, updatedUnixMs: cannedNowMs - 200 * minute },
];

export const aggregates: HostAggregateInput[] = [
  {
    name: 'dense',
    id: 2,
    metadata: { cpu_allocation_ratio: '8.0', ram_weight_multiplier: '-1.0' },
    hostIds: [id('1')],
    hosts: ['kvm-01'],
    updatedUnixMs: cannedNowMs - 5 * minute,
  },
  {
    name: 'rack-a',
    id: 1,
    metadata: { availability_zone: 'rack-a' },
    hostIds: [id('1'), id('2')],
    hosts: ['kvm-01', 'kvm-02'],
    updatedUnixMs: cannedNowMs - 600 * minute,
  },
];

export const groups: ServerGroupInput[] = [
  {
    id: id('c002'),
    name: 'cache',
    policy: 'anti-affinity',
    maxServerPerHost: 2,
    createdUnixMs: cannedNowMs - 600 * minute,
  },
  {
    id: id('c001'),
    name: 'web',
    policy: 'anti-affinity',
    projectId: 'shop',
    members: [String(domains[0]?.uuid)],
    hosts: ['kvm-01'],
    createdUnixMs: cannedNowMs - 600 * minute,
  },
];

export const zones: AvailabilityZoneInput[] = [
  { name: 'nova', hosts: 1 },
  { name: 'rack-a', hosts: 2, hostsInService: 1 },
];

export const schedulerSettings: SchedulerSettingInput[] = [
  {
    name: 'enabled_filters',
    value: 'AvailabilityZoneFilter,ComputeFilter,RamFilter',
    defaultValue: 'AvailabilityZoneFilter,ComputeFilter,RamFilter,CoreFilter',
    help: 'Filters that run, in this order; names with commas between them.',
  },
  {
    name: 'host_subset_size',
    value: '1',
    defaultValue: '1',
    help: 'The host is chosen at random among this many of the best; 1 is the best.',
  },
  {
    name: 'isolated_hosts',
    help: 'IsolatedHostsFilter: names of the hosts for isolated images.',
  },
];

export const simulation: SimulateResponseInput = {
  revision: 42,
  seed: 7,
  hosts: 54,
  placed: 96,
  refused: 4,
  results: [
    {
      placed: 96,
      refused: 4,
      why: 'no valid host among 54: ComputeFilter left 46, RamFilter left 0',
      hosts: { 'kvm-01': 40, 'kvm-04': 30, 'kvm-05': 25, 'kvm-06': 1 },
    },
  ],
  headroom: [
    { resource: 'vcpus', before: 412, after: 220, capacity: 1024 },
    { resource: 'memory_mb', before: 900_000, after: 507_000, capacity: 1_600_000 },
    { resource: 'disk_mb', before: 9_000_000, after: 7_000_000, capacity: 12_000_000 },
  ],
  drained: 12,
  stranded: 1,
};
