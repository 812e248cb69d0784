/**
 * The nearest changes that would let refused hosts pass. Only hosts that a single filter refuses are counted, so that the
 * change does what it says. Pure.
 */
import { type Bits, countRows, hasBit, rowsOf } from '../fleet/registry-columns.js';
import type { Columns } from '../fleet/registry-resources.js';
import type { CheckedRequest } from '../model/request.js';
import type { SchedulerSettings } from '../model/scheduler-settings.js';
import { narrow } from './narrow.js';
import { relaxResource, type RelaxedResource } from './relax-resource.js';
import type { Change, Relaxation } from './relaxation.js';
import type { Rules } from './select.js';
import { soleOf, type Verdict, type Verdicts } from './verdicts.js';

/** Most relaxations of an answer. */
const most = 10;

interface Ask {
  readonly columns: Columns;
  readonly settings: SchedulerSettings;
  readonly request: CheckedRequest;
  readonly verdict: Verdict;
  /** Rows that this filter alone refuses. */
  readonly sole: Bits;
}

/** The smallest changes first. Of changes of one kind, the larger admit more. */
export function relaxations(
  columns: Columns,
  { settings }: Pick<Rules, 'settings'>,
  request: CheckedRequest,
  { each, sole }: Verdicts,
): Relaxation[] {
  return each
    .flatMap((verdict) => {
      const rows = soleOf(verdict, sole);
      return rows.every((word) => word === 0)
        ? []
        : relax({ columns, settings, request, verdict, sole: rows });
    })
    .toSorted((a, b) => a.size - b.size || b.hosts - a.hosts)
    .slice(0, most)
    .map(({ filter, text, hosts }) => ({ filter, text, hosts }));
}

const resources: Readonly<Record<string, RelaxedResource>> = {
  RamFilter: { resource: 'memoryMb', unit: 'MiB', what: 'memory', ratioName: 'ram_allocation_ratio' },
  CoreFilter: { resource: 'vcpus', unit: 'vCPUs', what: 'CPUs', ratioName: 'cpu_allocation_ratio' },
  DiskFilter: { resource: 'diskMb', unit: 'MiB', what: 'disk', ratioName: 'disk_allocation_ratio' },
};

const counts = {
  IoOpsFilter: ['max_io_ops_per_host', 'maxIoOpsPerHost'],
  NumInstancesFilter: ['max_instances_per_host', 'maxInstancesPerHost'],
} as const;

function relax(ask: Ask): Change[] {
  const { name } = ask.verdict.filter;
  const resource = resources[name];
  if (resource) return relaxResource(ask.columns, ask.request, name, resource, ask.sole);
  if (name === 'IoOpsFilter' || name === 'NumInstancesFilter') return relaxCount(ask, counts[name]);
  if (name === 'AvailabilityZoneFilter') return relaxZone(ask);
  if (name === 'ComputeFilter') return relaxService(ask);
  return [forgo(ask)];
}

/** The next values of a count that admit more, each tried on the filter itself. */
function relaxCount(ask: Ask, [option, key]: (typeof counts)[keyof typeof counts]): Change[] {
  const { columns, settings, request, verdict, sole } = ask;
  const limit = settings[key];
  const changes: Change[] = [];
  for (const value of [limit + 1, limit + 2, limit + 4, limit * 2].toSorted((a, b) => a - b)) {
    const rows = sole.slice();
    const hosts = narrow(rows, verdict.filter.prepare(request, columns, { ...settings, [key]: value }));
    if (hosts <= (changes.at(-1)?.hosts ?? 0)) continue;
    const text = `${option} ${limit} -> ${value} admits ${inHosts(hosts)}`;
    changes.push({ filter: verdict.filter.name, text, hosts, size: value / Math.max(limit, 1) - 1 });
  }
  return changes;
}

/** The zone with most hosts that would do, and all of them. */
function relaxZone({ columns, verdict, sole }: Ask): Change[] {
  let best: [string, number] = ['', 0];
  for (const [zone, rows] of columns.zones) {
    const hosts = countRows(sole.map((word, index) => word & (rows[index] as number)));
    if (hosts > best[1]) best = [zone, hosts];
  }
  const filter = verdict.filter.name;
  const all = countRows(sole);
  const any = { filter, text: `any zone admits ${inHosts(all)}`, hosts: all, size: 1 };
  const [zone, hosts] = best;
  if (hosts === 0 || hosts >= all) return [any];
  return [{ filter, text: `zone ${zone} admits ${inHosts(hosts)}`, hosts, size: 0.9 }, any];
}

/** What cures each reason of ComputeFilter, in the order of its reasons. */
const serviceCures = [
  (hosts: string) => `enabling ${hosts} that ${areOrIs(hosts)} disabled`,
  (hosts: string) => `taking forced_down off ${hosts}`,
  (hosts: string) => `${hosts} that ${areOrIs(hosts)} down coming up`,
  (hosts: string) => `libvirt answering on ${hosts}`,
  (hosts: string) => `resuming ${hosts} that ${areOrIs(hosts)} in drain or maintenance`,
];

/** Only hosts that the one cure brings back: a host that is disabled and down as well would stay out once it is enabled. */
function relaxService({ columns, verdict, sole }: Ask): Change[] {
  const { filter, prepared } = verdict;
  const byReason = filter.reasons.map(() => 0);
  for (const row of rowsOf(sole)) {
    const reason = prepared.reasonOf(row);
    if (isOnlyTrouble(columns, row, reason)) byReason[reason] = (byReason[reason] ?? 0) + 1;
  }
  return byReason.flatMap((hosts, reason) => {
    const cure = serviceCures[reason];
    if (hosts === 0 || !cure) return [];
    return [{ filter: filter.name, text: `${cure(inHosts(hosts))} admits ${hosts}`, hosts, size: 0.5 }];
  });
}

/** A host that is down tells nothing of its libvirt: that is looked at when it comes up. */
function isOnlyTrouble(columns: Columns, row: number, reason: number): boolean {
  const { up, forcedDown, controllable, records } = columns;
  const isOff = reason === 0 || reason === 4;
  if (isOff && hasBit(forcedDown, row)) return false;
  if (reason === 4 && records[row]?.disabled) return false;
  return reason === 2 || reason === 3 || (hasBit(up, row) && hasBit(controllable, row));
}

/** For a filter that has no amount to change. */
function forgo({ verdict, sole }: Ask): Change {
  const hosts = countRows(sole);
  const filter = verdict.filter.name;
  return { filter, text: `without what ${filter} asks for: admits ${inHosts(hosts)}`, hosts, size: 2 };
}

/** `1 host`, `31 hosts`. */
export function inHosts(hosts: number): string {
  return `${hosts} ${hosts === 1 ? 'host' : 'hosts'}`;
}

function areOrIs(hosts: string): string {
  return hosts === '1 host' ? 'is' : 'are';
}
