/** Hosts, one a line: is it there, what is promised of it, does it follow its profile. */
import type { Host } from '../../../proto/gen/drover/v1/Host.js';
import { tableOf, type Cell, type Column } from '../../../proto/output/table.js';
import type { View } from '../../../proto/output/view.js';
import { nothing, orNothing, word } from '../../../proto/output/words.js';
import { bytesOf, decimal, profileText, times } from './cells.js';

const columns: readonly Column<Host>[] = [
  { heading: 'NAME', cell: (host) => host.name, minimumWidth: 12 },
  { heading: 'ZONE', cell: (host) => orNothing(host.availabilityZone) },
  { heading: 'STATE', cell: stateOf },
  { heading: 'CPU', align: 'right', cell: cpuOf },
  { heading: 'MEMORY', align: 'right', cell: memoryOf },
  { heading: 'DISK', align: 'right', cell: diskOf },
  { heading: 'DOMAINS', align: 'right', cell: (host) => String(host.activeDomains) },
  { heading: 'PROFILE', cell: (host) => profileText(host.profileName, host.profileRevision) },
  { heading: 'TUNING', cell: (host) => word(host.tuningState) },
];

/** The list of hosts in the given order. */
export function hostsView(hosts: readonly Host[]): View {
  return [{ kind: 'table', table: tableOf(columns, hosts) }];
}

/** `up`, `down`, `never-seen`; with `disabled`, `forced down`, `draining`, `in maintenance` where placement passes it by. */
export function stateOf(host: Host): Cell {
  const maintenance = maintenanceWord(host);
  if (!host.disabled && !host.forcedDown && maintenance === undefined) return word(host.liveness);
  const words = [
    host.liveness,
    ...(maintenance === undefined ? [] : [maintenance]),
    ...(host.disabled ? ['disabled'] : []),
    ...(host.forcedDown ? ['forced down'] : []),
  ];
  return { text: words.join(', '), tone: host.liveness === 'up' && !host.forcedDown ? 'warning' : 'bad' };
}

/** `draining`, `in maintenance`, `resuming`; undefined: none of them. */
export function maintenanceWord({ maintenance }: Host): string | undefined {
  if (!maintenance) return undefined;
  const { state } = maintenance;
  return state === 'drain' ? 'draining' : state === 'maintenance' ? 'in maintenance' : state;
}

/** vCPUs promised of the host's pCPUs, with the ratio: `12/64×4`. */
export function cpuOf({ usage, capacity, overcommit }: Host): string {
  return capacity
    ? `${decimal(usage?.vcpus ?? 0)}/${capacity.vcpus}${times(overcommit?.cpuAllocationRatio ?? 1)}`
    : nothing;
}

/** Memory promised of the host's, with the ratio: `96/252 GiB×1.5`. */
export function memoryOf({ usage, capacity, overcommit }: Host): string {
  return capacity
    ? bytesOf(usage?.memoryBytes ?? 0, capacity.memoryBytes) + times(overcommit?.ramAllocationRatio ?? 1)
    : nothing;
}

/** Disk promised of the host's, with the ratio. */
export function diskOf({ usage, capacity, overcommit }: Host): string {
  return capacity
    ? bytesOf(usage?.diskBytes ?? 0, capacity.diskBytes) + times(overcommit?.diskAllocationRatio ?? 1)
    : nothing;
}
