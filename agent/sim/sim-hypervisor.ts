/**
 * libvirt and QEMU of a simulated host. What libvirt would do to threads and cgroups, this does to the host's tree, so
 * that observe, plan, apply and verify run unchanged over it. QEMU's throttles and the interfaces' bandwidths are kept
 * here, as QEMU and libvirt keep them.
 */
import { DroverError } from '../../proto/wire/errors.js';
import { formatCpuSet } from '../../proto/wire/cpu-set.js';
import { throttleFault, canonicalThrottle } from '../libvirt/disk-throttle.js';
import { changedBandwidth } from '../libvirt/domain-settings.js';
import { emptyXmlPart, noExplicit } from '../libvirt/domain-xml-view.js';
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
} from '../libvirt/hypervisor.js';
import type { MemoryRoot } from './memory-root.js';
import { SimDomainFiles } from './sim-domain-files.js';
import { SimPower, type Later, type SimManners } from './sim-power.js';

type Definition = Pick<
  DomainView,
  | 'qosClass'
  | 'specs'
  | 'specSource'
  | 'isNovas'
  | 'interfaces'
  | 'pciAddresses'
  | 'numaMemory'
  | 'hugepages'
  | 'guest'
>;

export interface SimDomainShape extends Partial<Definition> {
  readonly uuid: string;
  readonly name: string;
  readonly vcpus: number;
  readonly memoryBytes: number;
  readonly allocationId: string;
  /** Number of its I/O threads, numbered from 1; 0. */
  readonly ioThreads?: number;
  readonly explicit?: Partial<ExplicitSettings>;
  /** How the guest behaves when it is turned off and on. */
  readonly manners?: SimManners;
}

/** Most domains of a simulated host, running or not. */
export const maximumSimDomains = 1_000;

const disks: readonly DomainDisk[] = [{ target: 'vda', source: '/dev/vda', type: 'block', cache: 'none' }];

const off = { id: -1, state: 'shutoff', pid: undefined } as const;

export class SimHypervisor implements Hypervisor {
  readonly #root: MemoryRoot;
  readonly #files: SimDomainFiles;
  readonly #domains = new Map<string, DomainView>();
  readonly #throttles = new Map<string, Map<string, DiskThrottle>>();
  readonly #listeners = new Set<(event: DomainEvent) => void>();
  #nextId = 1;
  reachable = true;
  readonly power: SimPower;

  /** `later`: the clock of guests that take their time. */
  constructor(root: MemoryRoot, cgroup: 'v1' | 'v2', later: Later = (ms, run) => void setTimeout(run, ms)) {
    this.#root = root;
    this.#files = new SimDomainFiles(root, cgroup);
    const turnOff = (uuid: string, detail: string): void => this.#turnOff(uuid, detail);
    const turnOn = (uuid: string, detail: string): void => void this.#turnOn(uuid, detail);
    const pause = (uuid: string, isPaused: boolean): void => this.#pause(uuid, isPaused);
    this.power = new SimPower({ find: (uuid) => this.#domains.get(uuid), turnOn, turnOff, pause }, later);
  }

  /** Defines a domain and starts it as libvirt would. Errors: `resource-exhausted`, `already-exists`. */
  start(shape: SimDomainShape): DomainView {
    this.define(shape);
    return this.#turnOn(shape.uuid, 'booted');
  }

  /** Defines a domain that does not run. Errors: `resource-exhausted`; `already-exists` when it runs. */
  define({ ioThreads = 0, explicit, manners = {}, ...shape }: SimDomainShape): void {
    const before = this.#domains.get(shape.uuid);
    if (!before && this.#domains.size >= maximumSimDomains)
      throw new DroverError(
        'resource-exhausted',
        `a simulated host has at most ${maximumSimDomains} domains`,
      );
    if (before && before.id !== -1)
      throw new DroverError('already-exists', `domain ${shape.name} runs already`);
    this.power.setManners(shape.uuid, manners);
    this.#domains.set(shape.uuid, {
      ...emptyXmlPart,
      ...shape,
      ...off,
      disks,
      ioThreads: Array.from({ length: ioThreads }, (_, index) => index + 1),
      explicit: { ...noExplicit, ...explicit },
    });
  }

  /** Stops a domain and forgets it: its process and groups are gone. */
  stop(uuid: string): void {
    this.#turnOff(this.#running({ uuid }).uuid, 'destroyed');
    this.#domains.delete(uuid);
    this.power.forget(uuid);
  }

  #turnOn(uuid: string, detail: string): DomainView {
    const id = this.#nextId++;
    const defined = this.#domains.get(uuid) as DomainView;
    const domain: DomainView = { ...defined, id, state: 'running', pid: 10_000 + id * 100 };
    this.#domains.set(uuid, domain);
    this.#files.put(domain);
    this.#emit(domain, 'started', detail);
    return domain;
  }

  #pause(uuid: string, isPaused: boolean): void {
    const domain = this.#running({ uuid });
    this.#domains.set(uuid, { ...domain, state: isPaused ? 'paused' : 'running' });
    this.#emit(domain, isPaused ? 'suspended' : 'resumed', '');
  }

  #turnOff(uuid: string, detail: string): void {
    const domain = this.#running({ uuid });
    this.#throttles.delete(uuid);
    this.#files.remove(domain);
    this.#domains.set(uuid, { ...domain, ...off });
    if (this.power.isTransient(uuid)) {
      this.#domains.delete(uuid);
      this.power.forget(uuid);
    }
    this.#emit(domain, 'stopped', detail);
  }

  async domains(): Promise<DomainView[]> {
    return [...this.#domains.values()];
  }

  async pinVcpu(key: DomainKey, vcpu: number, cpus: readonly number[]): Promise<void> {
    this.#files.pinVcpu(this.#running(key), vcpu, formatCpuSet(cpus));
  }

  async pinEmulator(key: DomainKey, cpus: readonly number[]): Promise<void> {
    this.#files.pinEmulator(this.#running(key), formatCpuSet(cpus));
  }

  async pinIoThread(key: DomainKey, ioThread: number, cpus: readonly number[]): Promise<void> {
    const domain = this.#running(key);
    if (!domain.ioThreads.includes(ioThread))
      throw refused(`pin I/O thread ${ioThread} of ${domain.name}: iothread ${ioThread} not found`);
    this.#files.pinIoThread(domain, ioThread, formatCpuSet(cpus));
  }

  async setScheduler(key: DomainKey, settings: SchedulerSettings): Promise<void> {
    this.#files.setScheduler(this.#running(key), settings);
  }

  async setBlockLimits(key: DomainKey, device: string, limits: BlockLimits): Promise<void> {
    const domain = this.#running(key);
    const number = this.#root.read(`/sys/class/block/${device.replace('/dev/', '')}/dev`);
    if (number === undefined) throw refused(`set block limits of ${domain.name}: no device ${device}`);
    this.#files.setBlockLimits(domain, number, limits);
  }

  async setBlockWeight(key: DomainKey, weight: number): Promise<void> {
    this.#files.setBlockWeight(this.#running(key), weight);
  }

  async setDiskThrottle(key: DomainKey, target: string, throttle: DiskThrottle): Promise<void> {
    const { uuid, name, disks: own } = this.#running(key);
    const fault = throttleFault(throttle);
    if (fault !== undefined) throw refused(`throttle ${target} of ${name}: ${fault}`);
    if (!own.some((disk) => disk.target === target)) throw refused(`throttle ${target} of ${name}: no disk`);
    const all = this.#throttles.get(uuid) ?? new Map<string, DiskThrottle>();
    this.#throttles.set(uuid, all.set(target, canonicalThrottle(throttle)));
  }

  async diskThrottles(key: DomainKey): Promise<ReadonlyMap<string, DiskThrottle>> {
    const all = this.#throttles.get(this.#running(key).uuid) ?? [];
    return new Map([...all].filter(([, throttle]) => Object.keys(throttle).length > 0));
  }

  async setInterfaceBandwidth(key: DomainKey, mac: string, change: InterfaceBandwidthChange): Promise<void> {
    const domain = this.#running(key);
    const bandwidth = changedBandwidth(await this.interfaceBandwidth(key, mac), change);
    const interfaces = domain.interfaces.map((each) => (each.mac === mac ? { ...each, bandwidth } : each));
    this.#domains.set(domain.uuid, { ...domain, interfaces });
  }

  async interfaceBandwidth(key: DomainKey, mac: string): Promise<InterfaceBandwidth> {
    const { name, interfaces } = this.#running(key);
    const found = interfaces.find((each) => each.mac === mac);
    if (!found) throw refused(`${name}: no interface with MAC ${mac}`);
    return found.bandwidth;
  }

  async setMemoryCells(key: DomainKey, cells: readonly number[]): Promise<void> {
    const domain = this.#running(key);
    // Drover names mode restrictive, and QEMU's driver takes no other mode for a running domain that has one.
    const { mode = 'restrictive' } = domain.numaMemory ?? {};
    if (mode !== 'restrictive')
      throw refused(`${domain.name}: can't change numatune mode for running domain`);
    const nodeset = formatCpuSet(cells);
    this.#files.setMemoryCells(domain, nodeset);
    this.#domains.set(domain.uuid, { ...domain, numaMemory: { mode, nodeset } });
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

  #running({ uuid, id }: DomainKey): DomainView {
    const domain = this.#domains.get(uuid);
    const runs = domain !== undefined && domain.id !== -1;
    if (runs && (id === undefined || id === domain.id)) return domain;
    const what = runs ? 'the domain was started anew' : 'no running domain';
    throw new DroverError('not-found', `${what}: ${uuid}`, { field: 'domain', value: uuid });
  }

  #emit({ uuid, name }: DomainView, kind: DomainEvent['kind'], detail: string): void {
    for (const listener of this.#listeners) listener({ uuid, name, kind, detail });
  }
}

function refused(message: string): DroverError {
  return new DroverError('libvirt-failed', message);
}
