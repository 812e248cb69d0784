/** The changes that make a request fit: asking for less, a higher ratio, more of the resource. Pure. */
import { type Bits, rowsOf } from '../fleet/registry-columns.js';
import type { Columns, ResourceColumns } from '../fleet/registry-resources.js';
import type { CheckedRequest } from '../model/request.js';
import type { Change } from './relaxation.js';

export interface RelaxedResource {
  readonly resource: 'vcpus' | 'memoryMb' | 'diskMb';
  readonly unit: 'vCPUs' | 'MiB';
  /** `memory`. */
  readonly what: string;
  readonly ratioName: string;
}

interface Short {
  readonly columns: ResourceColumns;
  readonly amount: number;
  readonly rows: readonly number[];
  readonly filter: string;
  readonly kind: RelaxedResource;
}

/** Largest ratio that a host may have. */
const largestRatio = 1000;
/** What a sum of doubles may be off by: closer than that, it is added up as a search does. */
const rounding = 1e-6;
/** How far each step goes beyond what admits the first host. */
const stretches = [1, 1.5, 2, 4];

/** Changes for hosts that are short of one resource and of nothing else. */
export function relaxResource(
  columns: Columns,
  request: CheckedRequest,
  filter: string,
  kind: RelaxedResource,
  sole: Bits,
): Change[] {
  const short = {
    columns: columns[kind.resource],
    amount: request[kind.resource],
    rows: rowsOf(sole),
    filter,
    kind,
  };
  return [...askLess(short), ...raiseRatio(short), ...addCapacity(short)];
}

/** Amounts that fit: the largest that fits anywhere, then three quarters and half of what is asked. */
function askLess({ columns, amount, rows, filter, kind }: Short): Change[] {
  const { values } = columns.fit;
  let most = 0;
  for (const row of rows) most = Math.max(most, values[row] as number);
  const changes: Change[] = [];
  for (const wanted of [most, (amount * 3) / 4, amount / 2]) {
    const less = roundedDown(wanted, kind);
    if (less < 1 || less >= amount || less > most) continue;
    let hosts = 0;
    for (const row of rows) if ((values[row] as number) >= less) hosts++;
    if (hosts <= (changes.at(-1)?.hosts ?? 0)) continue;
    const text = `asking ${inUnits(less, kind)} instead of ${inUnits(amount, kind)} admits ${hosts}`;
    changes.push({ filter, text, hosts, size: 1 - less / amount });
  }
  return changes;
}

/** Ratios that let the request fit, for the hosts of the one ratio that most of them have. */
function raiseRatio(short: Short): Change[] {
  const { columns, amount, rows, filter, kind } = short;
  const within = rows.filter((row) => (columns.total[row] as number) >= amount);
  const ratio = mostFrequent(columns.ratio, within);
  if (ratio === undefined) return [];
  const same = within.filter((row) => columns.ratio[row] === ratio);
  const offered = new Float64Array(same.length);
  const taken = new Float64Array(same.length);
  for (let place = 0; place < same.length; place++) {
    const row = same[place] as number;
    offered[place] = (columns.total[row] as number) - (columns.reserved[row] as number);
    taken[place] = takenOn(columns, row);
  }
  let least = Infinity;
  for (let place = 0; place < same.length; place++)
    if ((offered[place] as number) > 0)
      least = Math.min(least, ((taken[place] as number) + amount) / (offered[place] as number));
  return rising(stretches, (stretch) => {
    const value = Math.ceil((ratio + (least - ratio) * stretch) * 10 - 1e-9) / 10;
    if (!(value > ratio && value <= largestRatio)) return undefined;
    let hosts = 0; // by the sum of ResourceColumns.room, to the last bit
    for (let place = 0; place < same.length; place++)
      if ((offered[place] as number) * value - (taken[place] as number) >= amount) hosts++;
    const text = `${kind.ratioName} ${ratio} -> ${value} admits ${hosts} of the ${same.length} hosts short of ${kind.what}`;
    return { filter, text, hosts, size: value / ratio - 1 };
  });
}

function takenOn(columns: ResourceColumns, row: number): number {
  return (columns.allocated[row] as number) + (columns.unmanaged[row] as number);
}

/** More of the resource in each host, at the ratio it has. */
function addCapacity({ columns, amount, rows, filter, kind }: Short): Change[] {
  const needed = new Float64Array(rows.length);
  let least = Infinity;
  for (let place = 0; place < rows.length; place++) {
    const more = capacityNeeded(columns, rows[place] as number, amount);
    needed[place] = more;
    if (more < least) least = more;
  }
  return rising(stretches, (stretch) => {
    const more = roundedUp(least * stretch - rounding, kind);
    if (!Number.isFinite(more)) return undefined;
    let hosts = 0;
    for (let place = 0; place < needed.length; place++) {
      const beyond = more - (needed[place] as number);
      if (beyond > rounding || (beyond > -rounding && fitsWith(columns, rows[place] as number, more, amount)))
        hosts++;
    }
    const text = `+${inUnits(more, kind)} of ${kind.what} per host admits ${hosts}`;
    return { filter, text, hosts, size: more / amount };
  });
}

function capacityNeeded(columns: ResourceColumns, row: number, amount: number): number {
  const [total, ratio] = [columns.total[row] as number, columns.ratio[row] as number];
  const room = (total - (columns.reserved[row] as number)) * ratio - takenOn(columns, row);
  return Math.max(1, (amount - room) / ratio, amount - total);
}

/** Whether an amount fits with so much more of the resource: by the sum of `ResourceColumns.room`, to the last bit. */
function fitsWith(columns: ResourceColumns, row: number, more: number, amount: number): boolean {
  const [total, ratio] = [columns.total[row] as number, columns.ratio[row] as number];
  const room = (total + more - (columns.reserved[row] as number)) * ratio - takenOn(columns, row);
  return amount <= Math.min(total + more, room);
}

/** The changes of which each admits more than the one before. */
function rising(steps: readonly number[], changeOf: (step: number) => Change | undefined): Change[] {
  const changes: Change[] = [];
  for (const step of steps) {
    const change = changeOf(step);
    if (change && change.hosts > (changes.at(-1)?.hosts ?? 0)) changes.push(change);
  }
  return changes;
}

/** The value that most of the rows have; undefined for no row. Nearly always all of them have the same. */
function mostFrequent(values: Float64Array, rows: readonly number[]): number | undefined {
  const first = values[rows[0] ?? -1];
  if (rows.every((row) => values[row] === first)) return first;
  const counts = new Map<number, number>();
  for (const row of rows) counts.set(values[row] as number, (counts.get(values[row] as number) ?? 0) + 1);
  return [...counts].toSorted(([a, m], [b, n]) => n - m || a - b)[0]?.[0];
}

/** Whole vCPUs; whole GiB of disk and of memory, whole MiB below one. */
function stepOf(amount: number, { unit, resource }: RelaxedResource): number {
  return unit === 'MiB' && (amount >= 1024 || resource === 'diskMb') ? 1024 : 1;
}

function roundedDown(amount: number, kind: RelaxedResource): number {
  const step = stepOf(amount, kind);
  return Math.floor(amount / step) * step;
}

function roundedUp(amount: number, kind: RelaxedResource): number {
  const step = stepOf(amount, kind);
  return Math.ceil(amount / step) * step;
}

function inUnits(amount: number, { unit }: RelaxedResource): string {
  if (unit === 'vCPUs') return `${amount} ${amount === 1 ? 'vCPU' : 'vCPUs'}`;
  return amount % 1024 === 0 ? `${amount / 1024} GiB` : `${amount} MiB`;
}
