/** machine-slice with systemd as the owner of machine.slice: every thread keeps off the reserved CPU, and undo is explicit. */
import { join } from 'node:path';
import type { TunerSettings } from '../../../proto/wire/tuner-settings.js';
import type { Checks } from './checks.js';
import { cgroup, text, type Place } from './kernel-files.js';
import { entryOf, inWords, type LocalHost } from './local-host.js';
import { systemctl } from './owner.js';
import { everyMask } from './threads.js';

const slice = join(cgroup, 'machine.slice');
const reservedMiB = 512;
const settings: TunerSettings = {
  'machine-slice': { reserved_cpus: '0', reserved_host_memory_mb: reservedMiB },
};

export async function checkSlice(checks: Checks, host: LocalHost, { pid }: Place): Promise<void> {
  const before = {
    cpus: text(join(slice, 'cpuset.cpus.effective')),
    memory: text(join(slice, 'memory.max')),
  };
  const entries = await host.enforce(settings);
  checks.equal(
    'slice: everything is in sync',
    entries.filter(({ outcome }) => outcome !== 'in-sync').map(inWords),
    [],
  );
  const masks = everyMask(pid);
  checks.equal(`slice: each of ${masks.length} threads keeps off CPU 0`, [...new Set(masks)], ['1']);
  checks.equal('slice: cpuset.cpus', text(join(slice, 'cpuset.cpus')), '1');
  checks.equal('slice: memory.max', Number(text(join(slice, 'memory.max'))), wantedBytes());
  checks.equal('slice: systemd knows', await shown(), `AllowedCPUs=1 MemoryMax=${wantedBytes()}`);
  checks.say(
    `     ${entryOf(entries, 'cpuset.cpus')?.evidence}; ${entryOf(entries, 'memory.max')?.evidence}`,
  );
  await systemctl('daemon-reload');
  checks.equal('slice: and keeps it over a reload', text(join(slice, 'cpuset.cpus')), '1');
  checks.equal('slice: undone without failures', await host.revert(), []);
  checks.equal('slice: all CPUs again, written down', text(join(slice, 'cpuset.cpus')), before.cpus);
  checks.equal('slice: threads may run everywhere', [...new Set(everyMask(pid))], [before.cpus]);
  checks.equal('slice: memory.max as before', text(join(slice, 'memory.max')), before.memory);
}

/** All memory but the reserved and that of huge pages, in whole pages of 64 KiB. */
function wantedBytes(): number {
  const meminfo = text('/proc/meminfo');
  const kib = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(meminfo)?.[1] ?? 0);
  return Math.floor(((kib('MemTotal') - kib('Hugetlb')) * 1024 - reservedMiB * 2 ** 20) / 65_536) * 65_536;
}

async function shown(): Promise<string> {
  const lines = await systemctl('show', '--property', 'AllowedCPUs,MemoryMax', 'machine.slice');
  return lines.trim().split('\n').toSorted().join(' ');
}
