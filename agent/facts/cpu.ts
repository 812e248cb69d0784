/** Processors: topology, caches, kinds of core, model. */
import { formatCpuSet } from '../../proto/wire/cpu-set.js';
import { readCaches } from './cpu-caches.js';
import { readEfficiencyRanks } from './cpu-kinds.js';
import { readList } from './cpu-list.js';
import { readArchitecture, readModelName } from './cpu-model.js';
import { cpuDirectory, readCpuTopology } from './cpu-topology.js';
import type { Fact } from './fact.js';

/** `cpu`: online CPUs make up every count; offline ones are listed and no more. */
export const cpu: Fact = {
  name: 'cpu',
  gather(look) {
    const topology = readCpuTopology(look);
    const ranks = readEfficiencyRanks(look, topology.cores);
    const threads = topology.cores.map(({ cpus }) => cpus.length);
    if (!look.root.exists('proc/cpuinfo')) look.warn('proc/cpuinfo: absent, so the CPU model is unknown');
    return {
      cpu: {
        architecture: readArchitecture(look.root),
        modelName: readModelName(look.root),
        online: formatCpuSet(topology.online),
        offline: formatCpuSet(topology.offline),
        isolated: formatCpuSet(readList(look, `${cpuDirectory}/isolated`) ?? []),
        sockets: topology.sockets,
        cores: topology.cores.length,
        threadsPerCoreMin: threads.length === 0 ? 0 : Math.min(...threads),
        threadsPerCoreMax: Math.max(0, ...threads),
        coreList: topology.cores.map(({ cpus, socket }, index) => ({
          cpus: formatCpuSet(cpus),
          socket,
          efficiencyRank: ranks[index] as number,
        })),
        caches: readCaches(look, topology.online),
      },
    };
  },
};
