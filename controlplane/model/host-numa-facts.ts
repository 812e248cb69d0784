/** A host's NUMA cells for placement, from its agent's facts and the profile in force. Pure. */
import type { CpuFacts } from '../../proto/gen/drover/v1/CpuFacts.js';
import type { HostFacts } from '../../proto/gen/drover/v1/HostFacts.js';
import type { NumaCell } from '../../proto/gen/drover/v1/NumaCell.js';
import { intersectCpus, parseCpuSet, subtractCpus } from '../../proto/wire/cpu-set.js';
import type { HostCell, HostNuma, PagePool } from './host-numa.js';
import { reservedPages } from './reserved-pages.js';

const mebibyte = 2 ** 20;

/** CPUs of a host that vCPUs may have. */
interface CpuSets {
  readonly shared: readonly number[];
  readonly dedicated: readonly number[];
}

/**
 * The cells as Nova's libvirt driver reports them, nothing in use yet: what is used comes from allocations. CPUs are those of
 * the profile's `shared` and `dedicated` sets (tuner vcpu-pinning); without a dedicated set no vCPU is pinned there, since the
 * agent would not do it (Nova's old `vcpu_pin_set` would). `hugepages`: that tuner's settings, for `reserved_pages`. A set that
 * the host cannot have counts as none. null: the host told no cells.
 */
export function hostNumaOf(facts: HostFacts, vcpuPinning?: string, hugepages?: string): HostNuma | null {
  const { cpu, numaCells } = facts;
  if (cpu === null || numaCells.length === 0) return null;
  const sets = cpuSets(parseCpuSet(cpu.online), vcpuPinning);
  const reserved = reservedPages(hugepages, numaCells.length);
  return { cells: numaCells.map((cell) => cellOf(cell, cpu, sets, reserved)) };
}

/** As `capacityOf` reads the same sets; a host with dedicated CPUs alone has none to share. */
function cpuSets(online: readonly number[], vcpuPinning: string | undefined): CpuSets {
  const none = { shared: online, dedicated: [] };
  if (vcpuPinning === undefined) return none;
  const { shared, dedicated, reserved } = JSON.parse(vcpuPinning) as Record<string, string | undefined>;
  const last = online.at(-1) ?? 0;
  const cpusOf = (text: string) => intersectCpus(online, parseCpuSet(text, 'cpus', last));
  try {
    const pinned = dedicated === undefined ? [] : cpusOf(dedicated);
    const kept = subtractCpus(online, cpusOf(reserved ?? ''));
    const floating = shared === undefined ? (dedicated === undefined ? kept : []) : cpusOf(shared);
    return { shared: subtractCpus(floating, pinned), dedicated: pinned };
  } catch {
    return none; // `4-$` on a host with fewer CPUs: not in force there
  }
}

function cellOf(
  { id, cpus, memoryBytes, hugepages }: NumaCell,
  facts: CpuFacts,
  { shared, dedicated }: CpuSets,
  reserved: (cell: number, sizeKb: number) => number,
): HostCell {
  const own = parseCpuSet(cpus);
  const usable = intersectCpus(own, [...shared, ...dedicated]);
  const large = hugepages.map(({ sizeBytes, total }) => ({ sizeKb: sizeBytes / 1024, total }));
  const pools = [smallPages(facts.architecture, memoryBytes, large), ...large];
  return {
    id,
    sharedCpus: intersectCpus(own, shared),
    dedicatedCpus: intersectCpus(own, dedicated),
    memoryMb: Math.floor(memoryBytes / mebibyte),
    memoryUsedMb: 0,
    vcpusUsed: 0,
    pinnedCpus: [],
    siblings: siblingsOf(facts, own, usable),
    socket: socketOf(facts, own),
    pages: pools.map(({ sizeKb, total }): PagePool => ({
      sizeKb,
      total,
      used: 0,
      reserved: reserved(id, sizeKb),
    })),
    network: { physnets: [], tunneled: false },
  };
}

/**
 * What the pools of huge pages leave, as libvirt counts it, in pages of the size that Linux distributions build for the
 * architecture: 64 KiB on POWER, 4 KiB elsewhere. Facts do not tell it.
 */
function smallPages(
  architecture: string,
  memoryBytes: number,
  large: readonly { sizeKb: number; total: number }[],
) {
  const sizeKb = architecture.startsWith('ppc64') ? 64 : 4;
  const heldKb = large.reduce((sum, pool) => sum + pool.sizeKb * pool.total, 0);
  return { sizeKb, total: Math.max(0, Math.floor((memoryBytes / 1024 - heldKb) / sizeKb)) };
}

/** Threads of each core of the cell that vCPUs may have, cores without any left out. */
function siblingsOf({ coreList }: CpuFacts, own: readonly number[], usable: readonly number[]): number[][] {
  if (coreList.length === 0) return usable.map((cpu) => [cpu]);
  return coreList
    .map((core) => parseCpuSet(core.cpus))
    .filter((threads) => intersectCpus(threads, own).length > 0)
    .map((threads) => intersectCpus(threads, usable))
    .filter((threads) => threads.length > 0);
}

/** The socket that all cores of the cell are in; null: there are several, or none is told. */
function socketOf({ coreList }: CpuFacts, own: readonly number[]): number | null {
  const sockets = new Set(
    coreList
      .filter((core) => intersectCpus(parseCpuSet(core.cpus), own).length > 0)
      .map(({ socket }) => socket),
  );
  const [socket] = sockets;
  return sockets.size === 1 && socket !== undefined && socket >= 0 ? socket : null;
}
