/** Pools of huge pages by size and NUMA cell. Kernel: Documentation/admin-guide/mm/hugetlbpage.rst. */
import { setTimeout } from 'node:timers/promises';
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import type { SettingsOf } from '../../proto/wire/tuner-settings.js';
import {
  hostPoolFolder,
  poolPlaces,
  promisedPages,
  readPool,
  type PoolCounts,
} from '../kernel/hugepage-pools.js';
import { readHostMemory } from '../kernel/ksm.js';
import type { KernelRoot } from '../kernel/root.js';
import { growPool, type GrowPorts } from './common/memory/hugepage-grow.js';
import { defaultFloorBytes } from './common/memory/memory-floor.js';
import { poolShares, type PoolShare } from './common/memory/hugepage-pools.js';
import { matching, settingOf, wantPools, type PoolReading } from './common/memory/hugepage-wants.js';
import { PerHost } from './common/per-host.js';
import { Shortfalls } from './common/memory/shortfalls.js';
import type { HostView, Reading, Tuner, TunerPorts } from './tuner.js';

const name = 'hugepages';
type Settings = SettingsOf<typeof name>;

const defaultDeadlineSeconds = 10;

/** What is remembered of a host: failures, and how long its profile lets a write take. */
interface Memory {
  readonly shortfalls: Shortfalls;
  deadlineMs: number;
}

export interface HugepagesOptions {
  readonly sleep?: GrowPorts['sleep'];
  readonly floorBytes?: GrowPorts['floorBytes'];
}

/** The tuner. It remembers which sizes could not be had, so that a host is not pressed for them in every pass. */
export function createHugepages(options: HugepagesOptions = {}): Tuner<typeof name> {
  const { sleep = (milliseconds) => setTimeout(milliseconds), floorBytes = defaultFloorBytes } = options;
  const memories = new PerHost<Memory>(() => ({
    shortfalls: new Shortfalls(),
    deadlineMs: defaultDeadlineSeconds * 1000,
  }));
  return {
    name,
    async observe(ports, host) {
      const memory = memories.of(ports.kernel);
      const seconds = host.settings?.hugepages?.deadline_seconds ?? defaultDeadlineSeconds;
      memory.deadlineMs = seconds * 1000;
      return observePools(ports, host, memory);
    },
    want: wantPools,
    async write(ports, knob, value) {
      if (!knob.setting.startsWith('nr_hugepages ')) return ports.kernel.write(knob.source, value);
      const { shortfalls, deadlineMs } = memories.of(ports.kernel);
      const monotonicMs = (): number => clock(ports);
      const grow = { kernel: ports.kernel, deadlineMs, monotonicMs, sleep, floorBytes };
      await writePool(grow, shortfalls, knob.setting, value);
    },
  };
}

export const hugepages: Tuner<typeof name> = createHugepages();

function clock({ monotonicMs }: TunerPorts): number {
  return monotonicMs?.() ?? performance.now();
}

function observePools(ports: TunerPorts, host: HostView, memory: Memory): Reading[] {
  const { kernel } = ports;
  const places = poolPlaces(kernel);
  const totalBytes = readHostMemory(kernel)?.totalBytes;
  const cells = [...new Set(places.map(({ cell }) => cell))];
  const shares = sharesOrNone(host.settings?.hugepages, cells);
  const pools = places.flatMap((place): PoolReading[] => {
    const counts = readPool(kernel, place);
    if (!counts) return [];
    const setting = settingOf(place);
    const shortfall = memory.shortfalls.get(setting, clock(ports));
    const knob = { tuner: name, setting, source: `${place.folder}/nr_hugepages` } as const;
    const evidence = evidenceOf(counts, shares.find(matching(place))?.reservedPages ?? 0);
    const promised = promisedPages(kernel, place.sizeKb);
    return [
      { knob, value: `${counts.persistent}`, evidence, place, counts, promised, totalBytes, shortfall },
    ];
  });
  const sizes = [...new Set(places.map(({ sizeKb }) => sizeKb))];
  return [...pools, ...sizes.map((sizeKb) => observeOvercommit(kernel, sizeKb))];
}

/** Shares for the evidence alone; what is wrong with the settings `want` says. */
function sharesOrNone(settings: Settings | undefined, cells: readonly (number | undefined)[]): PoolShare[] {
  try {
    return settings ? poolShares(settings, cells) : [];
  } catch {
    return [];
  }
}

function evidenceOf({ persistent, free, surplus }: PoolCounts, reserved: number): string {
  const used = persistent + surplus - free;
  const more = surplus > 0 ? `, ${surplus} beyond the pool` : '';
  const kept = reserved > 0 ? `, ${reserved} for the host and not for domains` : '';
  return `${used} of ${persistent} pages in use, ${free} free${more}${kept}`;
}

function observeOvercommit(kernel: KernelRoot, sizeKb: number): Reading {
  const source = `${hostPoolFolder(sizeKb)}/nr_overcommit_hugepages`;
  const knob = { tuner: name, setting: `nr_overcommit_hugepages ${sizeKb}kB`, source } as const;
  const value = kernel.read(source);
  return value === undefined ? { knob, unsupported: 'this kernel has no such file' } : { knob, value };
}

/** Shrinks with one write; grows step by step. A growth that failed is remembered, so that `want` leaves it for a while. */
async function writePool(
  ports: GrowPorts,
  shortfalls: Shortfalls,
  setting: string,
  value: string,
): Promise<void> {
  const { kernel } = ports;
  const place = poolPlaces(kernel).find((each) => settingOf(each) === setting);
  const counts = place && readPool(kernel, place);
  if (!counts) throw new DroverError('unsupported', `this host has no pool for ${setting}`);
  if (Number(value) <= counts.persistent) return kernel.write(`${place.folder}/nr_hugepages`, value);
  try {
    await growPool(ports, place, Number(value));
    shortfalls.forget(setting);
  } catch (thrown) {
    shortfalls.note(setting, { value, message: asDroverError(thrown).message }, ports.monotonicMs());
    throw thrown;
  }
}
