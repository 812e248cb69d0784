/**
 * A host in a temporary directory: files that stand for /proc, /sys and control groups, and a hypervisor whose calls
 * land in them as libvirt's land in the kernel's. Writes can be made to fail from the n-th on, as after a crash.
 */
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { HostRoot } from '../../agent/kernel/root.js';
import { throttleFault, canonicalThrottle } from '../../agent/libvirt/disk-throttle.js';
import { changedBandwidth } from '../../agent/libvirt/domain-settings.js';
import { emptyXmlPart, noExplicit } from '../../agent/libvirt/domain-xml-view.js';
import type {
  BlockLimits,
  DiskThrottle,
  DomainDisk,
  DomainEvent,
  DomainKey,
  DomainView,
  ExplicitSettings,
  Hypervisor,
  InterfaceBandwidth,
  InterfaceBandwidthChange,
  SchedulerSettings,
} from '../../agent/libvirt/hypervisor.js';
import type { HostView, TunerPorts } from '../../agent/tuners/tuner.js';
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import { formatCpuSet, parseCpuSet, subtractCpus } from '../../proto/wire/cpu-set.js';
import { DroverError } from '../../proto/wire/errors.js';

export interface FakeShape {
  readonly cgroup?: 'v1' | 'v2';
  readonly online?: string;
  readonly offline?: string;
  /** NUMA cells of the host: 0. */
  readonly cells?: string;
}

type Definition = Pick<
  DomainView,
  | 'allocationId'
  | 'qosClass'
  | 'specs'
  | 'specSource'
  | 'isNovas'
  | 'interfaces'
  | 'pciAddresses'
  | 'numaMemory'
  | 'hugepages'
  | 'memoryBytes'
>;

export interface FakeDomain extends Partial<Definition> {
  readonly name: string;
  readonly vcpus?: number;
  readonly disks?: readonly DomainDisk[];
  readonly explicit?: Partial<ExplicitSettings>;
  /** Number of its I/O threads, numbered from 1: 0. */
  readonly ioThreads?: number;
}

const throttles: Record<keyof BlockLimits, string> = {
  readBytesSec: 'read_bps',
  writeBytesSec: 'write_bps',
  readIopsSec: 'read_iops',
  writeIopsSec: 'write_iops',
};
const ioMax: Record<keyof BlockLimits, string> = {
  readBytesSec: 'rbps',
  writeBytesSec: 'wbps',
  readIopsSec: 'riops',
  writeIopsSec: 'wiops',
};

/** What systemd writes for bfq when it is told IOWeight (BFQ_WEIGHT in its cgroup-util.h): 100..10000 becomes 100..1000. */
function bfqWeight(weight: number): number {
  return weight <= 100 ? weight : 100 + Math.floor(((weight - 100) * 900) / 9900);
}

/** A kernel root whose writes act as the kernel's: a new text replaces the old one, and some values are refused. */
class FakeRoot extends HostRoot {
  readonly #host: FakeHost;

  constructor(path: string, host: FakeHost) {
    super(path);
    this.#host = host;
  }

  override async write(file: string, value: string): Promise<void> {
    this.#host.countWrite();
    const before = this.read(file);
    const after = before === undefined ? undefined : this.#host.kernelTakes(file, value, before);
    if (after === undefined)
      throw new DroverError('kernel-write-failed', `write ${value} to ${file}: EINVAL`, {
        field: file,
        value,
      });
    this.#host.put(file, after);
  }
}

export class FakeHost implements Hypervisor {
  readonly directory = mkdtempSync(join(tmpdir(), 'drover-fake-host-'));
  readonly root: FakeRoot = new FakeRoot(this.directory, this);
  readonly cgroup: 'v1' | 'v2';
  readonly online: readonly number[];
  readonly #offline: string;
  readonly #cells: string;
  readonly #domains = new Map<string, DomainView>();
  readonly #throttles = new Map<string, Map<string, DiskThrottle>>();
  readonly #listeners = new Set<(event: DomainEvent) => void>();
  services: Record<string, string> = {};
  writes = 0;
  reachable = true;
  /** Called before each write; what it throws is the write's error. */
  beforeWrite: (number: number) => void = () => undefined;
  #nextPid = 1000;
  #nextId = 1;

  constructor({ cgroup = 'v1', online = '0-3', offline = '', cells = '0' }: FakeShape = {}) {
    this.cgroup = cgroup;
    this.online = parseCpuSet(online);
    this.#offline = offline;
    this.#cells = cells;
    this.#putKernel();
    this.#putDisks();
    const controllers = ['cpu', 'cpuset', 'blkio'].map(
      (name) => `cgroup /sys/fs/cgroup/${name} cgroup rw,${name} 0 0`,
    );
    this.put(
      '/proc/self/mounts',
      cgroup === 'v1' ? controllers.join('\n') : 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0',
    );
  }

  get ports(): TunerPorts {
    return { kernel: this.root, hypervisor: this };
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  countWrite(): void {
    this.beforeWrite(this.writes);
    this.writes++;
  }

  /** Every write from number `count` (0 is the next one) on fails. */
  crashAfter(count: number): void {
    const first = this.writes + count;
    this.beforeWrite = (number) => {
      if (number >= first) throw new DroverError('kernel-write-failed', 'the process is dead');
    };
  }

  put(file: string, content: string): void {
    const path = join(this.directory, file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${content}\n`);
  }

  /** What the kernel shows after a write; undefined: it refuses. */
  kernelTakes(file: string, value: string, before: string): string | undefined {
    const words = before.replaceAll(/[[\]]/g, '').split(' ');
    if (before.includes('['))
      return words.includes(value)
        ? words.map((word) => (word === value ? `[${word}]` : word)).join(' ')
        : undefined;
    if (file.endsWith('/ksm/run')) return ['0', '1', '2'].includes(value) ? value : undefined;
    return value;
  }

  /** Content of every file of the host, by path: two equal snapshots are two equal hosts. */
  snapshot(): Record<string, string> {
    const files = readdirSync(this.directory, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    const paths = files.map(({ parentPath, name }) => join(parentPath, name));
    return Object.fromEntries(paths.map((path) => [path, readFileSync(path, 'utf8')]));
  }

  start({ name, vcpus = 2, disks, explicit, ioThreads = 0, ...more }: FakeDomain): DomainView {
    const pid = (this.#nextPid += 100);
    const uuid = this.#uuidOf(name);
    const image = [{ target: 'vda', source: `/images/${name}.raw`, type: 'file', cache: 'none' }] as const;
    const shape = { vcpus, memoryBytes: 2 ** 26, state: 'running' } as const;
    const view: DomainView = {
      ...emptyXmlPart,
      ...shape,
      ...more,
      ioThreads: Array.from({ length: ioThreads }, (_, index) => index + 1),
      uuid,
      name,
      id: this.#nextId++,
      pid,
      disks: disks ?? image,
      explicit: { ...noExplicit, ...explicit },
    };
    this.put(`/images/${name}.raw`, '');
    this.#domains.set(uuid, view);
    this.put(`/proc/${pid}/stat`, `${pid} (qemu) S ${'0 '.repeat(18)}${pid * 7}`);
    this.#putThread(view, 0, 'qemu-system-x86', formatCpuSet(this.online));
    for (let vcpu = 0; vcpu < vcpus; vcpu++)
      this.#putThread(view, 1 + vcpu, `CPU ${vcpu}/KVM`, formatCpuSet(this.online));
    for (const number of view.ioThreads)
      this.#putThread(view, vcpus + number, `IO iothread${number}`, formatCpuSet(this.online));
    this.#putGroups(view);
    return view;
  }

  stop(uuid: string): void {
    const view = this.#running({ uuid });
    this.#domains.delete(uuid);
    this.#throttles.delete(uuid);
    rmSync(join(this.directory, `/proc/${view.pid}`), { recursive: true });
    for (const controller of ['cpu', 'cpuset', 'blkio'])
      rmSync(join(this.directory, this.group(view, controller)), { recursive: true, force: true });
  }

  /** Tells listeners of an event, as if libvirt had. Nothing else here tells any. */
  emit({ uuid, name }: Pick<DomainView, 'uuid' | 'name'>, kind: DomainEvent['kind']): void {
    for (const listener of this.#listeners) listener({ uuid, name, kind });
  }

  /** Directory of a domain's group for a controller, as a host path. */
  group(view: DomainView, controller: string): string {
    const path = this.#path(view);
    return this.cgroup === 'v1' ? `/sys/fs/cgroup/${controller}${path}` : `/sys/fs/cgroup${path}`;
  }

  facts(): HostFacts {
    const cpu = {
      architecture: 'x86_64',
      modelName: '',
      online: formatCpuSet(this.online),
      offline: this.#offline,
      isolated: '',
      sockets: 1,
      cores: 1,
      threadsPerCoreMin: 1,
      threadsPerCoreMax: 1,
      coreList: [],
      caches: [],
    };
    const device = {
      sizeBytes: 1,
      rotational: false,
      removable: false,
      scheduler: 'none',
      schedulers: [],
      queueRequests: 1,
      model: '',
      vendor: '',
      logicalBlockBytes: 512,
    };
    const blockDevices = [
      { ...device, name: 'vda', deviceNumber: this.#imageNumber(), partitions: ['vda1'] },
      { ...device, name: 'vdb', deviceNumber: '253:16', partitions: [] },
    ];
    return {
      cpu,
      memory: null,
      numaCells: [],
      hugepages: [],
      blockDevices,
      cgroup: null,
      versions: {},
      ksm: {},
      transparentHugepages: {},
      services: this.services,
      virtualization: '',
      inventory: {},
      diskTotalBytes: 0,
      warnings: [],
      passthrough: null,
    };
  }

  view(): HostView {
    return { facts: this.facts(), domains: this.reachable ? [...this.#domains.values()] : [] };
  }

  async domains(): Promise<DomainView[]> {
    return [...this.#domains.values()];
  }

  async pinVcpu(key: DomainKey, vcpu: number, cpus: readonly number[]): Promise<void> {
    this.#pin(key, 1 + vcpu, `CPU ${vcpu}/KVM`, cpus);
  }

  async pinEmulator(key: DomainKey, cpus: readonly number[]): Promise<void> {
    this.#pin(key, 0, 'qemu-system-x86', cpus);
  }

  async pinIoThread(key: DomainKey, ioThread: number, cpus: readonly number[]): Promise<void> {
    const { vcpus, ioThreads } = this.#running(key);
    if (!ioThreads.includes(ioThread))
      throw new DroverError('libvirt-failed', `iothread ${ioThread} not found`);
    this.#pin(key, vcpus + ioThread, `IO iothread${ioThread}`, cpus);
  }

  async setScheduler(key: DomainKey, settings: SchedulerSettings): Promise<void> {
    const view = this.#call(key);
    const cpu = this.group(view, 'cpu');
    for (let vcpu = 0; vcpu < view.vcpus; vcpu++) this.#putBandwidth(`${cpu}/vcpu${vcpu}`, settings);
    if (settings.cpuShares !== undefined)
      this.put(`${cpu}/${this.cgroup === 'v1' ? 'cpu.shares' : 'cpu.weight'}`, String(settings.cpuShares));
  }

  async setBlockLimits(key: DomainKey, device: string, limits: BlockLimits): Promise<void> {
    const view = this.#call(key);
    const number = this.root.read(`/sys/class/block/${device.replace('/dev/', '')}/dev`);
    if (number === undefined) throw new DroverError('libvirt-failed', `no device ${device}`);
    for (const [key, value] of Object.entries(limits) as [keyof BlockLimits, number][]) {
      if (this.cgroup === 'v1')
        this.#throttle(`${this.group(view, 'blkio')}/blkio.throttle.${throttles[key]}_device`, number, value);
      else this.#putIoMax(`${this.group(view, 'io')}/io.max`, number, key, value);
    }
  }

  async setBlockWeight(key: DomainKey, weight: number): Promise<void> {
    this.#putWeight(this.#call(key), weight);
  }

  async setDiskThrottle(key: DomainKey, target: string, throttle: DiskThrottle): Promise<void> {
    const { uuid, disks } = this.#call(key);
    const known = disks.some((disk) => disk.target === target);
    const fault = known ? throttleFault(throttle) : `no disk ${target}`;
    if (fault !== undefined) throw new DroverError('libvirt-failed', fault);
    const all = this.#throttles.get(uuid) ?? new Map<string, DiskThrottle>();
    this.#throttles.set(uuid, all.set(target, canonicalThrottle(throttle)));
  }

  async diskThrottles(key: DomainKey): Promise<ReadonlyMap<string, DiskThrottle>> {
    const all = this.#throttles.get(this.#ask(key).uuid) ?? [];
    return new Map([...all].filter(([, throttle]) => Object.keys(throttle).length > 0));
  }

  async setInterfaceBandwidth(key: DomainKey, mac: string, change: InterfaceBandwidthChange): Promise<void> {
    const view = this.#call(key);
    const bandwidth = changedBandwidth(await this.interfaceBandwidth(key, mac), change);
    const interfaces = view.interfaces.map((each) => (each.mac === mac ? { ...each, bandwidth } : each));
    this.#domains.set(view.uuid, { ...view, interfaces });
  }

  async interfaceBandwidth(key: DomainKey, mac: string): Promise<InterfaceBandwidth> {
    const found = this.#ask(key).interfaces.find((each) => each.mac === mac);
    if (!found) throw new DroverError('libvirt-failed', `no interface with MAC ${mac}`);
    return found.bandwidth;
  }

  async setMemoryCells(key: DomainKey, cells: readonly number[]): Promise<void> {
    const view = this.#call(key);
    const mode = view.numaMemory?.mode ?? 'restrictive';
    if (mode !== 'restrictive')
      throw new DroverError('libvirt-failed', "can't change numatune mode for running domain");
    const nodeset = formatCpuSet(cells);
    for (const group of this.#threadGroups(view)) this.put(`${group}/cpuset.mems`, nodeset);
    this.#domains.set(view.uuid, { ...view, numaMemory: { mode, nodeset } });
  }

  onDomainEvent(listener: (event: DomainEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onReachable(): () => void {
    return () => undefined;
  }

  async versions(): Promise<Record<string, string>> {
    return {};
  }

  async close(): Promise<void> {}

  #uuidOf(name: string): string {
    return `00000000-0000-4000-8000-${Buffer.from(name).toString('hex').padStart(12, '0').slice(-12)}`;
  }

  #path({ id, name }: DomainView): string {
    return this.cgroup === 'v1' ? `/machine/qemu-${id}-${name}.libvirt-qemu` : `/machine.slice/${name}.scope`;
  }

  #running({ uuid, id }: DomainKey): DomainView {
    const view = this.#domains.get(uuid);
    if (!view) throw new DroverError('not-found', `no running domain ${uuid}`);
    if (id !== undefined && id !== view.id)
      throw new DroverError('not-found', `the domain was started anew: ${uuid}`);
    return view;
  }

  /** A libvirt call that changes nothing. */
  #ask(key: DomainKey): DomainView {
    if (!this.reachable) throw new DroverError('unavailable', 'libvirt does not answer');
    return this.#running(key);
  }

  /** A modifying libvirt call: counted, and refused after a crash. */
  #call(key: DomainKey): DomainView {
    if (!this.reachable) throw new DroverError('unavailable', 'libvirt does not answer');
    this.countWrite();
    return this.#running(key);
  }

  #pin(key: DomainKey, thread: number, name: string, cpus: readonly number[]): void {
    const view = this.#call(key);
    if (cpus.length === 0 || subtractCpus(cpus, this.online).length > 0)
      throw new DroverError('libvirt-failed', `pin ${formatCpuSet(cpus)}: EINVAL`);
    this.#putThread(view, thread, name, formatCpuSet(cpus));
  }

  #putThread({ pid }: DomainView, thread: number, name: string, cpus: string): void {
    const folder = `/proc/${pid}/task/${(pid as number) + thread}`;
    this.put(`${folder}/comm`, name);
    this.put(`${folder}/status`, `Name:\t${name}\nCpus_allowed_list:\t${cpus}`);
  }

  #putGroups(view: DomainView): void {
    const v1 = this.cgroup === 'v1';
    const paths = ['cpu', 'cpuset', 'blkio'].map(
      (name, index) => `${index + 2}:${name}:${this.#path(view)}${name === 'blkio' ? '' : '/emulator'}`,
    );
    this.put(`/proc/${view.pid}/cgroup`, v1 ? paths.join('\n') : `0::${this.#path(view)}/emulator`);
    this.put(`${this.group(view, 'cpu')}/${v1 ? 'cpu.shares' : 'cpu.weight'}`, v1 ? '1024' : '100');
    for (let vcpu = 0; vcpu < view.vcpus; vcpu++)
      this.#putBandwidth(`${this.group(view, 'cpu')}/vcpu${vcpu}`, {
        vcpuPeriodUs: 100_000,
        vcpuQuotaUs: -1,
      });
    this.#putWeight(view, 100);
    for (const group of this.#threadGroups(view)) {
      this.put(`${group}/cpuset.mems`, v1 ? this.#cells : ''); // v2: none of its own, all of its parent's in effect
      if (!v1) this.put(`${group}/cpuset.mems.effective`, this.#cells);
    }
    if (!v1) this.put(`${this.group(view, 'io')}/io.max`, '');
    else
      for (const file of Object.values(throttles))
        this.put(`${this.group(view, 'blkio')}/blkio.throttle.${file}_device`, '');
  }

  #threadGroups(view: DomainView): string[] {
    const vcpus = Array.from({ length: view.vcpus }, (_, vcpu) => `vcpu${vcpu}`);
    const names = ['emulator', ...vcpus, ...view.ioThreads.map((number) => `iothread${number}`)];
    return names.map((name) => `${this.group(view, 'cpuset')}/${name}`);
  }

  #putWeight(view: DomainView, weight: number): void {
    const group = this.group(view, 'blkio');
    if (this.cgroup === 'v1') this.put(`${group}/blkio.bfq.weight`, String(weight));
    else this.put(`${group}/io.bfq.weight`, `default ${bfqWeight(weight)}`);
  }

  #putBandwidth(group: string, { vcpuPeriodUs, vcpuQuotaUs }: SchedulerSettings): void {
    if (this.cgroup === 'v1') {
      if (vcpuPeriodUs !== undefined) this.put(`${group}/cpu.cfs_period_us`, String(vcpuPeriodUs));
      if (vcpuQuotaUs !== undefined) this.put(`${group}/cpu.cfs_quota_us`, String(vcpuQuotaUs));
      return;
    }
    const [quota = 'max', period = '100000'] = this.root.read(`${group}/cpu.max`)?.split(' ') ?? [];
    const quotaText = vcpuQuotaUs === undefined ? quota : vcpuQuotaUs < 0 ? 'max' : String(vcpuQuotaUs);
    this.put(`${group}/cpu.max`, `${quotaText} ${vcpuPeriodUs ?? period}`);
  }

  #throttle(file: string, number: string, value: number): void {
    const others = (this.root.read(file) ?? '')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith(`${number} `));
    this.put(file, [...others, ...(value > 0 ? [`${number} ${value}`] : [])].join('\n'));
  }

  #putIoMax(file: string, number: string, key: keyof BlockLimits, value: number): void {
    const lines = (this.root.read(file) ?? '').split('\n').filter((line) => line !== '');
    const own =
      lines.find((line) => line.startsWith(`${number} `)) ??
      `${number} rbps=max wbps=max riops=max wiops=max`;
    const next = own.replace(
      new RegExp(`${ioMax[key]}=\\S+`),
      `${ioMax[key]}=${value === 0 ? 'max' : value}`,
    );
    const rest = lines.filter((line) => !line.startsWith(`${number} `));
    this.put(file, [...rest, ...(/=\d/.test(next) ? [next] : [])].join('\n'));
  }

  #putKernel(): void {
    const ksm = {
      run: '0',
      pages_to_scan: '100',
      sleep_millisecs: '20',
      merge_across_nodes: '1',
      use_zero_pages: '0',
      pages_shared: '0',
      pages_sharing: '0',
      advisor_mode: '[none] scan-time',
    };
    for (const [file, value] of Object.entries(ksm)) this.put(`/sys/kernel/mm/ksm/${file}`, value);
    const huge = {
      enabled: 'always [madvise] never',
      defrag: 'always defer defer+madvise [madvise] never',
      'khugepaged/defrag': '1',
      hpage_pmd_size: '2097152',
    };
    for (const [file, value] of Object.entries(huge))
      this.put(`/sys/kernel/mm/transparent_hugepage/${file}`, value);
    this.put('/proc/meminfo', 'MemTotal: 8388608 kB\nMemAvailable: 4194304 kB');
    this.put('/proc/sys/kernel/random/boot_id', 'boot-1');
    this.put('/sys/devices/system/node/online', this.#cells);
    this.put('/sys/fs/cgroup/cgroup.controllers', 'cpuset cpu io memory');
  }

  /** vda carries the images and has one partition, vdb is empty. */
  #putDisks(): void {
    const numbers = { vda: this.#imageNumber(), vdb: '253:16' };
    for (const [name, number] of Object.entries(numbers))
      this.#putDisk(name, `devices/virtual/block/${name}`, number);
    this.#putDisk('vda1', 'devices/virtual/block/vda/vda1', '253:1');
    this.put('/sys/devices/virtual/block/vda/vda1/partition', '1');
  }

  #putDisk(name: string, path: string, number: string): void {
    this.put(`/sys/${path}/dev`, number);
    for (const folder of ['class', 'dev'])
      mkdirSync(join(this.directory, `/sys/${folder}/block`), { recursive: true });
    symlinkSync(`../../${path}`, join(this.directory, `/sys/class/block/${name}`));
    symlinkSync(`../../${path}`, join(this.directory, `/sys/dev/block/${number}`));
  }

  /** Files below the temporary directory have its file system's device number; the fake's vda takes that number. */
  #imageNumber(): string {
    const dev = statSync(this.directory).dev;
    const [low, high] = [dev % 2 ** 32, Math.floor(dev / 2 ** 32)];
    return `${((low >>> 8) & 0xfff) + high * 4096}:${(low & 0xff) | ((low >>> 12) & ~0xff)}`;
  }
}
