/** NUMA cells (Documentation/ABI/stable/sysfs-devices-node). */
import type { NumaCell } from '../../proto/gen/drover/v1/NumaCell.js';
import { formatCpuSet, intersectCpus } from '../../proto/wire/cpu-set.js';
import { readMeminfo } from '../kernel/procfs.js';
import { readList, readListOrMask } from './cpu-list.js';
import { readOnlineCpus } from './cpu-topology.js';
import type { Fact, Look } from './fact.js';
import { readHugepagePools } from './hugepages.js';

const nodeDirectory = 'sys/devices/system/node';

/** `numa_cells`: online cells by id. A cell may have no CPU, no memory, or neither; no cell at all: a host without NUMA. */
export const numaCells: Fact = {
  name: 'numa_cells',
  gather(look) {
    const ids = readCellIds(look);
    const online = readOnlineCpus(look);
    return { numaCells: ids.map((id) => readCell(look, id, ids, online)) };
  },
};

/** Online cells, ascending. Ids have holes (0, 8, 250-255): the directories, less those that the kernel has offline. */
export function readCellIds(look: Look): number[] {
  const names = look.root.list(nodeDirectory).filter((name) => /^node\d+$/.test(name));
  const ids = names.map((name) => Number(name.slice(4))).sort((a, b) => a - b);
  const online = readList(look, `${nodeDirectory}/online`);
  return online ? ids.filter((id) => online.includes(id)) : ids;
}

function readCell(look: Look, id: number, ids: readonly number[], online: readonly number[]): NumaCell {
  const directory = `${nodeDirectory}/node${id}`;
  // The list may name CPUs that are offline or not there.
  const cpus = readListOrMask(look, `${directory}/cpulist`, `${directory}/cpumap`);
  if (cpus === undefined) look.warn(`${directory}: no list of its CPUs`);
  const memoryBytes = readMeminfo(look.root, `${directory}/meminfo`)?.get('MemTotal');
  if (memoryBytes === undefined) look.warn(`${directory}/meminfo: absent, so the cell's memory is unknown`);
  return {
    id,
    cpus: formatCpuSet(intersectCpus(cpus ?? [], online)),
    memoryBytes: memoryBytes ?? 0,
    hugepages: readHugepagePools(look, `${directory}/hugepages`),
    distances: readDistances(look, directory, ids),
  };
}

/** A row is in the order of the online cells. One of another length cannot be told apart and is left out. */
function readDistances(look: Look, directory: string, ids: readonly number[]): Record<number, number> {
  const row = look.root.read(`${directory}/distance`)?.trim().split(/\s+/).map(Number);
  if (row === undefined) return {};
  if (row.length !== ids.length) {
    look.warn(`${directory}/distance: ${row.length} distances for ${ids.length} online cells`);
    return {};
  }
  return Object.fromEntries(ids.map((id, index) => [id, row[index] as number]));
}
