/**
 * What the host itself says to its allocations. The control plane counts with ratios and what it was told; only the host
 * knows which CPUs are online, which are dedicated and how many pages its pools have. Pure.
 */
import type { DomainAllocation } from '../../proto/gen/drover/v1/DomainAllocation.js';
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import type { RejectedAllocation } from '../../proto/gen/drover/v1/RejectedAllocation.js';
import { parseCpuSet } from '../../proto/wire/cpu-set.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import { cpuSets } from '../tuners/common/cpu/cpu-sets.js';
import { pinningPolicy } from '../tuners/common/cpu/pinning-policy.js';
import { DeviceRoom } from './device-room.js';
import { PageRoom, wantedPages } from './page-room.js';

/** The longest reason that the wire takes. */
const reasonCharacters = 500;

export interface AdmissionHost {
  readonly facts: HostFacts;
  /** In force; undefined: nothing is desired. */
  readonly settings: TunerSettings | undefined;
  /** True for an allocation whose domain is there already: it is past refusing. */
  isThere(allocation: DomainAllocation): boolean;
  /** Addresses of devices that domains of the host have, running or not, with the name of the domain. */
  readonly deviceHolders: ReadonlyMap<string, string>;
}

export interface Admission {
  readonly confirmedIds: readonly string[];
  readonly rejected: readonly RejectedAllocation[];
}

/**
 * Confirms each allocation that the host can hold, oldest first, and rejects the others with what is lacking: CPUs and
 * memory of the whole host, CPUs of its dedicated set, passthrough devices, pages of its pools. What the host cannot judge it
 * does not refuse.
 */
export function admit(host: AdmissionHost, allocations: readonly DomainAllocation[]): Admission {
  const room = new Room(host);
  const confirmedIds: string[] = [];
  const rejected: RejectedAllocation[] = [];
  for (const allocation of allocations) {
    const isThere = host.isThere(allocation);
    const reason = room.take(allocation, isThere);
    if (isThere || reason === undefined) confirmedIds.push(allocation.id);
    else rejected.push({ id: allocation.id, reason: reason.slice(0, reasonCharacters) });
  }
  return { confirmedIds, rejected };
}

/** What of the host is not promised yet. */
class Room {
  readonly #host: AdmissionHost;
  readonly #pages: PageRoom;
  readonly #devices: DeviceRoom;
  #dedicatedLeft: number | undefined;

  constructor(host: AdmissionHost) {
    this.#host = host;
    this.#pages = new PageRoom(host.facts.hugepages);
    this.#devices = new DeviceRoom(host.facts.passthrough, host.deviceHolders);
    this.#dedicatedLeft = dedicatedCpus(host);
  }

  /** Takes what an allocation needs; why not, where the host lacks it. `isThere`: it has it already. */
  take(allocation: DomainAllocation, isThere: boolean): string | undefined {
    const large = tooLarge(allocation, this.#host.facts);
    if (large !== undefined && !isThere) return large;
    const own = dedicatedVcpus(allocation, this.#host.settings);
    const lacking = this.#dedicatedReason(own) ?? this.#devices.lacking(allocation);
    if (lacking !== undefined && !isThere) return lacking;
    const pages = this.#pages.take(wantedPages(allocation), isThere);
    if (pages !== undefined && !isThere) return pages;
    this.#devices.take(allocation);
    if (this.#dedicatedLeft !== undefined) this.#dedicatedLeft -= own;
    return undefined;
  }

  #dedicatedReason(own: number): string | undefined {
    const left = this.#dedicatedLeft;
    if (own === 0 || left === undefined || own <= left) return undefined;
    return `${own} dedicated CPUs wanted, ${Math.max(left, 0)} of the profile's dedicated set left`;
  }
}

/** CPUs of the profile's dedicated set; undefined: no profile says who pins, so it is not this agent's to refuse. */
function dedicatedCpus({ facts, settings }: AdmissionHost): number | undefined {
  const pinning = settings?.['vcpu-pinning'];
  if (!pinning) return undefined;
  try {
    return cpuSets(pinning, facts.cpu).dedicated.length;
  } catch {
    return undefined; // the tuner says what is wrong with its sets
  }
}

/** How many vCPUs want a CPU of their own. A policy that cannot be read is the tuner's to report. */
function dedicatedVcpus(
  { vcpus, extraSpecs: specs }: DomainAllocation,
  settings: TunerSettings | undefined,
): number {
  const policy = pinningPolicy(
    { specs },
    Array.from({ length: vcpus }, (_, vcpu) => vcpu),
    settings?.['vcpu-pinning'] ?? {},
  );
  return 'fault' in policy ? 0 : policy.own.length;
}

/** A request larger than the physical host fits under no ratio: Nova 18's CoreFilter and RamFilter. */
function tooLarge({ vcpus, memoryMb }: DomainAllocation, { cpu, memory }: HostFacts): string | undefined {
  const online = onlineCpus(cpu?.online);
  if (online !== undefined && vcpus > online) return `${vcpus} vCPUs wanted, the host has ${online} CPUs`;
  const totalMb = memory ? Math.floor(memory.totalBytes / 2 ** 20) : undefined;
  if (totalMb !== undefined && memoryMb > totalMb)
    return `${memoryMb} MiB of memory wanted, the host has ${totalMb} MiB`;
  return undefined;
}

function onlineCpus(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : parseCpuSet(text, 'cpu.online').length;
}
