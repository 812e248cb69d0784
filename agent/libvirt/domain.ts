/** The real `Hypervisor`: libvirt by foreign-function calls, kept within its bounds by `call-queue.ts`. */
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import { DomainCalls } from './domain-calls.js';
import type { ChangeNews, HypervisorParts } from './domain-calls.js';
import { lookAtDomain, lookAtDomains } from './domain-look.js';
import {
  bandwidthOf,
  bandwidthParameters,
  blockParameters,
  cpuMap,
  numaParameters,
  restrictiveMode,
  schedulerParameters,
  throttleParameters,
  weightParameters,
} from './domain-settings.js';
import { LibvirtPower } from './guest-power.js';
import type {
  BlockLimits,
  DiskThrottle,
  DomainEvent,
  DomainKey,
  DomainView,
  GuestPower,
  Hypervisor,
  InterfaceBandwidth,
  InterfaceBandwidthChange,
  SchedulerSettings,
} from './hypervisor.js';
import { SharedLook } from './shared-look.js';
import { tunedPin, tunedScheduler, tunedThrottle } from './own-changes.js';
import { parameterBytes, readUnsigned32 } from './typed-parameters.js';
import { readVersions } from './versions.js';

/** REMOTE_DOMAIN_INTERFACE_PARAMETERS_MAX; libvirt has 7. */
const interfaceParametersRoom = 16;

/** A change in the control group alone, of which no event tells. */
const inGroup: ChangeNews = { keepsXml: true };

function pinned(thread: string, cpus: readonly number[]): ChangeNews {
  return { tuned: tunedPin(thread, cpus), keepsXml: true };
}

export class LibvirtHypervisor implements Hypervisor {
  readonly #parts: HypervisorParts;
  readonly #calls: DomainCalls;
  readonly #looks: SharedLook<DomainView[]>;
  readonly power?: GuestPower;

  constructor(parts: HypervisorParts) {
    this.#parts = parts;
    this.#calls = new DomainCalls(parts);
    this.#looks = new SharedLook(() => lookAtDomains(parts, this.#calls));
    if (parts.lanes) this.power = new LibvirtPower(parts, this.#calls, parts.lanes);
  }

  get reachable(): boolean {
    return this.#parts.connected();
  }

  domains(oldMs = 0): Promise<DomainView[]> {
    return this.#looks.read(oldMs);
  }

  domain(uuid: string): Promise<DomainView> {
    return lookAtDomain(this.#parts, this.#calls, uuid);
  }

  pinVcpu(key: DomainKey, vcpu: number, cpus: readonly number[]): Promise<void> {
    return this.#calls.change(
      key,
      `pin vcpu ${vcpu} of ${key.uuid}`,
      (domain, flags) => {
        const map = cpuMap(cpus, `vcpu ${vcpu} pin`);
        return this.#parts.library.pinVcpu(domain, vcpu, map, map.length, flags);
      },
      pinned(`vcpupin${vcpu}`, cpus),
    );
  }

  pinEmulator(key: DomainKey, cpus: readonly number[]): Promise<void> {
    return this.#calls.change(
      key,
      `pin the emulator of ${key.uuid}`,
      (domain, flags) => {
        const map = cpuMap(cpus, 'emulator pin');
        return this.#parts.library.pinEmulator(domain, map, map.length, flags);
      },
      pinned('emulatorpin', cpus),
    );
  }

  pinIoThread(key: DomainKey, ioThread: number, cpus: readonly number[]): Promise<void> {
    return this.#calls.change(
      key,
      `pin I/O thread ${ioThread} of ${key.uuid}`,
      (domain, flags) => {
        const map = cpuMap(cpus, `I/O thread ${ioThread} pin`);
        return this.#parts.library.pinIoThread(domain, ioThread, map, map.length, flags);
      },
      pinned(`iothreadpin${ioThread}`, cpus),
    );
  }

  async setScheduler(key: DomainKey, settings: SchedulerSettings): Promise<void> {
    const { setScheduler } = this.#parts.library;
    await this.#calls.set(
      key,
      `set the scheduler of ${key.uuid}`,
      schedulerParameters(settings),
      setScheduler,
      { tuned: tunedScheduler(settings), keepsXml: true },
    );
  }

  async setBlockLimits(key: DomainKey, device: string, limits: BlockLimits): Promise<void> {
    const { setBlkio } = this.#parts.library;
    await this.#calls.set(
      key,
      `limit ${device} for ${key.uuid}`,
      blockParameters(device, limits),
      setBlkio,
      inGroup,
    );
  }

  async setBlockWeight(key: DomainKey, weight: number): Promise<void> {
    const { setBlkio } = this.#parts.library;
    await this.#calls.set(
      key,
      `set the block weight of ${key.uuid}`,
      weightParameters(weight),
      setBlkio,
      inGroup,
    );
  }

  async setDiskThrottle(key: DomainKey, target: string, throttle: DiskThrottle): Promise<void> {
    const parameters = throttleParameters(throttle);
    await this.#calls.set(
      key,
      `throttle ${target} of ${key.uuid}`,
      parameters,
      (domain, list, count, flags) => this.#parts.library.setBlockTune(domain, target, list, count, flags),
      { tuned: tunedThrottle(target, throttle) },
    );
  }

  /** From the XML as it was read last: an event or a change of ours makes the next look read it again. */
  async diskThrottles(key: DomainKey): Promise<ReadonlyMap<string, DiskThrottle>> {
    if (!this.reachable)
      throw new DroverError('unavailable', `throttles of ${key.uuid}: libvirt cannot be reached`);
    // Each change of them comes with an event, so that what no event took back is true whatever else changed.
    const known = this.#parts.cache.untouched(key.uuid, key.id);
    return (known ?? (await this.#calls.xml(key))).throttles;
  }

  async setInterfaceBandwidth(key: DomainKey, mac: string, change: InterfaceBandwidthChange): Promise<void> {
    const parameters = bandwidthParameters(change);
    await this.#calls.set(key, `shape ${mac} of ${key.uuid}`, parameters, (domain, list, count, flags) =>
      this.#parts.library.setInterface(domain, mac, list, count, flags),
    );
  }

  /** Asks libvirt unless its record of the domain shows that nothing changed since: it tells no event of bandwidths. */
  async interfaceBandwidth(key: DomainKey, mac: string): Promise<InterfaceBandwidth> {
    const { cache } = this.#parts;
    const known = this.reachable ? cache.bandwidth(key.uuid, key.id, mac) : undefined;
    if (known) return known;
    const read = cache.begin(key.uuid);
    try {
      const bandwidth = await this.#askBandwidth(key, mac);
      cache.putBandwidth(read, mac, bandwidth);
      return bandwidth;
    } finally {
      cache.drop(read);
    }
  }

  async #askBandwidth(key: DomainKey, mac: string): Promise<InterfaceBandwidth> {
    const array = Buffer.alloc(interfaceParametersRoom * parameterBytes);
    const count: [number] = [interfaceParametersRoom];
    await this.#calls.ask(key, `read the bandwidth of ${mac} of ${key.uuid}`, (domain, flags) =>
      this.#parts.library.interfaceParameters(domain, mac, array, count, flags),
    );
    return bandwidthOf(readUnsigned32(array, count[0]));
  }

  async setMemoryCells(key: DomainKey, cells: readonly number[]): Promise<void> {
    const { setNuma } = this.#parts.library;
    const set = (mode?: number): Promise<void> =>
      this.#calls.set(key, `set the memory cells of ${key.uuid}`, numaParameters(cells, mode), setNuma);
    // A domain without <numatune> gets mode strict with its first cells, and libvirt 8.0 and later then refuse others.
    await set(restrictiveMode).catch(async (thrown: unknown) => {
      if (asDroverError(thrown).code !== 'libvirt-failed') throw thrown;
      await set();
    });
  }

  onDomainEvent(listener: (event: DomainEvent) => void): () => void {
    return this.#parts.events.add(listener);
  }

  onReachable(listener: (reachable: boolean) => void): () => void {
    return this.#parts.states.add(listener);
  }

  versions(): Promise<Record<string, string>> {
    return this.#calls.submit('read versions', undefined, (connection, lease) =>
      readVersions(this.#parts.library, connection, lease),
    );
  }

  close(): Promise<void> {
    return this.#parts.close();
  }
}
