/** Kernel samepage merging: the files of /sys/kernel/mm/ksm (Documentation/admin-guide/mm/ksm.rst). */
import { ksmDefaults } from '../../proto/tuners/ksm.js';
import { DroverError } from '../../proto/wire/errors.js';
import type { KsmSettings } from '../../proto/wire/tuner-settings.js';
import { formatBytes } from '../../proto/wire/units.js';
import { ksmFolder as folder, readHostMemory, readKsmCounts } from '../kernel/ksm.js';
import type { KernelRoot } from '../kernel/root.js';
import { decideKsm, type Economy } from './common/memory/ksm-economy.js';
import { mergedObstacle, writeUnmerged } from './common/memory/ksm-merged.js';
import { unmergeObstacle, untilUnmerged } from './common/memory/ksm-unmerge.js';
import { unmergeRoomBytes } from './common/memory/unmerge-room.js';
import { KsmWatch } from './common/memory/ksm-watch.js';
import { PerHost } from './common/per-host.js';
import type { HostView, Knob, Reading, Tuner, TunerPorts, Want } from './tuner.js';

const name = 'ksm';

/** Words for the numbers of `run`, by number. */
const runWords: readonly string[] = ['off', 'on', 'unmerge'];

/** Files that hold one number, written before `run` so that a scan never begins with the old ones. */
const numberFiles = [
  'sleep_millisecs',
  'merge_across_nodes',
  'use_zero_pages',
  'smart_scan',
  'max_page_sharing',
  'stable_node_chains_prune_millisecs',
  'advisor_target_scan_time',
  'advisor_max_cpu',
] as const;
type NumberFile = (typeof numberFiles)[number];

/** What stands in `pages_to_scan` while the kernel's advisor sets it. */
const advised = 'scan-time';

/** What the kernel puts into pages_to_scan when its advisor is turned off (mm/ksm.c). */
const defaultPagesToScan = '100';

/** The reading of `run`, with what the decision goes by. */
interface RunReading extends Reading {
  readonly economy: Economy;
  /** Bytes that unmerging may take, at most; undefined: not known. */
  readonly roomBytes: number | undefined;
}

/** The tuner. It remembers what ksmd did in the last minutes. */
export function createKsm(): Tuner<typeof name> {
  const watches = new PerHost(() => new KsmWatch());
  return {
    name,
    async observe(ports, host) {
      const { kernel } = ports;
      const numbers = numberFiles.map((file) => observeFile(kernel, file, kernel.read(`${folder}/${file}`)));
      return [observeRun(ports, host, watches.of(kernel)), observePace(kernel), ...numbers];
    },
    want(settings, readings) {
      const run = readings.find(({ knob }) => knob.setting === 'run') as RunReading | undefined;
      const pace = readings.find(({ knob }) => knob.setting === 'pages_to_scan');
      const shared = run?.economy.counts.shared ?? 0;
      const numbers = numberFiles.flatMap((file) => wantNumber(settings, file, shared));
      return [...wantPace(settings, pace), ...numbers, ...(run ? [wantRun(settings, run)] : [])];
    },
    async write({ kernel }, knob, value) {
      if (knob.setting === 'run') await writeRun(kernel, knob, value);
      else if (knob.setting === 'pages_to_scan') await writePace(kernel, knob, value);
      else await writeUnmerged(kernel, knob, value);
    },
  };
}

export const ksm: Tuner<typeof name> = createKsm();

function knobOf(setting: string): Knob {
  return { tuner: name, setting, source: `${folder}/${setting}` };
}

function observeFile(kernel: KernelRoot, file: string, value: string | undefined): Reading {
  if (value !== undefined) return { knob: knobOf(file), value };
  return {
    knob: knobOf(file),
    unsupported: kernel.exists(folder) ? `this kernel has no ${file}` : 'this kernel has no KSM',
  };
}

function observeRun({ kernel, monotonicMs }: TunerPorts, host: HostView, watch: KsmWatch): RunReading {
  const text = kernel.read(`${folder}/run`);
  const value = text === undefined ? undefined : (runWords[Number(text)] ?? text);
  const counts = readKsmCounts(kernel);
  const running = value === 'on';
  const history = watch.look(kernel, monotonicMs?.() ?? performance.now(), running, counts.fullScans);
  const promised = host.domains.filter(({ hugepages }) => !hugepages);
  const economy = {
    ...{ running, counts, history, memory: readHostMemory(kernel) },
    promisedBytes:
      host.domainsUnknown === undefined
        ? promised.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0)
        : undefined,
  };
  // The group of all domains is looked at only where it matters.
  const roomBytes =
    host.settings?.ksm?.run === 'unmerge'
      ? unmergeRoomBytes(kernel, host.facts.cgroup ?? undefined)
      : economy.memory?.availableBytes;
  const left = value === 'unmerge' && counts.shared > 0;
  return {
    ...observeFile(kernel, 'run', value),
    ...(value !== undefined && { evidence: evidence(economy) }),
    ...(left && { ineffective: `${counts.shared} pages are still merged` }),
    economy,
    roomBytes,
  };
}

function evidence({ counts, history: { cpuPercent } }: Economy): string {
  const { shared, sharing, zeroPages, pageBytes, profitBytes } = counts;
  const saved = formatBytes((sharing + zeroPages) * pageBytes);
  const cpu = cpuPercent === undefined ? '' : `; ksmd took ${cpuPercent.toFixed(1)} % of a CPU in 5 minutes`;
  return `${shared} pages shared by ${sharing} more: ${saved} saved, profit ${formatBytes(profitBytes)}${cpu}`;
}

/** The pace of the scan is a number, or the advisor's own affair: the kernel keeps one of the two. */
function observePace(kernel: KernelRoot): Reading {
  const isAdvised = kernel.read(`${folder}/advisor_mode`)?.includes(`[${advised}]`) ?? false;
  const pages = kernel.read(`${folder}/pages_to_scan`);
  const reading = observeFile(kernel, 'pages_to_scan', isAdvised ? advised : pages);
  return isAdvised ? { ...reading, evidence: `the advisor set pages_to_scan to ${pages}` } : reading;
}

function host(setting: string, value: string): Want {
  return { knob: knobOf(setting), value, effect: 'now', affects: [] };
}

function heldBy(reason: string | undefined): { held?: string } {
  return reason === undefined ? {} : { held: reason };
}

function wantPace({ advisor, pages_to_scan }: KsmSettings, reading: Reading | undefined): Want[] {
  if (advisor === 'scan-time') return [host('pages_to_scan', advised)];
  const isAdvised = reading?.value === advised;
  const pages = pages_to_scan ?? (advisor === undefined ? undefined : unadvised(reading));
  if (pages === undefined) return [];
  const stands = 'advisor_mode is scan-time: the kernel sets pages_to_scan itself (advisor: none stops it)';
  return [{ ...host('pages_to_scan', `${pages}`), ...heldBy(isAdvised && !advisor ? stands : undefined) }];
}

function unadvised(reading: Reading | undefined): string {
  return reading?.value === undefined || reading.value === advised ? defaultPagesToScan : reading.value;
}

function wantNumber(settings: KsmSettings, file: NumberFile, shared: number): Want[] {
  const isAdvised = settings.advisor === 'scan-time' && file === 'advisor_max_cpu';
  const cap = settings.max_cpu_percent ?? ksmDefaults.maxCpuPercent;
  const value = settings[file] ?? (isAdvised ? cap : undefined);
  if (value === undefined) return [];
  return [{ ...host(file, String(Number(value))), ...heldBy(mergedObstacle(file, shared)) }];
}

function wantRun(settings: KsmSettings, { economy, roomBytes }: RunReading): Want {
  const maxCpuPercent = settings.max_cpu_percent ?? ksmDefaults.maxCpuPercent;
  const onBelowPercent = settings.on_below_percent ?? ksmDefaults.onBelowPercent;
  if (settings.run === 'auto') {
    const { run, reason } = decideKsm(economy, { maxCpuPercent, onBelowPercent });
    return { ...host('run', run), remark: `auto: ${reason}` };
  }
  const obstacle = settings.run === 'unmerge' ? unmergeObstacle(economy.counts, roomBytes) : undefined;
  return { ...host('run', settings.run), ...heldBy(obstacle) };
}

/** The headroom is looked at again: memory may have gone since the plan, and undo comes here as well. */
async function writeRun(kernel: KernelRoot, knob: Knob, value: string): Promise<void> {
  const number = runWords.indexOf(value);
  const obstacle =
    value === 'unmerge' ? unmergeObstacle(readKsmCounts(kernel), unmergeRoomBytes(kernel)) : undefined;
  if (obstacle !== undefined) throw new DroverError('failed-precondition', obstacle);
  await kernel.write(knob.source, number < 0 ? value : `${number}`);
  if (value === 'unmerge') await untilUnmerged(kernel);
}

/** Turning the advisor off resets pages_to_scan, so that the number comes after it. */
async function writePace(kernel: KernelRoot, knob: Knob, value: string): Promise<void> {
  const mode = `${folder}/advisor_mode`;
  if (value === advised) return kernel.write(mode, advised);
  if (kernel.read(mode)?.includes(`[${advised}]`)) await kernel.write(mode, 'none');
  await kernel.write(knob.source, value);
}
