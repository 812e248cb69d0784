/** Manual of the tuner hugepages. */
import type { TunerManual } from './manual.js';

const pool = '/sys/devices/system/node/nodeN/hugepages/hugepages-SIZEkB';

export const manual: TunerManual = {
  name: 'hugepages',
  summary: 'Pools of huge pages by size and NUMA cell, taken while the host runs, whole or not at all.',
  settings: [
    {
      name: 'pools',
      what: 'The pools, one entry for each size and cell; a size stands once without a cell, or once for each of some cells.',
      values: 'a list of at most 256 entries with the keys below',
      default: 'none; it must be given',
      writes: 'see pages and overcommit_pages',
      since: 'Linux 2.6.27',
      effect: 'now',
    },
    {
      name: 'pools[].size',
      what: 'Page size of the pool.',
      values: '2MiB, 1GiB, 2048kB, or another size that this kernel has',
      default: 'none; it must be given',
      writes: 'nothing by itself',
      since: 'Linux 2.6.27',
      effect: 'now',
    },
    {
      name: 'pools[].cell',
      what: 'NUMA cell of the pool; without it, pages are spread evenly over all cells with memory, the first cells taking what is left over.',
      values: 'number of a NUMA cell',
      default: 'all cells',
      writes: 'nothing by itself',
      since: 'Linux 2.6.32',
      effect: 'now',
    },
    {
      name: 'pools[].pages',
      what: 'Pages in the pool, in use or not; 1 GiB pages that cannot be had wait for a restart of the host.',
      values: '0 and up, pages; all pools together less than the memory of the host',
      default: '0, or what the kernel command line says',
      writes: `${pool}/nr_hugepages; /sys/kernel/mm/hugepages/hugepages-SIZEkB/nr_hugepages without NUMA`,
      since: 'Linux 2.6.27; 1 GiB pages at run time 3.16',
      effect: 'now',
    },
    {
      name: 'pools[].reserved_pages',
      what: "Pages of the pool that are for the host's own use, such as a virtual switch, and not for domains; reported with the pool.",
      values: '0 and up, pages, at most those of the pool',
      default: '0',
      writes: 'nothing',
      since: 'any',
      effect: 'now',
    },
    {
      name: 'pools[].overcommit_pages',
      what: 'Pages beyond the pool that the kernel may take on demand, on the whole host; only in a pool without a cell.',
      values: '0 and up, pages',
      default: '0',
      writes: '/sys/kernel/mm/hugepages/hugepages-SIZEkB/nr_overcommit_hugepages',
      since: 'Linux 2.6.27; refused by the kernel for 1 GiB pages',
      effect: 'now',
    },
    {
      name: 'deadline_seconds',
      what: 'How long the kernel is asked again, every 250 ms, for the pages of one pool; other settings of the host wait for it.',
      values: '0..60, seconds',
      default: '10',
      writes: 'nothing',
      since: 'any',
      effect: 'now',
    },
  ],
  knobs: ['nr_hugepages SIZEkB cell N', 'nr_hugepages SIZEkB', 'nr_overcommit_hugepages SIZEkB'],
  verify:
    'The count is read back: nr_hugepages less surplus_hugepages, which are none of the pool. The evidence says how many pages are in use, free, and kept for the host.',
  undo: 'Each pool gets its former count. Where pages are in use by then, the kernel makes them surplus and gives them back when their program ends.',
  limits: [
    'A pool grows in steps of 1 GiB. Before each, one percent of the memory of the host, at least 256 MiB, must stay available (MemAvailable), and the same of the cell (MemFree and Inactive(file) of nodeN/meminfo); else the host would swap or kill.',
    'The first time that the kernel gives less than was asked, memory is compacted (the file compact of the cell, else /proc/sys/vm/compact_memory). When the deadline is over the pool gets its former count, and the knob fails: got 300 of 512 pages of 2048 kB on cell 0.',
    'What could not be had is not tried again for ten minutes; until then the knob fails with the same words, and 1 GiB pages are deferred with the arguments for the kernel command line: hugepagesz=1G hugepages=4, and hugepages=0:4 on hosts with several cells (Linux 5.16). The tuner kernel-command-line sets those.',
    'A pool does not shrink below the pages in use, nor below those promised to running programs (resv_hugepages): held, with the number.',
    'Pools that shrink are written first.',
    'libvirt looks for mounts of hugetlbfs when it starts: a size that is mounted later needs a restart of libvirtd before domains can use it.',
    'Nova: reserved_huge_pages = node:0,size:2048,count:64 in nova.conf means the same as reserved_pages: 64, and must be given there as well.',
  ],
  owners: [
    'tuned.service (profiles with vm.nr_hugepages)',
    'systemd-sysctl.service (vm.nr_hugepages)',
    'virsh allocpages',
  ],
  sources: [
    'Linux Documentation/admin-guide/mm/hugetlbpage.rst, kernel-parameters.txt (hugepages=), sysctl/vm.rst',
    'OpenStack Nova configuration, reserved_huge_pages',
    'Seen on Linux 6.18: 512 pages of 2 MiB and one of 1 GiB in 70 to 95 ms, read back included',
  ],
  example: `hugepages:
  pools:
    - {size: 2MiB, cell: 0, pages: 4096, reserved_pages: 64}
    - {size: 1GiB, pages: 8}
  deadline_seconds: 20
`,
};
