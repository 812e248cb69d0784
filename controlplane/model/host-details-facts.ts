/** What filters ask of a host, from the facts that its agent tells. Pure. */
import type { CpuFacts } from '../../proto/gen/drover/v1/CpuFacts.js';
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import { type HostDetails, noDetails } from './host-details.js';
import { devicesOf } from './host-devices.js';
import { hostNumaOf } from './host-numa-facts.js';

/** Architectures of guests that a host of an architecture runs under KVM, as libvirt's capabilities list them. */
const guestArchitectures: Readonly<Record<string, readonly string[]>> = { x86_64: ['i686', 'x86_64'] };

/** Words of `model name` in /proc/cpuinfo to libvirt's vendor. */
const vendors: readonly (readonly [RegExp, string])[] = [
  [/\bintel\b|\bxeon\b/i, 'Intel'],
  [/\bamd\b/i, 'AMD'],
  [/\bhygon\b/i, 'Hygon'],
  [/\bzhaoxin\b/i, 'Zhaoxin'],
];

/**
 * The details of a host named `hostName`, with NUMA cells that nothing is placed on and all its devices free. `tuners`: settings
 * of the profile in force, by tuner as JSON. What facts do not tell is null or undefined: metrics among it.
 */
export function detailsOf(
  facts: HostFacts,
  tuners: Readonly<Record<string, string>>,
  hostName: string,
): HostDetails {
  const version = hypervisorVersion(facts.versions['qemu']);
  return {
    ...noDetails,
    nodeName: hostName,
    hypervisorHostname: hostName,
    hypervisorType: 'QEMU',
    hypervisorVersion: version,
    supportedInstances: supportedInstances(facts.cpu?.architecture ?? ''),
    numa: hostNumaOf(facts, tuners['vcpu-pinning'], tuners['hugepages']),
    cpuInfo: facts.cpu && cpuInfo(facts.cpu, facts.numaCells.length),
    ...(facts.passthrough && devicesOf(facts.passthrough.devices)),
  };
}

/** `7.2.13` as 7002013, as libvirt and Nova count; null where there is none. */
export function hypervisorVersion(text: string | undefined): number | null {
  const found = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(text ?? '');
  if (!found) return null;
  const [major, minor, patch] = [found[1], found[2], found[3] ?? 0].map(Number) as [number, number, number];
  return major * 1_000_000 + minor * 1_000 + patch;
}

/** Nova's triples of architecture, hypervisor type and VM mode. */
function supportedInstances(architecture: string): string[][] | null {
  if (architecture === '') return null;
  const guests = guestArchitectures[architecture] ?? [architecture];
  return guests.flatMap((guest) => ['kvm', 'qemu'].map((type) => [guest, type, 'hvm']));
}

/** Nova's `cpu_info`. Facts carry no list of CPU features. */
function cpuInfo(cpu: CpuFacts, cells: number): object {
  const vendor = vendors.find(([words]) => words.test(cpu.modelName))?.[1];
  return {
    arch: cpu.architecture,
    ...(cpu.modelName && { model: cpu.modelName }),
    ...(vendor && { vendor }),
    topology: {
      cells: Math.max(1, cells),
      sockets: cpu.sockets,
      cores: cpu.cores,
      threads: cpu.threadsPerCoreMax,
    },
    features: [],
  };
}
