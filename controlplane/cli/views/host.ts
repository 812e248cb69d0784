/** One host on one screen: state and use, what it is, what runs on it, how it is tuned, how it does. */
import type { Host } from '../../../proto/gen/drover/v1/Host.js';
import type { HostDetail } from '../../../proto/gen/drover/v1/HostDetail.js';
import type { HostUsage } from '../../../proto/gen/drover/v1/HostUsage.js';
import type { HostTuning } from '../../../proto/gen/drover/v1/HostTuning.js';
import type { Overcommit } from '../../../proto/gen/drover/v1/Overcommit.js';
import type { Block, Pair, View } from '../../../proto/output/view.js';
import { tableOf } from '../../../proto/output/table.js';
import { formatBytes } from '../../../proto/wire/units.js';
import { orNothing, word } from '../../../proto/output/words.js';
import { age, count, mapText, profileText, timestamp } from './cells.js';
import { conditionColumns } from './conditions.js';
import { domainColumns } from './domains.js';
import { factBlocks } from './facts.js';
import { ownersView, pendingRebootView } from './pending.js';
import { guestBlocks } from './guests.js';
import { cpuOf, diskOf, maintenanceWord, memoryOf, stateOf } from './hosts.js';
import { settingColumns } from '../../../proto/output/setting-columns.js';

/** Everything that is known of a host. `nowMs`: Unix time. */
export function hostView(detail: HostDetail, nowMs: number): View {
  const { host, facts, domains, tuning, conditions, guests } = detail;
  const summary = host ? [hostBlock(host, nowMs), usageBlock(host)] : [];
  const listed = tableOf(
    domainColumns.filter(({ heading }) => heading !== 'HOST'),
    domains,
  );
  const health = tableOf(
    conditionColumns(nowMs).filter(({ heading }) => heading !== 'HOST'),
    conditions,
  );
  return [
    ...summary,
    ...factBlocks(facts),
    ...(domains.length > 0 ? [{ kind: 'table', title: 'Domains', table: listed } as const] : []),
    ...(guests ? guestBlocks(guests, nowMs) : []),
    ...(tuning ? tuningBlocks(tuning, nowMs) : []),
    ...(conditions.length > 0 ? [{ kind: 'table', title: 'Conditions', table: health } as const] : []),
  ];
}

/** Who the host is and whether it is there: also the answer to a change. */
export function hostBlock(host: Host, nowMs: number): Block {
  const pairs: Pair[] = [
    ['Host', host.name],
    ['Id', host.id],
    ['State', stateOf(host)],
    ...(host.disabled ? [['Disabled because', orNothing(host.disabledReason)] as const] : []),
    ...maintenancePairs(host, nowMs),
    [
      'Last seen',
      host.lastSeenUnixMs === 0
        ? 'never'
        : `${age(host.lastSeenUnixMs, nowMs)} ago (${timestamp(host.lastSeenUnixMs)})`,
    ],
    ['Zone', orNothing(host.availabilityZone)],
    ['Aggregates', orNothing(host.aggregates.join(', '))],
    ['Labels', mapText(host.labels)],
    ['Profile', profileText(host.profileName, host.profileRevision)],
    ['Tuning', word(host.tuningState)],
    ['Agent', `${orNothing(host.agentVersion)}${host.simulated ? ', simulated' : ''}`],
  ];
  return { kind: 'pairs', pairs };
}

function maintenancePairs(host: Host, nowMs: number): Pair[] {
  const { maintenance, lock } = host;
  const pairs: Pair[] = [];
  if (maintenance) {
    const { reason, by, sinceUnixMs, guests, stageId, stageState, stageMessage } = maintenance;
    const kept = guests === 'leave' ? 'guests left running' : 'guests stopped';
    const stage = stageId === '' ? kept : `guests ${stageState || 'ordered'}`;
    const said = `${maintenanceWord(host)} for ${age(sinceUnixMs, nowMs)}, by ${orNothing(by)}, ${stage}: ${orNothing(reason)}`;
    pairs.push(['Maintenance', said]);
    if (stageMessage !== '') pairs.push(['Guests failed', stageMessage]);
  }
  if (lock && lock.purpose !== 'maintenance')
    pairs.push([
      'Held by',
      `${lock.purpose} ${lock.holder} for ${age(lock.sinceUnixMs, nowMs)}: ${orNothing(lock.reason)}`,
    ]);
  return pairs;
}

/** What is promised of the host, beside what it has. */
export function usageBlock(host: Host): Block {
  const { usage, overcommit } = host;
  const unmanaged =
    usage && usage.unmanagedDomains > 0 ? `, ${count(usage.unmanagedDomains, 'domain')} without one` : '';
  const pairs: Pair[] = [
    ['CPU', `${cpuOf(host)} vCPUs`],
    ['Memory', memoryOf(host)],
    ['Disk', diskOf(host)],
    ['Reserved', overcommit ? reservedText(overcommit) : '-'],
    ['Allocations', `${usage?.allocations ?? 0}${unmanaged}`],
    ...devicePairs(usage),
  ];
  return { kind: 'pairs', title: 'Usage', pairs };
}

/** `3 of 8 taken`; nothing where the host hands out none. */
function devicePairs(usage: HostUsage | null): Pair[] {
  return usage && usage.devices > 0 ? [['Devices', `${usage.devicesTaken} of ${usage.devices} taken`]] : [];
}

function reservedText({ reservedHostCpus, reservedHostMemoryMb, reservedHostDiskMb }: Overcommit): string {
  return `${count(reservedHostCpus, 'CPU')}, ${formatBytes(reservedHostMemoryMb * 2 ** 20)} memory, ${formatBytes(reservedHostDiskMb * 2 ** 20)} disk`;
}

function tuningBlocks(tuning: HostTuning, nowMs: number): Block[] {
  const pairs: Pair[] = [
    ['State', word(tuning.state)],
    ['Profile', profileText(tuning.profileName, tuning.profileRevision)],
    ['Verified', timestamp(tuning.verifiedUnixMs)],
    ['Originals kept', String(tuning.ledgerEntries)],
  ];
  const table = {
    kind: 'table',
    title: 'Settings',
    table: tableOf(settingColumns, tuning.settings),
  } as const;
  return [
    { kind: 'pairs', title: 'Tuning', pairs },
    ...(tuning.settings.length > 0 ? [table] : []),
    ...pendingRebootView(tuning.pendingReboots, nowMs),
    ...ownersView(tuning.owners),
  ];
}
