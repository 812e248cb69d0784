/** What of a host's tuning waits for its next start, and which other programs write the same settings. */
import type { PendingReboot } from '../../../proto/gen/drover/v1/PendingReboot.js';
import type { SettingOwner } from '../../../proto/gen/drover/v1/SettingOwner.js';
import { tableOf, type Column } from '../../../proto/output/table.js';
import type { View } from '../../../proto/output/view.js';
import { orNothing, word } from '../../../proto/output/words.js';
import { age } from './cells.js';

const rebootColumns = (nowMs: number): readonly Column<PendingReboot>[] => [
  { heading: 'TUNER', cell: (one) => one.tuner },
  { heading: 'SETTING', cell: (one) => one.setting },
  { heading: 'NOW', cell: (one) => orNothing(one.now) },
  { heading: 'WANTED', cell: (one) => orNothing(one.wanted) },
  {
    heading: 'SINCE',
    align: 'right',
    cell: (one) => (one.sinceUnixMs === 0 ? '-' : age(one.sinceUnixMs, nowMs)),
  },
  { heading: 'REASON', cell: (one) => orNothing(one.reason) },
];

const ownerColumns: readonly Column<SettingOwner>[] = [
  { heading: 'TUNER', cell: (one) => one.tuner },
  { heading: 'OWNER', cell: (one) => one.owner },
  { heading: 'STATE', cell: (one) => word(one.state) },
  { heading: 'EVIDENCE', cell: (one) => orNothing(one.evidence) },
];

/** Settings that are in force only after the host has started again; no block where there are none. `nowMs`: Unix time. */
export function pendingRebootView(reboots: readonly PendingReboot[], nowMs: number): View {
  const table = tableOf(rebootColumns(nowMs), reboots);
  return reboots.length === 0 ? [] : [{ kind: 'table', title: 'After the next start of the host', table }];
}

/** Programs that also write what a tuner writes; no block where there are none. */
export function ownersView(owners: readonly SettingOwner[]): View {
  const table = tableOf(ownerColumns, owners);
  return owners.length === 0 ? [] : [{ kind: 'table', title: 'Other programs', table }];
}
