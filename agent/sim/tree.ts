/** The /proc and /sys of a simulated host, as far as the agent reads them. */
import { formatCpuSet } from '../../proto/wire/cpu-set.js';
import { vhostNode } from '../kernel/vhost.js';
import { MemoryRoot, type WriteRule } from './memory-root.js';

/** The machine that is simulated. CPUs are numbered as Linux does on x86: first all first threads, then their siblings. */
export interface SimShape {
  readonly name: string;
  readonly sockets: number;
  readonly coresPerSocket: number;
  readonly threadsPerCore: number;
  readonly memoryBytes: number;
  readonly cgroup: 'v1' | 'v2';
  readonly diskBytes: number;
  readonly bootId: string;
}

const v1Controllers = ['cpu', 'cpuacct', 'cpuset', 'memory', 'blkio'];

const bracketed = /\[[^\]]+\]/;

/** What the kernel makes of writes to the few files that are not plain numbers. */
export const simWriteRule: WriteRule = (file, value, before) => {
  if (file.startsWith('/sys/kernel/mm/transparent_hugepage/') && bracketed.test(before)) {
    const words = before.replaceAll(/[[\]]/g, '').split(' ');
    return words.includes(value)
      ? words.map((word) => (word === value ? `[${word}]` : word)).join(' ')
      : { refused: 'EINVAL' };
  }
  if (file === '/sys/kernel/mm/ksm/run') return /^[012]$/.test(value) ? value : { refused: 'EINVAL' };
  return value;
};

/** A fresh simulated host that was just booted. */
export function buildTree(shape: SimShape): MemoryRoot {
  const root = new MemoryRoot(`sim:${shape.name}`, simWriteRule);
  putCpus(root, shape);
  putMemory(root, shape);
  putKernel(root, shape);
  putBlock(root, shape);
  putCgroups(root, shape);
  return root;
}

function putCpus(root: MemoryRoot, { sockets, coresPerSocket, threadsPerCore }: SimShape): void {
  const cores = sockets * coresPerSocket;
  const count = cores * threadsPerCore;
  const all = formatCpuSet(Array.from({ length: count }, (_, cpu) => cpu));
  for (const file of ['online', 'present', 'possible']) root.put(`/sys/devices/system/cpu/${file}`, all);
  root.put('/sys/devices/system/cpu/isolated', '');
  root.put('/sys/devices/system/cpu/offline', '');
  for (let cpu = 0; cpu < count; cpu++) {
    const core = cpu % cores;
    const socket = Math.floor(core / coresPerSocket);
    const siblings = formatCpuSet(
      Array.from({ length: threadsPerCore }, (_, thread) => core + thread * cores),
    );
    const topology = `/sys/devices/system/cpu/cpu${cpu}/topology`;
    root.put(`${topology}/physical_package_id`, `${socket}`);
    root.put(`${topology}/core_id`, `${core % coresPerSocket}`);
    for (const file of ['thread_siblings_list', 'core_cpus_list']) root.put(`${topology}/${file}`, siblings);
    for (const file of ['core_siblings_list', 'package_cpus_list'])
      root.put(`${topology}/${file}`, cellCpus(socket, coresPerSocket, cores, threadsPerCore));
  }
  const info = Array.from(
    { length: count },
    (_, cpu) => `processor\t: ${cpu}\nmodel name\t: Drover simulated CPU\nflags\t\t: vmx`,
  );
  root.put('/proc/cpuinfo', info.join('\n\n'));
}

function cellCpus(socket: number, coresPerSocket: number, cores: number, threadsPerCore: number): string {
  const cpus: number[] = [];
  for (let thread = 0; thread < threadsPerCore; thread++) {
    for (let core = 0; core < coresPerSocket; core++)
      cpus.push(thread * cores + socket * coresPerSocket + core);
  }
  return formatCpuSet(cpus);
}

function putMemory(
  root: MemoryRoot,
  { sockets, coresPerSocket, threadsPerCore, memoryBytes }: SimShape,
): void {
  const kib = Math.floor(memoryBytes / 1024);
  root.put(
    '/proc/meminfo',
    `MemTotal:       ${kib} kB\nMemFree:        ${kib} kB\nMemAvailable:   ${kib} kB\nSwapTotal:      0 kB\nSwapFree:       0 kB`,
  );
  root.put(
    '/sys/devices/system/node/online',
    formatCpuSet(Array.from({ length: sockets }, (_, cell) => cell)),
  );
  for (let cell = 0; cell < sockets; cell++) {
    const node = `/sys/devices/system/node/node${cell}`;
    root.put(`${node}/cpulist`, cellCpus(cell, coresPerSocket, sockets * coresPerSocket, threadsPerCore));
    root.put(`${node}/meminfo`, `Node ${cell} MemTotal:       ${Math.floor(kib / sockets)} kB`);
    root.put(
      `${node}/distance`,
      Array.from({ length: sockets }, (_, other) => (other === cell ? 10 : 21)).join(' '),
    );
    putPool(root, `${node}/hugepages`, ['nr_hugepages', 'free_hugepages']);
  }
  putPool(root, '/sys/kernel/mm/hugepages', ['nr_hugepages', 'free_hugepages', 'resv_hugepages']);
}

function putPool(root: MemoryRoot, folder: string, files: string[]): void {
  for (const size of [2048, 1048576])
    for (const file of files) root.put(`${folder}/hugepages-${size}kB/${file}`, '0');
}

function putKernel(root: MemoryRoot, { bootId }: SimShape): void {
  root.put('/proc/sys/kernel/random/boot_id', bootId);
  root.put('/proc/sys/kernel/osrelease', '6.1.0-sim');
  root.put(vhostNode, '');
  root.put('/proc/version', 'Linux version 6.1.0-sim (drover)');
  root.put('/proc/loadavg', '0.10 0.10 0.10 1/100 1000');
  const ksm = {
    run: 0,
    pages_to_scan: 100,
    sleep_millisecs: 20,
    merge_across_nodes: 1,
    use_zero_pages: 0,
    pages_shared: 0,
    pages_sharing: 0,
    pages_unshared: 0,
    full_scans: 0,
  };
  for (const [file, value] of Object.entries(ksm)) root.put(`/sys/kernel/mm/ksm/${file}`, `${value}`);
  root.put('/sys/kernel/mm/transparent_hugepage/enabled', 'always [madvise] never');
  root.put('/sys/kernel/mm/transparent_hugepage/defrag', 'always defer defer+madvise [madvise] never');
  root.put('/sys/kernel/mm/transparent_hugepage/khugepaged/defrag', '1');
}

function putBlock(root: MemoryRoot, { diskBytes }: SimShape): void {
  const device = '/sys/devices/virtual/block/vda';
  const queue = {
    rotational: '0',
    scheduler: '[none] mq-deadline',
    nr_requests: '256',
    logical_block_size: '512',
  };
  for (const base of [device, '/sys/block/vda', '/sys/class/block/vda', '/sys/dev/block/254:0']) {
    root.put(`${base}/size`, `${Math.floor(diskBytes / 512)}`);
    root.put(`${base}/dev`, '254:0');
    root.put(`${base}/removable`, '0');
    root.put(`${base}/uevent`, 'MAJOR=254\nMINOR=0\nDEVNAME=vda\nDEVTYPE=disk');
    for (const [file, value] of Object.entries(queue)) root.put(`${base}/queue/${file}`, value);
  }
}

function putCgroups(root: MemoryRoot, { cgroup }: SimShape): void {
  const v1 = v1Controllers.map((name) => `cgroup /sys/fs/cgroup/${name} cgroup rw,relatime,${name} 0 0`);
  const v2 = ['cgroup2 /sys/fs/cgroup cgroup2 rw,relatime 0 0'];
  const mounts = cgroup === 'v1' ? v1 : v2;
  root.put('/proc/mounts', mounts.join('\n'));
  root.put('/proc/self/mounts', mounts.join('\n'));
  root.put('/proc/self/mountinfo', mounts.map((line, index) => mountinfo(line, index)).join('\n'));
  if (cgroup === 'v2') root.put('/sys/fs/cgroup/cgroup.controllers', 'cpuset cpu io memory hugetlb pids');
}

/** The same mount in the form of /proc/self/mountinfo. */
function mountinfo(line: string, index: number): string {
  const [source = '', point = '', type = '', options = ''] = line.split(' ');
  return `${index + 30} 1 0:${index + 30} / ${point} rw,relatime shared:${index + 1} - ${type} ${source} ${options}`;
}
