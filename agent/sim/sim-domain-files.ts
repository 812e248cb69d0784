/** Threads and control groups of simulated domains: what the kernel and libvirt would show of them in /proc and /sys. */
import type { BlockLimits, DomainView, SchedulerSettings } from '../libvirt/hypervisor.js';
import { toBfqWeight } from '../kernel/cgroup-block-weight.js';
import { vhostNode } from '../kernel/vhost.js';
import type { MemoryRoot } from './memory-root.js';
import { putIoMax, putNoThrottles, putThrottles } from './sim-block.js';

const threadGap = 2; // threads of a domain: the process itself (emulator), then its vCPUs, then its I/O threads

export class SimDomainFiles {
  readonly #root: MemoryRoot;
  readonly #cgroup: 'v1' | 'v2';
  readonly #onlineCpus: string;
  readonly #cells: string;

  constructor(root: MemoryRoot, cgroup: 'v1' | 'v2') {
    this.#root = root;
    this.#cgroup = cgroup;
    this.#onlineCpus = root.read('/sys/devices/system/cpu/online') ?? '0';
    this.#cells = root.read('/sys/devices/system/node/online') ?? '0';
  }

  put(domain: DomainView): void {
    this.#putProcess(domain);
    this.#putGroups(domain);
  }

  remove(domain: DomainView): void {
    this.#root.remove(`/proc/${domain.pid}`);
    for (const directory of this.#groupRoots(domain)) this.#root.remove(directory);
  }

  pinVcpu(domain: DomainView, vcpu: number, cpus: string): void {
    this.#putThread(domain, threadGap + vcpu, `CPU ${vcpu}/KVM`, cpus);
  }

  pinEmulator(domain: DomainView, cpus: string): void {
    this.#putThread(domain, 0, 'qemu-system-x86', cpus);
  }

  pinIoThread(domain: DomainView, ioThread: number, cpus: string): void {
    const offset = threadGap + domain.vcpus + domain.ioThreads.indexOf(ioThread);
    this.#putThread(domain, offset, `IO iothread${ioThread}`, cpus);
  }

  setScheduler(domain: DomainView, settings: SchedulerSettings): void {
    for (let vcpu = 0; vcpu < domain.vcpus; vcpu++)
      this.#putBandwidth(`${this.#group(domain, 'cpu')}/vcpu${vcpu}`, settings);
    if (settings.cpuShares !== undefined) this.#root.put(this.#sharesFile(domain), `${settings.cpuShares}`);
  }

  /** `number`: MAJOR:MINOR of the device. */
  setBlockLimits(domain: DomainView, number: string, limits: BlockLimits): void {
    const put = this.#cgroup === 'v1' ? putThrottles : putIoMax;
    put(this.#root, this.#group(domain, 'blkio'), number, limits);
  }

  /** v1: BFQ's file in libvirt's group; v2: that of the scope, where systemd would write it. */
  setBlockWeight(domain: DomainView, weight: number): void {
    const group = this.#group(domain, 'blkio');
    if (this.#cgroup === 'v1') this.#root.put(`${group}/blkio.bfq.weight`, `${weight}`);
    else this.#root.put(`${scopeOf(group)}/io.bfq.weight`, `default ${toBfqWeight(weight)}`);
  }

  /** Cells of every thread group of the domain, as libvirt writes them one by one. */
  setMemoryCells(domain: DomainView, cells: string): void {
    for (const group of this.#threadGroups(domain)) this.#root.put(`${group}/cpuset.mems`, cells);
  }

  #putProcess(domain: DomainView): void {
    const pid = domain.pid as number;
    const zeros = Array.from({ length: 18 }, () => '0').join(' ');
    this.#root.put(`/proc/${pid}/stat`, `${pid} (qemu-system-x86) S 1 ${zeros} ${pid}`);
    this.pinEmulator(domain, this.#onlineCpus);
    for (let vcpu = 0; vcpu < domain.vcpus; vcpu++) this.pinVcpu(domain, vcpu, this.#onlineCpus);
    for (const ioThread of domain.ioThreads) this.pinIoThread(domain, ioThread, this.#onlineCpus);
    domain.interfaces.forEach((_, index) => this.#root.putLink(`/proc/${pid}/fd/${30 + index}`, vhostNode));
    const path = this.#path(domain);
    const v1 = ['cpu', 'cpuset', 'blkio'].map(
      (controller, index) => `${index + 2}:${controller}:${path}/emulator`,
    );
    this.#root.put(`/proc/${pid}/cgroup`, this.#cgroup === 'v1' ? v1.join('\n') : `0::${path}/emulator`);
  }

  #putThread({ pid }: DomainView, offset: number, comm: string, cpus: string): void {
    const directory = `/proc/${pid}/task/${(pid as number) + offset}`;
    this.#root.put(`${directory}/comm`, comm);
    this.#root.put(`${directory}/status`, `Name:\t${comm}\nCpus_allowed_list:\t${cpus}`);
  }

  #putGroups(domain: DomainView): void {
    const v1 = this.#cgroup === 'v1';
    this.#root.put(this.#sharesFile(domain), v1 ? '1024' : '100');
    this.setScheduler(domain, { vcpuPeriodUs: 100_000, vcpuQuotaUs: -1 });
    this.setBlockWeight(domain, 100);
    // A v1 cpuset starts with its parent's cells, a v2 one with none of its own: all of its parent's are in effect.
    for (const group of this.#threadGroups(domain)) {
      this.#root.put(`${group}/cpuset.mems`, v1 ? this.#cells : '');
      if (!v1) this.#root.put(`${group}/cpuset.mems.effective`, this.#cells);
    }
    const block = this.#group(domain, 'blkio');
    if (v1) putNoThrottles(this.#root, block);
    else this.#root.put(`${block}/io.max`, '');
  }

  #threadGroups(domain: DomainView): string[] {
    const vcpus = Array.from({ length: domain.vcpus }, (_, vcpu) => `vcpu${vcpu}`);
    const names = ['emulator', ...vcpus, ...domain.ioThreads.map((number) => `iothread${number}`)];
    return names.map((name) => `${this.#group(domain, 'cpuset')}/${name}`);
  }

  #path(domain: DomainView): string {
    const scope = `/machine.slice/machine-qemu\\x2d${domain.id}\\x2d${domain.name}.scope/libvirt`;
    return this.#cgroup === 'v2' ? scope : `/machine/qemu-${domain.id}-${domain.name}.libvirt-qemu`;
  }

  /** On a systemd host with v2 shares are set on the scope, which is systemd's; all else on libvirt's group below it. */
  #sharesFile(domain: DomainView): string {
    const group = this.#group(domain, 'cpu');
    return this.#cgroup === 'v1' ? `${group}/cpu.shares` : `${scopeOf(group)}/cpu.weight`;
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
      : [scopeOf(this.#group(domain, ''))];
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
}

/** systemd's scope around libvirt's own group. */
function scopeOf(group: string): string {
  return group.replace(/\/libvirt$/, '');
}
