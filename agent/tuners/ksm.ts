/** Kernel samepage merging: the files of /sys/kernel/mm/ksm (Documentation/admin-guide/mm/ksm.rst). */
import type { KsmSettings } from '../../proto/wire/tuner-settings.js';
import { formatBytes } from '../../proto/wire/units.js';
import { readMeminfo } from '../kernel/procfs.js';
import type { KernelRoot } from '../kernel/root.js';
import type { Knob, Reading, Tuner, Want } from './tuner.js';

const name = 'ksm';
const folder = '/sys/kernel/mm/ksm';

/** Words for the numbers of `run`, by number. */
const runWords = ['off', 'on', 'unmerge'] as const;

/** Files that tune the scan, written before `run` so that a scan never begins with the old ones. */
const tuningFiles = ['pages_to_scan', 'sleep_millisecs', 'merge_across_nodes', 'use_zero_pages'] as const;
type TuningFile = (typeof tuningFiles)[number];

/** Files that decide whether another one can be written. */
const stateFiles = ['advisor_mode', 'pages_shared', 'pages_sharing'];
const availableBytes = 'MemAvailable';
const pageBytes = 'page size';

/**
 * Free memory that must be there for each byte that unmerging takes. Unmerging allocates a page for every sharing one
 * while guests go on running; the fifth on top is for what they allocate meanwhile.
 */
const unmergeMargin = 1.2;

export const ksm: Tuner<typeof name> = {
  name,
  description: {
    summary: 'kernel samepage merging and the pace of its scan',
    writes: ['run', ...tuningFiles].map((file) => `${folder}/${file}`),
    source:
      'Documentation/admin-guide/mm/ksm.rst (Linux 2.6.32; merge_across_nodes 3.9, use_zero_pages 4.12, advisor_mode 6.8)',
  },

  async observe({ kernel }) {
    const settings = ['run', ...tuningFiles].map((file) => observeFile(kernel, file));
    const state = stateFiles.map((file) => observeFile(kernel, file));
    return [...settings, ...state, memoryReading(kernel), pageReading(kernel)];
  },

  want(settings, readings) {
    const now = new Map(readings.map(({ knob, value }) => [knob.setting, value]));
    const order: Want[] = tuningFiles.flatMap((file) => wantFile(settings, file, now));
    return [...order, { ...host('run', settings.run), ...heldBy(unmergeObstacle(settings, now)) }];
  },

  async write({ kernel }, knob, value) {
    const text =
      knob.setting === 'run' ? String(runWords.indexOf(value as (typeof runWords)[number])) : value;
    await kernel.write(knob.source, text);
  },
};

function knobOf(setting: string, source = `${folder}/${setting}`): Knob {
  return { tuner: name, setting, source };
}

function observeFile(kernel: KernelRoot, file: string): Reading {
  const text = kernel.read(`${folder}/${file}`);
  const value = file === 'run' && text !== undefined ? (runWords[Number(text)] ?? text) : text;
  if (value !== undefined) return { knob: knobOf(file), value };
  return {
    knob: knobOf(file),
    unsupported: kernel.exists(folder) ? `this kernel has no ${file}` : 'this kernel has no KSM',
  };
}

function memoryReading(kernel: KernelRoot): Reading {
  const bytes = readMeminfo(kernel)?.get('MemAvailable');
  const knob = knobOf(availableBytes, '/proc/meminfo');
  return bytes === undefined ? { knob, unsupported: 'not in /proc/meminfo' } : { knob, value: String(bytes) };
}

/**
 * Bytes of a page. A huge page is a page table's worth of pages, and an entry has eight bytes: page² / 8. Without huge
 * pages in the kernel, the 4 KiB of x86-64.
 */
function pageReading(kernel: KernelRoot): Reading {
  const source = '/sys/kernel/mm/transparent_hugepage/hpage_pmd_size';
  const size = Math.sqrt(Number(kernel.read(source) ?? 0) * 8);
  return { knob: knobOf(pageBytes, source), value: String(Number.isInteger(Math.log2(size)) ? size : 4096) };
}

function host(setting: string, value: string): Want {
  return { knob: knobOf(setting), value, effect: 'now', affects: [] };
}

function heldBy(reason: string | undefined): { held?: string } {
  return reason === undefined ? {} : { held: reason };
}

function wantFile(
  settings: KsmSettings,
  file: TuningFile,
  now: ReadonlyMap<string, string | undefined>,
): Want[] {
  const value = settings[file];
  if (value === undefined) return [];
  return [{ ...host(file, String(Number(value))), ...heldBy(obstacle(file, now)) }];
}

function obstacle(file: TuningFile, now: ReadonlyMap<string, string | undefined>): string | undefined {
  const shared = Number(now.get('pages_shared') ?? 0);
  if (file === 'pages_to_scan' && now.get('advisor_mode')?.includes('[scan-time]'))
    return 'advisor_mode is scan-time: the kernel sets pages_to_scan itself';
  if (file === 'merge_across_nodes' && shared > 0)
    return `${shared} pages are merged; it can change only with none (run: unmerge first)`;
  return undefined;
}

function unmergeObstacle(
  { run }: KsmSettings,
  now: ReadonlyMap<string, string | undefined>,
): string | undefined {
  const available = Number(now.get(availableBytes) ?? 0);
  const needed = unmergeMargin * Number(now.get('pages_sharing') ?? 0) * Number(now.get(pageBytes));
  if (run !== 'unmerge' || available > needed || needed === 0) return undefined;
  return `unmerging may take ${formatBytes(Math.ceil(needed))}, and ${formatBytes(available)} are available`;
}
