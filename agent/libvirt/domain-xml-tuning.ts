/** CPU, block and memory tuning in domain XML (https://libvirt.org/formatdomain.html#cpu-tuning and what follows there). */
import type { DiskThrottle, DomainInterface, DomainView, ExplicitSettings } from './hypervisor.js';
import { attribute, children, only, text } from './xml-element.js';
import type { Element } from './xml-element.js';

/** libvirt numbers I/O threads from 1; far above any real domain, so that a broken number fills no list. */
const maximumIoThreads = 1_024;

/** Numbers of a domain's I/O threads, ascending: those of <iothreadids>, then the lowest free ones up to <iothreads>. */
export function readIoThreads(domain: Element): number[] {
  const given = children(only(domain, 'iothreadids'), 'iothread').map((thread) =>
    Number(attribute(thread, 'id')),
  );
  const numbers = new Set(given.filter((number) => Number.isInteger(number) && number > 0));
  const count = Math.min(Number(text(only(domain, 'iothreads'))) || 0, maximumIoThreads);
  for (let number = 1; numbers.size < count; number++) numbers.add(number);
  return [...numbers].slice(0, maximumIoThreads).toSorted((a, b) => a - b);
}

/** <numatune><memory>; `nodeset` is empty where libvirt or numad chooses. */
export function readNumaMemory(domain: Element): DomainView['numaMemory'] {
  const memory = only(only(domain, 'numatune'), 'memory');
  if (!memory) return undefined;
  return { mode: attribute(memory, 'mode') ?? 'strict', nodeset: attribute(memory, 'nodeset') ?? '' };
}

export function readHugepages(domain: Element): boolean {
  return only(only(domain, 'memoryBacking'), 'hugepages') !== undefined;
}

/** Which settings the XML carries itself; throttles and interfaces are those of the same XML. */
export function readExplicit(
  domain: Element,
  throttles: ReadonlyMap<string, DiskThrottle>,
  interfaces: readonly DomainInterface[],
): ExplicitSettings {
  const block = only(domain, 'blkiotune');
  const limited = interfaces.filter(({ bandwidth }) => bandwidth.inbound ?? bandwidth.outbound);
  return {
    ...readCpuTune(domain),
    blockDevices: children(block, 'device')
      .map((device) => text(only(device, 'path')))
      .filter((path) => path !== ''),
    blockWeight: only(block, 'weight') !== undefined,
    numaMemory: readNumaMemory(domain) !== undefined,
    diskThrottles: [...throttles.keys()],
    interfaceBandwidths: limited.map(({ mac }) => mac),
  };
}

function readCpuTune(
  domain: Element,
): Pick<ExplicitSettings, 'vcpuPins' | 'ioThreadPins' | 'emulatorPin' | 'vcpuBandwidth' | 'cpuShares'> {
  const tune = only(domain, 'cputune');
  const vcpu = only(domain, 'vcpu');
  // <vcpu cpuset> pins every vCPU, I/O thread and the emulator that have no pin of their own.
  const pinnedAll = attribute(vcpu, 'cpuset') !== undefined;
  const every = Array.from({ length: Number(text(vcpu) || '1') }, (_, index) => index);
  const has = (tag: string) => children(tune, tag).length > 0;
  return {
    vcpuPins: pinnedAll ? every : pinned(tune, 'vcpupin', 'vcpu'),
    ioThreadPins: pinnedAll ? readIoThreads(domain) : pinned(tune, 'iothreadpin', 'iothread'),
    emulatorPin: pinnedAll || has('emulatorpin'),
    vcpuBandwidth: has('period') || has('quota'),
    cpuShares: has('shares'),
  };
}

function pinned(tune: Element | undefined, tag: string, name: string): number[] {
  return children(tune, tag)
    .map((pin) => Number(attribute(pin, name)))
    .filter(Number.isInteger)
    .toSorted((a, b) => a - b);
}
