/** A fake host with files for every tuner, whose kernel answers as the real one does where settings hang together. */
import type { Hypervisor } from '../../agent/libvirt/hypervisor.js';
import { FakeHost, type FakeShape } from './fake-host.js';

const vm = '/proc/sys/vm';
const node = '/sys/devices/system/node';
const policy = '/sys/devices/system/cpu/cpufreq';
const queue = '/sys/block/vdb/queue';

/** Content of files by path. */
const files: Readonly<Record<string, string | number>> = {
  [`${vm}/swappiness`]: 60,
  [`${vm}/dirty_ratio`]: 20,
  [`${vm}/dirty_bytes`]: 0,
  [`${vm}/dirty_background_ratio`]: 0,
  [`${vm}/dirty_background_bytes`]: 1048576,
  [`${vm}/vfs_cache_pressure`]: 100,
  '/proc/sys/kernel/numa_balancing': 1,
  '/proc/sys/kernel/osrelease': '6.12.0',
  '/proc/sys/net/core/somaxconn': 4096,
  '/proc/sys/net/ipv4/tcp_rmem': '4096\t131072\t6291456',
  '/proc/irq/24/smp_affinity_list': '0-3',
  '/proc/irq/25/smp_affinity_list': '1',
  '/proc/irq/default_smp_affinity': 'f',
  '/sys/kernel/irq/24/actions': 'virtio0',
  '/sys/kernel/irq/25/actions': 'virtio1',
  '/proc/meminfo': 'MemTotal: 33554432 kB\nMemAvailable: 30000000 kB',
  '/proc/cmdline': 'BOOT_IMAGE=/vmlinuz quiet',
  [`${node}/node0/meminfo`]: 'Node 0 MemTotal: 33554432 kB',
  [`${node}/node0/hugepages/hugepages-2048kB/nr_hugepages`]: 3,
  [`${node}/node0/hugepages/hugepages-2048kB/free_hugepages`]: 3,
  [`${node}/node0/hugepages/hugepages-2048kB/surplus_hugepages`]: 0,
  '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_overcommit_hugepages': 0,
  '/sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages': 0,
  [`${policy}/policy0/affected_cpus`]: '0 1',
  [`${policy}/policy0/related_cpus`]: '0 1',
  [`${policy}/policy0/scaling_governor`]: 'powersave',
  [`${policy}/policy0/scaling_available_governors`]: 'performance powersave',
  [`${queue}/scheduler`]: '[none] mq-deadline bfq',
  [`${queue}/nr_requests`]: 128,
  [`${queue}/read_ahead_kb`]: 128,
  [`${queue}/rq_affinity`]: 1,
  [`${queue}/nomerges`]: 0,
  [`${queue}/rotational`]: 1,
  '/sys/kernel/mm/transparent_hugepage/shmem_enabled': 'always within_size advise [never] deny force',
  '/sys/kernel/mm/transparent_hugepage/use_zero_page': 1,
  '/sys/kernel/mm/transparent_hugepage/khugepaged/pages_to_scan': 4096,
};

/** A fake host with all of `files`. */
export function busyHost(shape: FakeShape): FakeHost {
  const host = new FakeHost(shape);
  for (const [file, content] of Object.entries(files)) host.put(file, String(content));
  const takes = host.kernelTakes.bind(host);
  host.kernelTakes = (file, value, before) => {
    const taken = takes(file, value, before);
    return taken === undefined ? undefined : follow(host, file, taken, before);
  };
  return host;
}

/** What one write does to other files, and to what is shown; undefined: refused. */
function follow(host: FakeHost, file: string, value: string, before: string): string | undefined {
  const half = /^(.*)_(ratio|bytes)$/.exec(file);
  if (half?.[2] === 'bytes' && value === '0') return undefined; // EINVAL: mm/page-writeback.c
  if (half && value !== before) host.put(`${half[1]}_${half[2] === 'ratio' ? 'bytes' : 'ratio'}`, '0');
  if (file.endsWith('/nr_hugepages')) host.put(file.replace('nr_', 'free_'), value);
  if (file.endsWith('queue/scheduler') && value !== before)
    host.put(file.replace('scheduler', 'nr_requests'), value.includes('[none]') ? '128' : '256');
  if (file.startsWith('/proc/sys/net')) return value.replaceAll(' ', '\t');
  return value;
}

/** Calls of the hypervisor that change a domain. */
export const changingCalls = [
  'pinVcpu',
  'pinEmulator',
  'pinIoThread',
  'setScheduler',
  'setBlockLimits',
  'setBlockWeight',
  'setDiskThrottle',
  'setInterfaceBandwidth',
  'setMemoryCells',
] as const satisfies readonly (keyof Hypervisor)[];

/** What the hypervisor holds of a domain outside its files: throttles and bandwidths. */
export async function heldByLibvirt(host: FakeHost): Promise<unknown> {
  return Promise.all(
    host.view().domains.map(async (domain) => ({
      name: domain.name,
      throttles: [...(await host.diskThrottles(domain))],
      bandwidths: await Promise.all(domain.interfaces.map(({ mac }) => host.interfaceBandwidth(domain, mac))),
    })),
  );
}
