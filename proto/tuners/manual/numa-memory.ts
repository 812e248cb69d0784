/** The manual of numa-memory. */
import type { TunerManual } from './manual.js';

export const manual: TunerManual = {
  name: 'numa-memory',
  summary: 'Keeps the memory of domains on the NUMA cells of their vCPUs, and moves it there while they run.',
  settings: [
    {
      name: 'follow',
      what: 'cpus: memory goes to the cells of the CPUs that the vCPUs may run on now. none: to the cells given, or nowhere.',
      values: 'cpus or none',
      default: 'none: libvirt lets memory come from every cell',
      writes: 'virDomainSetNumaParameters (numa_nodeset), which writes cpuset.mems of every thread group',
      since: 'libvirt 0.9.9; Linux 2.6.16 (v1 cpuset.mems), 5.0 (v2)',
      effect: 'now',
    },
    {
      name: 'cells',
      what: 'Cells for the memory of every domain, in place of follow: cpus.',
      values: 'a list of cells that have memory: 0, 0-1, 0-3,^2',
      default: 'every cell with memory',
      writes: 'virDomainSetNumaParameters (numa_nodeset)',
      since: 'libvirt 0.9.9',
      effect: 'now',
    },
    {
      name: 'override_explicit',
      what: 'Also where the XML of a domain has <numatune><memory>.',
      values: 'true or false',
      default: 'false: the XML is respected, and the knob is held',
      writes: 'nothing by itself',
      since: 'Drover',
      effect: 'now',
    },
  ],
  knobs: ['memory cells'],
  verify:
    'cpuset.mems of the groups of all threads of the domain. Whether pages came along is told by counters of the kernel, memory.numa_stat of its control group (`9505 of 9830 pages on cell 1`; KiB on v2): anonymous and shared memory by cell, one read for a guest of any size. Guests on huge pages are counted in /proc/PID/numa_maps, which is short for them. Under 90 % on the cells that are set, the knob fails: memory did not follow.',
  undo: 'The cells before are set by the same call. Where a group had none of its own (`inherited`, v2) or the groups differed (`mixed emulator=0 vcpu0=0-1`), all cells are set first, and then each cpuset.mems file gets its former text.',
  limits: [
    'libvirt 8.0 and later change cells of a running domain in mode restrictive only, earlier ones in mode strict: another mode in the XML defers the change to the next start of the domain. A domain without <numatune> gets mode restrictive in its live XML (from libvirt 7.3), so that it can be changed again.',
    'The write copies pages between cells before it returns; on a large guest that takes seconds to minutes and memory bandwidth of both cells.',
    'Pages that cannot move (locked for a passed-through device) stay, and show in the evidence.',
    'It reads where vCPUs may run now. What vcpu-pinning writes in a pass is therefore followed in the next one.',
    'Held where the memory that is not yet on the new cells is more than they have to give: MemFree and Inactive(file) of nodeN/meminfo, less 1 % of the cell, at least 256 MiB. What domains take is summed up over a pass. A guest on huge pages needs free pages of its size there. A domain without room on its cells would be killed by the kernel.',
    'Memory that a guest has not touched yet does not count: it may fill the cell later.',
    'A cell without memory stands for the nearest cell that has some.',
    'A host that knows no NUMA cells is unsupported. With one cell everything is in sync from the start.',
    'Without a memory controller there is no evidence, and nothing fails for want of it.',
  ],
  owners: [
    'numad',
    'kernel.numa_balancing (moves pages within the cells that are allowed)',
    'Nova (numatune of its domains)',
  ],
  sources: [
    'Linux 6.1 Documentation/admin-guide/cgroup-v1/cpusets.rst (memory_migrate), cgroup-v1/memory.rst (numa_stat), cgroup-v2.rst (cpuset.mems, memory.numa_stat)',
    'proc(5) numa_maps; cpuset(7)',
    'libvirt 9.0.0: formatdomain, NUMA Node Tuning; virDomainSetNumaParameters, its refusals tried on libvirt 9.0.0',
  ],
  example: 'numa-memory:\n  follow: cpus\n',
};
