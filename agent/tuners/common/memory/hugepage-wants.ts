/** What each pool of huge pages should become, and why not. Pure. */
import { pageSizeKb, type HugepagesSettings } from '../../../../proto/tuners/hugepages.js';
import { hostPoolFolder, type PoolCounts, type PoolPlace } from '../../../kernel/hugepage-pools.js';
import type { Reading, Want } from '../../tuner.js';
import { bootArguments, checkPoolTotal, poolName, poolShares, type PoolShare } from './hugepage-pools.js';
import type { Shortfall } from './shortfalls.js';

const name = 'hugepages';

/** From this size on pages need memory that is whole over many megabytes: it is found at boot, if at all. */
const giganticKb = 1_048_576;

/** The reading of a pool, with all that the decision goes by. */
export interface PoolReading extends Reading {
  readonly place: PoolPlace;
  readonly counts: PoolCounts;
  /** Pages of this size that were promised on the whole host, and free ones there. */
  readonly promised: number;
  readonly totalBytes: number | undefined;
  /** What was tried in vain, and what came of it. */
  readonly shortfall: Shortfall | undefined;
}

/** Name of the knob of a pool: `nr_hugepages 2048kB cell 0`. */
export function settingOf({ sizeKb, cell }: Pick<PoolPlace, 'sizeKb' | 'cell'>): string {
  return `nr_hugepages ${sizeKb}kB${cell === undefined ? '' : ` cell ${cell}`}`;
}

/** Whether a share is that of a pool. */
export function matching({ sizeKb, cell }: PoolPlace): (share: PoolShare) => boolean {
  return (share) => share.sizeKb === sizeKb && share.cell === cell;
}

/**
 * One want for each pool that the settings name, pools that shrink first. Errors: `invalid-argument` for a cell that the
 * host does not have, and for more than its memory.
 */
export function wantPools(settings: HugepagesSettings, readings: readonly Reading[]): Want[] {
  const pools = readings.filter((reading): reading is PoolReading => 'place' in reading);
  const cells = [...new Set(pools.map(({ place }) => place.cell))];
  const shares = poolShares(settings, cells.length > 0 ? cells : [undefined]);
  checkPoolTotal(shares, pools[0]?.totalBytes);
  // What is given back first may be what another size needs.
  const changes = shares.flatMap((share) => {
    if (share.pages === undefined) return [];
    const reading = pools.find(({ place }) => matching(place)(share));
    return [
      {
        growth: share.pages - Number(reading?.value ?? 0),
        want: wantPool(share, reading, pools, cells.length),
      },
    ];
  });
  const ordered = changes.toSorted((a, b) => Number(a.growth > 0) - Number(b.growth > 0));
  return [...ordered.map(({ want }) => want), ...wantOvercommit(settings)];
}

function wantPool(
  share: PoolShare,
  reading: PoolReading | undefined,
  pools: readonly PoolReading[],
  cells: number,
): Want {
  const setting = settingOf(share);
  const want = { value: `${share.pages}`, effect: 'now', affects: [] } as const;
  if (!reading) return { knob: { tuner: name, setting, source: hostPoolFolder(share.sizeKb) }, ...want };
  const { knob, shortfall } = reading;
  const held = shrinkObstacle(share, reading, pools);
  if (held !== undefined) return { knob, ...want, held };
  if (shortfall?.value !== want.value) return { knob, ...want };
  if (share.sizeKb < giganticKb) return { knob, ...want, fails: `${shortfall.message}; asked again later` };
  const cure = bootArguments(share.sizeKb, Number(want.value), share.cell, cells);
  return { knob, ...want, effect: 'host-reboot', deferred: `${shortfall.message}; boot with ${cure}` };
}

/** Why a pool cannot shrink; undefined: it can, or is to grow. */
function shrinkObstacle(
  share: PoolShare,
  { counts, promised }: PoolReading,
  pools: readonly PoolReading[],
): string | undefined {
  const pages = share.pages as number;
  const used = counts.persistent + counts.surplus - counts.free;
  if (pages >= counts.persistent) return undefined;
  if (pages < used) return `${used} ${poolName(share)} are in use`;
  const free = pools
    .filter(({ place }) => place.sizeKb === share.sizeKb)
    .reduce((sum, pool) => sum + pool.counts.free, 0);
  const left = free - (counts.persistent - pages);
  return left < promised ? `${promised} of ${free} free pages are promised to running programs` : undefined;
}

function wantOvercommit({ pools }: HugepagesSettings): Want[] {
  return pools.flatMap(({ size, overcommit_pages: pages }) => {
    const sizeKb = pageSizeKb(size) as number;
    const source = `${hostPoolFolder(sizeKb)}/nr_overcommit_hugepages`;
    const knob = { tuner: name, setting: `nr_overcommit_hugepages ${sizeKb}kB`, source } as const;
    return pages === undefined ? [] : [{ knob, value: `${pages}`, effect: 'now' as const, affects: [] }];
  });
}
