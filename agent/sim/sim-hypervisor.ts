/**
 * libvirt and QEMU of a simulated host. What libvirt would do to threads and cgroups, this does to the host's tree, so
 * that observe, plan, apply and verify run unchanged over it.
 */
import { DroverError } from '../../proto/wire/errors.js';
import { formatCpuSet } from '../../proto/wire/cpu-set.js';
import type {
  BlockLimits,
  DomainEvent,
  DomainView,
  Hypervisor,
  SchedulerSettings,
} from '../libvirt/hypervisor.js';
import type { MemoryRoot } from './memory-root.js';

export interface SimDomainShape {
  readonly uuid: string;
  readonly name: string;
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly allocationId: string;
}

/** Most domains of a simulated host. */
export const maximumSimDomains = 1_000;

const threadGap = 2; // threads of a domain: the process itself (emulator), then its vCPUs

export class SimHypervisor implements Hypervisor {
  readonly #root: MemoryRoot;
  readonly #cgroup: 'v1' | 'v2';
  readonly #onlineCpus: string;
  readonly #domains = new Map<string, DomainView>();
  readonly #listeners = new Set<(event: DomainEvent) => void>();
  #nextId = 1;
  reachable = true;

  constructor(root: MemoryRoot, cgroup: 'v1' | 'v2') {
    this.#root = root;
    this.#cgroup = cgroup;
    this.#onlineCpus = root.read('/sys/devices/system/cpu/online') ?? '0';
  }

  /** Starts a domain as libvirt would. Errors: `resource-exhausted`, `already-exists`. */
  start(shape: SimDomainShape): DomainView {
    if (this.#domains.size >= maximumSimDomains)
      throw new DroverError(
        'resource-exhausted',
        `a simulated host runs at most ${maximumSimDomains} domains`,
      );
    if (this.#domains.has(shape.uuid))
      throw new DroverError('already-exists', `domain ${shape.name} runs already`);
    const id = this.#nextId++;
    const explicit = {
      vcpuPins: [],
      emulatorPin: false,
      vcpuBandwidth: false,
      cpuShares: false,
      blockDevices: [],
    };
    const disks = [{ target: 'vda', source: '/dev/vda', type: 'block' as const, cache: 'none' }];
    const domain: DomainView = { ...shape, id, state: 'running', pid: 10_000 + id * 100, disks, explicit };
    this.#domains.set(shape.uuid, domain);
    this.#putProcess(domain);
    this.#putGroups(domain);
    this.#emit(domain, 'started');
    return domain;
  }

  /** Stops a domain: its process and groups are gone. */
  stop(uuid: string): void {
    const domain = this.#running(uuid);
    this.#domains.delete(uuid);
    this.#root.remove(`/proc/${domain.pid}`);
    for (const directory of this.#groupRoots(domain)) this.#root.remove(directory);
    this.#emit(domain, 'stopped');
  }

  async domains(): Promise<DomainView[]> {
    return [...this.#domains.values()];
  }

  async pinVcpu(uuid: string, vcpu: number, cpus: readonly number[]): Promise<void> {
    const domain = this.#running(uuid);
    this.#putThread(domain, (domain.pid as number) + threadGap + vcpu, `CPU ${vcpu}/KVM`, formatCpuSet(cpus));
  }

  async pinEmulator(uuid: string, cpus: readonly number[]): Promise<void> {
    const domain = this.#running(uuid);
    this.#putThread(domain, domain.pid as number, 'qemu-system-x86', formatCpuSet(cpus));
  }

  async setScheduler(uuid: string, settings: SchedulerSettings): Promise<void> {
    const domain = this.#running(uuid);
    for (let vcpu = 0; vcpu < domain.vcpus; vcpu++)
      this.#putBandwidth(`${this.#group(domain, 'cpu')}/vcpu${vcpu}`, settings);
    if (settings.cpuShares !== undefined) this.#root.put(this.#sharesFile(domain), `${settings.cpuShares}`);
  }

  async setBlockLimits(uuid: string, device: string, limits: BlockLimits): Promise<void> {
    const domain = this.#running(uuid);
    const number = this.#root.read(`/sys/class/block/${device.replace('/dev/', '')}/dev`);
    if (number === undefined)
      throw new DroverError('libvirt-failed', `set block limits of ${domain.name}: no device ${device}`);
    if (this.#cgroup === 'v1') this.#putThrottles(domain, number, limits);
    else this.#putIoMax(domain, number, limits);
  }

  onDomainEvent(listener: (event: DomainEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onReachable(): () => void {
    return () => undefined;
  }

  async versions(): Promise<Record<string, string>> {
    return { libvirt: 'simulated', qemu: 'simulated' };
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  #running(uuid: string): DomainView {
    const domain = this.#domains.get(uuid);
    if (!domain)
      throw new DroverError('not-found', `no running domain ${uuid}`, { field: 'domain', value: uuid });
    return domain;
  }

  #emit(domain: DomainView, kind: DomainEvent['kind']): void {
    for (const listener of this.#listeners) listener({ uuid: domain.uuid, name: domain.name, kind });
  }

  #putProcess(domain: DomainView): void {
    const pid = domain.pid as number;
    this.#root.put(
      `/proc/${pid}/stat`,
      `${pid} (qemu-system-x86) S 1 ${Array.from({ length: 18 }, () => '0').join(' ')} ${pid}`,
    );
    this.#putThread(domain, pid, 'qemu-system-x86', this.#onlineCpus);
    for (let vcpu = 0; vcpu < domain.vcpus; vcpu++)
      this.#putThread(domain, pid + threadGap + vcpu, `CPU ${vcpu}/KVM`, this.#onlineCpus);
    const path = this.#path(domain);
    const v1 = ['cpu', 'cpuset', 'blkio'].map(
      (controller, index) => `${index + 2}:${controller}:${path}/emulator`,
    );
    this.#root.put(`/proc/${pid}/cgroup`, this.#cgroup === 'v1' ? v1.join('\n') : `0::${path}/emulator`);
  }

  #putThread(domain: DomainView, tid: number, comm: string, cpus: string): void {
    this.#root.put(`/proc/${domain.pid}/task/${tid}/comm`, comm);
    this.#root.put(`/proc/${domain.pid}/task/${tid}/status`, `Name:\t${comm}\nCpus_allowed_list:\t${cpus}`);
  }

  #path(domain: DomainView): string {
    const scope = `/machine.slice/machine-qemu\\x2d${domain.id}\\x2d${domain.name}.scope/libvirt`;
    return this.#cgroup === 'v2' ? scope : `/machine/qemu-${domain.id}-${domain.name}.libvirt-qemu`;
  }

  /** On a systemd host with v2 shares are set on the scope, which is systemd's; all else on libvirt's group below it. */
  #sharesFile(domain: DomainView): string {
    const group = this.#group(domain, 'cpu');
    return this.#cgroup === 'v1' ? `${group}/cpu.shares` : `${group.replace(/\/libvirt$/, '')}/cpu.weight`;
  }

  /** The domain's group of a controller. */
  #group(domain: DomainView, controller: string): string {
    return this.#cgroup === 'v1'
      ? `/sys/fs/cgroup/${controller}${this.#path(domain)}`
      : `/sys/fs/cgroup${this.#path(domain)}`;
  }

  #groupRoots(domain: DomainView): string[] {
    return this.#cgroup === 'v1'
      ? ['cpu', 'cpuset', 'blkio'].map((controller) => this.#group(domain, controller))
      : [this.#group(domain, '').replace(/\/libvirt$/, '')];
  }

  #putGroups(domain: DomainView): void {
    const cpu = this.#group(domain, 'cpu');
    this.#root.put(this.#sharesFile(domain), this.#cgroup === 'v1' ? '1024' : '100');
    for (let vcpu = 0; vcpu < domain.vcpus; vcpu++)
      this.#putBandwidth(`${cpu}/vcpu${vcpu}`, { vcpuPeriodUs: 100_000, vcpuQuotaUs: -1 });
    if (this.#cgroup === 'v2') return this.#root.put(`${this.#group(domain, 'io')}/io.max`, '');
    for (const file of throttleFiles) this.#root.put(`${this.#group(domain, 'blkio')}/${file.name}`, '');
  }

  #putBandwidth(directory: string, { vcpuPeriodUs, vcpuQuotaUs }: SchedulerSettings): void {
    if (this.#cgroup === 'v1') {
      if (vcpuPeriodUs !== undefined) this.#root.put(`${directory}/cpu.cfs_period_us`, `${vcpuPeriodUs}`);
      if (vcpuQuotaUs !== undefined) this.#root.put(`${directory}/cpu.cfs_quota_us`, `${vcpuQuotaUs}`);
      return;
    }
    const [quota = 'max', period = '100000'] = (
      this.#root.read(`${directory}/cpu.max`) ?? 'max 100000'
    ).split(' ');
    const text = vcpuQuotaUs === undefined ? quota : vcpuQuotaUs < 0 ? 'max' : `${vcpuQuotaUs}`;
    this.#root.put(`${directory}/cpu.max`, `${text} ${vcpuPeriodUs ?? period}`);
  }

  #putThrottles(domain: DomainView, number: string, limits: BlockLimits): void {
    for (const { key, name } of throttleFiles) {
      const value = limits[key];
      if (value === undefined) continue;
      const file = `${this.#group(domain, 'blkio')}/${name}`;
      const others = (this.#root.read(file) ?? '')
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith(`${number} `));
      this.#root.put(file, [...others, ...(value > 0 ? [`${number} ${value}`] : [])].join('\n'));
    }
  }

  #putIoMax(domain: DomainView, number: string, limits: BlockLimits): void {
    const file = `${this.#group(domain, 'io')}/io.max`;
    const before = /rbps=(\S+) wbps=(\S+) riops=(\S+) wiops=(\S+)/.exec(this.#root.read(file) ?? '');
    const shown = (value: number | undefined, old: string | undefined): string =>
      value === undefined ? (old ?? 'max') : value === 0 ? 'max' : `${value}`;
    const parts = [
      shown(limits.readBytesSec, before?.[1]),
      shown(limits.writeBytesSec, before?.[2]),
      shown(limits.readIopsSec, before?.[3]),
      shown(limits.writeIopsSec, before?.[4]),
    ];
    const none = parts.every((part) => part === 'max');
    this.#root.put(
      file,
      none ? '' : `${number} rbps=${parts[0]} wbps=${parts[1]} riops=${parts[2]} wiops=${parts[3]}`,
    );
  }
}

const throttleFiles: readonly { key: keyof BlockLimits; name: string }[] = [
  { key: 'readBytesSec', name: 'blkio.throttle.read_bps_device' },
  { key: 'writeBytesSec', name: 'blkio.throttle.write_bps_device' },
  { key: 'readIopsSec', name: 'blkio.throttle.read_iops_device' },
  { key: 'writeIopsSec', name: 'blkio.throttle.write_iops_device' },
];
