/** Swapping, write-back and NUMA balancing. Kernel: Documentation/admin-guide/sysctl/vm.rst, sysctl/kernel.rst. */
import { invalid } from '../../proto/wire/errors.js';
import type { SettingsOf } from '../../proto/wire/tuner-settings.js';
import { formatBytes } from '../../proto/wire/units.js';
import { readPageBytes } from '../kernel/ksm.js';
import { readMeminfo } from '../kernel/procfs.js';
import type { KernelRoot } from '../kernel/root.js';
import { memoryLimits, readLimit, writeLimit } from './common/memory/memory-limits.js';
import { reserveObstacle } from './common/memory/reserve-room.js';
import type { Knob, Reading, Tuner, Want } from './tuner.js';

const name = 'virtual-memory';
type Settings = SettingsOf<typeof name>;

/** Files with one number; kernel.numa_balancing is the only one outside of vm. */
const numberFiles = [
  'swappiness',
  'dirty_expire_centisecs',
  'dirty_writeback_centisecs',
  'min_free_kbytes',
  'watermark_scale_factor',
  'vfs_cache_pressure',
  'zone_reclaim_mode',
  'numa_balancing',
  'page-cluster',
  'overcommit_memory',
] as const;
type NumberFile = (typeof numberFiles)[number];

/** Highest values of kernels before a release, with the release that raised them. */
const formerHighest: Partial<Record<NumberFile, { readonly highest: number; readonly raised: string }>> = {
  swappiness: { highest: 100, raised: '5.8' },
  watermark_scale_factor: { highest: 1000, raised: '5.17' },
  numa_balancing: { highest: 1, raised: '5.18' },
};

/** A larger reserve than this share of memory leaves programs so little that the kernel begins to kill them. */
const largestReserve = 0.2;

/** overcommit_memory: no more is promised than there is. */
const strict = 2;

/** What decisions go by; every reading of the family carries the same. */
interface VmReading extends Reading {
  readonly state: VmState;
}

interface VmState {
  readonly release: string;
  readonly meminfo: ReadonlyMap<string, number>;
}

export const virtualMemory: Tuner<typeof name> = {
  name,

  async observe({ kernel }) {
    const release = kernel.read('/proc/sys/kernel/osrelease') ?? '';
    const meminfo = readMeminfo(kernel) ?? new Map<string, number>();
    const limits = memoryLimits.map((limit) =>
      reading(
        knobOf(limit.setting, limit.ratioFile),
        readLimit(kernel, limit),
        writeBack(kernel, limit.setting),
      ),
    );
    const numbers = numberFiles.map((file) => {
      const source = `/proc/sys/${file === 'numa_balancing' ? 'kernel' : 'vm'}/${file}`;
      return reading(knobOf(file, source), kernel.read(source), swapping(file, meminfo));
    });
    return [...limits, ...numbers].map((each): VmReading => ({ ...each, state: { release, meminfo } }));
  },

  want(settings, readings) {
    const { state } = (readings as readonly VmReading[])[0] ?? { state: { release: '', meminfo: new Map() } };
    checkReserve(settings, state);
    const now = new Map(readings.map(({ knob, value }) => [knob.setting, value]));
    const limits = memoryLimits.flatMap(({ setting, ratioFile, unit }) => {
      const value = limitOf(settings, setting, unit);
      return value === undefined ? [] : [want(knobOf(setting, ratioFile), value)];
    });
    // Strict promises come last, behind the limit that they go by.
    return [...limits, ...numberFiles.flatMap((file) => wantNumber(settings, file, state, now.get(file)))];
  },

  async write({ kernel }, knob, value) {
    const limit = memoryLimits.find(({ setting }) => setting === knob.setting);
    await (limit ? writeLimit(kernel, limit, value) : kernel.write(knob.source, value));
  },
};

function knobOf(setting: string, source: string): Knob {
  return { tuner: name, setting, source };
}

function reading(knob: Knob, value: string | undefined, evidence: string | undefined): Reading {
  if (value === undefined) return { knob, unsupported: `this kernel has no ${knob.source}` };
  return { knob, value, ...(evidence !== undefined && { evidence }) };
}

function want(knob: Knob, value: string): Want {
  return { knob, value, effect: 'now', affects: [] };
}

/** The threshold that the kernel makes of a dirty limit, and what is dirty now (/proc/vmstat, in pages). */
function writeBack(kernel: KernelRoot, setting: string): string | undefined {
  const counter = {
    dirty_limit: 'nr_dirty_threshold',
    dirty_background_limit: 'nr_dirty_background_threshold',
  };
  const field = counter[setting as keyof typeof counter] as string | undefined;
  const text = field === undefined ? undefined : kernel.read('/proc/vmstat');
  const pages = (line: string): string | undefined =>
    new RegExp(`^${line} (\\d+)$`, 'm').exec(text ?? '')?.[1];
  const threshold = field === undefined ? undefined : pages(field);
  if (threshold === undefined) return undefined;
  const bytes = (count: string): string => formatBytes(Number(count) * readPageBytes(kernel));
  const who = setting === 'dirty_limit' ? 'writers wait' : 'write-back begins';
  return `${who} above ${bytes(threshold)}; ${bytes(pages('nr_dirty') ?? '0')} are dirty`;
}

function swapping(file: NumberFile, meminfo: ReadonlyMap<string, number>): string | undefined {
  if (file !== 'swappiness') return undefined;
  const [total = 0, free = 0] = [meminfo.get('SwapTotal'), meminfo.get('SwapFree')];
  return total === 0
    ? 'there is no swap'
    : `${formatBytes(total - free)} of ${formatBytes(total)} swap in use`;
}

function limitOf(settings: Settings, setting: string, unit: 'bytes' | 'kbytes'): string | undefined {
  const prefix = setting.replace('_limit', '') as 'dirty' | 'dirty_background' | 'overcommit';
  const ratio = settings[`${prefix}_ratio`];
  const amount = settings[`${prefix}_${unit}` as 'dirty_bytes'];
  if (amount !== undefined) return `${unit} ${amount}`;
  return ratio === undefined ? undefined : `ratio ${ratio}`;
}

/** Errors: `invalid-argument` for a reserve that would leave programs too little. */
function checkReserve({ min_free_kbytes: reserve }: Settings, { meminfo }: VmState): void {
  const most = Math.floor((largestReserve * (meminfo.get('MemTotal') ?? Number.POSITIVE_INFINITY)) / 1024);
  if (reserve !== undefined && reserve > most)
    throw invalid(
      `tuners.${name}.min_free_kbytes`,
      reserve,
      `at most ${most}, a fifth of this host's memory`,
    );
}

function wantNumber(settings: Settings, file: NumberFile, state: VmState, now: string | undefined): Want[] {
  const value = settings[file];
  if (value === undefined) return [];
  const source = `/proc/sys/${file === 'numa_balancing' ? 'kernel' : 'vm'}/${file}`;
  const wanted = want(knobOf(file, source), `${value}`);
  const former = formerHighest[file];
  if (former && value > former.highest && isBefore(state.release, former.raised))
    return [{ ...wanted, unsupported: `Linux ${state.release} takes 0..${former.highest}` }];
  const held =
    file === 'min_free_kbytes'
      ? reserveObstacle(value, state.meminfo, now)
      : file === 'overcommit_memory' && value === strict
        ? promises(settings, state, now)
        : undefined;
  return [held === undefined ? wanted : { ...wanted, held }];
}

/** Why strict promises would stop the host: more is promised already, and every program would be refused memory. */
function promises(settings: Settings, { meminfo }: VmState, now: string | undefined): string | undefined {
  const total = (meminfo.get('MemTotal') ?? 0) - (meminfo.get('Hugetlb') ?? 0);
  const { overcommit_ratio: ratio, overcommit_kbytes: amount } = settings;
  const own =
    amount === undefined ? (ratio === undefined ? undefined : (total * ratio) / 100) : amount * 1024;
  const limit = own === undefined ? meminfo.get('CommitLimit') : own + (meminfo.get('SwapTotal') ?? 0);
  const promised = meminfo.get('Committed_AS') ?? 0;
  if (now === `${strict}` || limit === undefined || promised <= limit) return undefined;
  return `${formatBytes(promised)} are promised, and ${formatBytes(limit)} would be allowed`;
}

/** Compares `6.1.0-18-amd64` with `5.8` by its first two numbers; a release that cannot be read is new. */
function isBefore(release: string, than: string): boolean {
  const [major, minor] = release.split('.').map((part) => Number.parseInt(part, 10));
  const [first = 0, second = 0] = than.split('.').map(Number);
  if (major === undefined || minor === undefined || Number.isNaN(major + minor)) return false;
  return major < first || (major === first && minor < second);
}
