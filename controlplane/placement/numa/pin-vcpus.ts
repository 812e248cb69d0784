/** The pCPUs that the dedicated vCPUs of a cell get. Nova `hardware._pack_instance_onto_cores`. Pure. */
import type { HostCell } from '../../model/host-numa.js';

export interface Pinning {
  /** vCPU and its pCPU, by vCPU. */
  readonly pairs: readonly (readonly [number, number])[];
  /** pCPUs for emulator threads. */
  readonly emulatorCpus: readonly number[];
}

/** The free threads of every core that has any; threads ascend. */
function freeCores({ siblings, dedicatedCpus, pinnedCpus }: HostCell): number[][] {
  const free = new Set(dedicatedCpus);
  for (const cpu of pinnedCpus) free.delete(cpu);
  return siblings
    .map((threads) => threads.filter((cpu) => free.has(cpu)).toSorted((a, b) => a - b))
    .filter((threads) => threads.length > 0);
}

/**
 * Pins vCPUs to cores with as many free threads as can be had, so that siblings stay together and cores fill evenly; `require`
 * takes no lone threads, `isolate` one thread of each wholly free core, anything else single threads where siblings do not
 * suffice. undefined: they do not fit; a cell without vCPUs never does.
 */
export function pinVcpus(
  cell: HostCell,
  vcpus: readonly number[],
  threadPolicy: string | null,
  reservedCpus: number,
): Pinning | undefined {
  if (vcpus.length === 0) return undefined;
  const cores = freeCores(cell);
  if (threadPolicy === 'isolate') return isolated(cell, cores, vcpus, reservedCpus);
  const widest = cores.reduce((most, threads) => Math.max(most, threads.length), 1);
  const least = threadPolicy === 'require' ? 2 : 1;
  for (let threads = widest; threads >= least; threads--) {
    const chosen = firstThreads(cores, threads, vcpus.length);
    const found = chosen && pinned(vcpus, chosen, spare(cores, chosen), reservedCpus);
    if (found) return found;
  }
  const all = cores.flat();
  if (threadPolicy === 'require' || all.length < vcpus.length) return undefined;
  return pinned(vcpus, all.slice(0, vcpus.length), all.slice(vcpus.length), reservedCpus);
}

/** The first `threads` threads of each core that has as many free, `count` in all; undefined: there are fewer. */
function firstThreads(cores: readonly number[][], threads: number, count: number): number[] | undefined {
  const wide = cores.filter((core) => core.length >= threads);
  if (threads * wide.length < count) return undefined;
  return wide.flatMap((core) => core.slice(0, threads)).slice(0, count);
}

function spare(cores: readonly number[][], chosen: readonly number[]): number[] {
  return cores.flat().filter((cpu) => !chosen.includes(cpu));
}

function isolated(
  cell: HostCell,
  cores: readonly number[][],
  vcpus: readonly number[],
  reservedCpus: number,
): Pinning | undefined {
  const width = cell.siblings.reduce((most, threads) => Math.max(most, threads.length), 1);
  const whole = cores.filter((core) => core.length >= width).slice(0, vcpus.length);
  if (whole.length < vcpus.length) return undefined;
  const chosen = whole.map(([first]) => first as number);
  const others = cores.filter((core) => !whole.includes(core)).flat();
  return pinned(vcpus, chosen, others, reservedCpus);
}

function pinned(
  vcpus: readonly number[],
  pcpus: readonly number[],
  others: readonly number[],
  reservedCpus: number,
): Pinning | undefined {
  if (reservedCpus > 0 && others.length === 0) return undefined;
  const pairs = vcpus.toSorted((a, b) => a - b).map((vcpu, index) => [vcpu, pcpus[index] as number] as const);
  return { pairs, emulatorCpus: others.slice(0, reservedCpus) };
}
