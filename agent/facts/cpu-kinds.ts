/**
 * Kinds of core on hybrid processors, slowest first. Sources, best first: the CPU's performance monitoring units (Intel:
 * `cpu_core`, `cpu_atom`), the scheduler's `cpu_capacity` (arm64), the base frequency, the highest frequency.
 */
import type { Core } from './cpu-topology.js';
import { cpuDirectory } from './cpu-topology.js';
import { readList } from './cpu-list.js';
import type { Look } from './fact.js';

/**
 * Cores of one kind differ a little (favoured cores of an i7-1370P run 5.2 against 5.0 GHz, capacities of one cluster
 * of a GB10 read 997 to 1024); kinds differ by a third and more. A step of more than a tenth begins another kind.
 */
const stepToNextKind = 1.1;

const intelUnits = ['cpu_lowpower', 'cpu_atom', 'cpu_core'];

/** Rank of each core, in the order of `cores`: 0 for the slowest kind, and for all where there is one kind or none known. */
export function readEfficiencyRanks(look: Look, cores: readonly Core[]): number[] {
  const units = rankByUnits(look, cores);
  if (units) return units;
  for (const file of ['cpu_capacity', 'cpufreq/base_frequency', 'cpufreq/cpuinfo_max_freq']) {
    const speeds = cores.map(({ cpus }) => Number(look.root.read(`${cpuDirectory}/cpu${cpus[0]}/${file}`)));
    if (speeds.every((speed) => speed > 0)) return rankBySpeed(speeds);
  }
  return cores.map(() => 0);
}

function rankByUnits(look: Look, cores: readonly Core[]): number[] | undefined {
  const units = intelUnits.map((unit) => new Set(readList(look, `sys/devices/${unit}/cpus`)));
  const filled = units.filter((cpus) => cpus.size > 0);
  const ranks = cores.map(({ cpus }) => filled.findIndex((unit) => unit.has(cpus[0] as number)));
  return filled.length > 1 && !ranks.includes(-1) ? ranks : undefined;
}

/** Ranks of speeds of any unit: equal ranks where they are within the step, one more after each larger step. */
export function rankBySpeed(speeds: readonly number[]): number[] {
  const sorted = [...new Set(speeds)].sort((a, b) => a - b);
  const ranks = new Map<number, number>();
  let rank = 0;
  for (const [index, speed] of sorted.entries()) {
    if (index > 0 && speed > (sorted[index - 1] as number) * stepToNextKind) rank++;
    ranks.set(speed, rank);
  }
  return speeds.map((speed) => ranks.get(speed) as number);
}
