/** Which NUMA cells the memory of each domain should come from: the profile's, or those of its vCPUs. Pure. */
import type { NumaCell } from '../../../../proto/gen/drover/v1/NumaCell.js';
import { formatCpuSet, parseCpuSet, subtractCpus } from '../../../../proto/wire/cpu-set.js';
import { invalid } from '../../../../proto/wire/errors.js';
import type { NumaMemorySettings } from '../../../../proto/tuners/numa-memory.js';
import { inheritedCells } from '../../../kernel/cgroup-cells.js';
import type { HostView, Want } from '../../tuner.js';
import { CellLedger, type CellRooms, type PlacedMemory } from './cell-ledger.js';
import type { CellReading } from './cell-readings.js';

const field = 'tuners.numa-memory.cells';

/** libvirt 8.0 and later change cells of a running domain in mode `restrictive` only, earlier ones in `strict` only. */
const restrictiveSince = 8;

/** A reading with the room of all cells, the same in every reading of a look. */
export interface RoomReading extends CellReading {
  /** Undefined: there are not two cells between which memory could move. */
  readonly rooms?: CellRooms | undefined;
  /** Bytes of an ordinary page. */
  readonly pageBytes?: number;
}

/**
 * One want for each domain that the settings mean; held where what would move exceeds the room of its new cells, less what
 * the domains before it take. Errors: `invalid-argument` for cells that this host has no memory on.
 */
export function cellWants(
  settings: NumaMemorySettings,
  readings: readonly RoomReading[],
  { facts }: HostView,
): Want[] {
  const withMemory = facts.numaCells.filter(({ memoryBytes }) => memoryBytes > 0);
  const given = givenCells(settings, withMemory);
  if (settings.follow !== 'cpus' && !given) return [];
  const ledger = new CellLedger(readings[0]?.rooms ?? { ordinary: new Map(), pools: [] });
  return readings.map((reading) => {
    const cells = given ?? nearestWithMemory(reading.vcpuCells, facts.numaCells, withMemory);
    const want = blankWant(settings, reading, valueOf(reading, cells, withMemory));
    if (cells.length === 0) return { ...want, held: 'the CPUs of its vCPUs are not known' };
    const deferred = deferral(reading, facts.versions['libvirt']);
    if (deferred !== undefined) return { ...want, effect: 'domain-restart', deferred };
    const held = want.value === reading.value ? undefined : roomObstacle(ledger, reading, cells, want);
    if (held !== undefined) return { ...want, held };
    const remark = `up to ${Math.round(reading.memoryBytes / 2 ** 20)} MiB are copied to ${formatCpuSet(cells)} while it runs`;
    return { ...want, remark };
  });
}

/** A domain whose own XML has the say does not move, and takes no room from others. */
function roomObstacle(
  ledger: CellLedger,
  reading: RoomReading,
  cells: readonly number[],
  { override }: Want,
): string | undefined {
  if (reading.explicit && !override) return undefined;
  return ledger.take(placed(reading), cells);
}

/** Memory whose place is not known may all have to move: cell -1 is none of the wanted ones. */
function placed({ memory, memoryBytes, pageBytes = 4096 }: RoomReading): PlacedMemory {
  if (!memory) return { bytesByCell: new Map([[-1, memoryBytes]]) };
  const unitBytes = memory.unit === 'pages' ? pageBytes : 1024;
  const bytesByCell = new Map([...memory.byCell].map(([cell, amount]) => [cell, amount * unitBytes]));
  return { bytesByCell, pageKb: memory.pageKb };
}

function blankWant({ override_explicit }: NumaMemorySettings, { knob }: CellReading, value: string): Want {
  return { knob, value, effect: 'now', affects: [], override: override_explicit ?? false };
}

function givenCells(settings: NumaMemorySettings, withMemory: readonly NumaCell[]): number[] | undefined {
  if (settings.cells === undefined) return undefined;
  const ids = withMemory.map(({ id }) => id);
  const cells = parseCpuSet(settings.cells, field, ids.at(-1) ?? 0);
  if (ids.length === 0 || (cells.length > 0 && subtractCpus(cells, ids).length === 0)) return cells;
  throw invalid(field, settings.cells, `cells of this host that have memory: ${formatCpuSet(ids)}`);
}

/** A group that inherits has all cells already. */
function valueOf({ value }: CellReading, cells: readonly number[], withMemory: readonly NumaCell[]): string {
  const isAll = withMemory.every(({ id }) => cells.includes(id));
  return isAll && value === inheritedCells ? value : formatCpuSet(cells);
}

/** Cells of the vCPUs; a cell without memory of its own stands for the nearest that has some, as the kernel falls back. */
function nearestWithMemory(
  ids: readonly number[],
  all: readonly NumaCell[],
  withMemory: readonly NumaCell[],
): number[] {
  const chosen = ids.flatMap((id) => {
    const distances = all.find((cell) => cell.id === id)?.distances ?? {};
    const far = (cell: NumaCell): number => (cell.id === id ? 0 : (distances[cell.id] ?? Infinity));
    const nearest = withMemory.toSorted((a, b) => far(a) - far(b) || a.id - b.id)[0];
    return nearest ? [nearest.id] : [];
  });
  return [...new Set(chosen)].toSorted((a, b) => a - b);
}

function deferral({ mode }: CellReading, version: string | undefined): string | undefined {
  if (mode === undefined || mode === 'restrictive') return undefined;
  const isOld = Number(version?.split('.')[0] ?? restrictiveSince) < restrictiveSince;
  if (isOld && mode === 'strict') return undefined;
  const live = isOld ? 'strict' : 'restrictive';
  return `libvirt${version ? ` ${version}` : ''} changes cells of a running domain in mode ${live} only, and its XML says ${mode}`;
}
