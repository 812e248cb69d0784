/** Which CPUs there are, and which of them share a core and a socket (Documentation/admin-guide/cputopology.rst). */
import { intersectCpus, subtractCpus } from '../../proto/wire/cpu-set.js';
import { readList, readListOrMask } from './cpu-list.js';
import type { Look } from './fact.js';

export const cpuDirectory = 'sys/devices/system/cpu';

export interface Core {
  /** Online threads, ascending. */
  readonly cpus: readonly number[];
  /** The kernel's package id; where it knows none, the lowest CPU of the package. */
  readonly socket: number;
}

export interface CpuTopology {
  readonly online: readonly number[];
  /** Present and not online. The kernel's own file `offline` also lists CPUs that could be but are not there. */
  readonly offline: readonly number[];
  /** By lowest CPU. A core is the set of CPUs that share it: `core_id` repeats from socket to socket. */
  readonly cores: readonly Core[];
  readonly sockets: number;
}

/** Online CPUs, ascending. Old captures and some containers lack the file `online`: a running CPU has `topology/`. */
export function readOnlineCpus(look: Look): number[] {
  const running = () => cpuNumbers(look).filter((cpu) => isRunning(look, cpu));
  return readList(look, `${cpuDirectory}/online`) ?? running();
}

/** CPUs, cores and sockets. Empty, with a warning, where sysfs shows no CPU. */
export function readCpuTopology(look: Look): CpuTopology {
  const online = readOnlineCpus(look);
  if (online.length === 0) look.warn(`${cpuDirectory}: no CPU found`);
  const present = readList(look, `${cpuDirectory}/present`) ?? cpuNumbers(look);
  const cores = readCores(look, online);
  const sockets = new Set(cores.map(({ socket }) => socket)).size;
  return { online, offline: subtractCpus(present, online), cores, sockets };
}

function cpuNumbers({ root }: Look): number[] {
  const names = root.list(cpuDirectory).filter((name) => /^cpu\d+$/.test(name));
  return names.map((name) => Number(name.slice(3))).sort((a, b) => a - b);
}

function isRunning({ root }: Look, cpu: number): boolean {
  const directory = `${cpuDirectory}/cpu${cpu}`;
  return root.exists(`${directory}/topology`) && root.read(`${directory}/online`) !== '0';
}

/** One read of the siblings for each core, not for each CPU: whoever was named already is skipped. */
function readCores(look: Look, online: readonly number[]): Core[] {
  const cores: Core[] = [];
  const placed = new Set<number>();
  const socketOf = socketFinder(look, online);
  for (const cpu of online) {
    if (placed.has(cpu)) continue;
    const cpus = siblings(look, cpu, online);
    for (const sibling of cpus) placed.add(sibling);
    cores.push({ cpus, socket: socketOf(cpu) });
  }
  return cores;
}

/** Linux 5.10 and later name the files core_cpus and package_cpus; the older names stay beside them. */
function siblings(look: Look, cpu: number, online: readonly number[]): number[] {
  const directory = `${cpuDirectory}/cpu${cpu}/topology`;
  const set =
    readListOrMask(look, `${directory}/core_cpus_list`, `${directory}/core_cpus`) ??
    readListOrMask(look, `${directory}/thread_siblings_list`, `${directory}/thread_siblings`);
  const running = intersectCpus(set ?? [cpu], online);
  return running.includes(cpu) ? running : [cpu];
}

/**
 * The socket of a CPU, named by its package id. Packages are told apart by the set of CPUs in them, as ids are -1 or
 * absent on some machines and begin again in each book of others (s390x); then the lowest CPU of the package names it.
 */
function socketFinder(look: Look, online: readonly number[]): (cpu: number) => number {
  const lowestOf = new Map<number, number>();
  const idOf = new Map<number, number>();
  for (const cpu of online) {
    if (lowestOf.has(cpu)) continue;
    const id = Number(look.root.read(`${cpuDirectory}/cpu${cpu}/topology/physical_package_id`) ?? -1);
    const sameId = [...idOf].find(([, other]) => id >= 0 && other === id)?.[0];
    const cpus = packageCpus(look, cpu);
    const lowest = cpus === undefined ? (sameId ?? cpu) : cpu;
    for (const sibling of intersectCpus([cpu, ...(cpus ?? [])], online)) lowestOf.set(sibling, lowest);
    idOf.set(lowest, id);
  }
  const ids = new Set(idOf.values());
  const named = ids.size === idOf.size && !ids.has(-1);
  return (cpu) => {
    const lowest = lowestOf.get(cpu) ?? cpu;
    return named ? (idOf.get(lowest) ?? lowest) : lowest;
  };
}

function packageCpus(look: Look, cpu: number): number[] | undefined {
  const directory = `${cpuDirectory}/cpu${cpu}/topology`;
  return (
    readListOrMask(look, `${directory}/package_cpus_list`, `${directory}/package_cpus`) ??
    readListOrMask(look, `${directory}/core_siblings_list`, `${directory}/core_siblings`)
  );
}
