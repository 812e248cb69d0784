/** Settings of a host as its agent sees them: what is, what should be, what came of it, what was there before. */
import type { SettingStatus } from '../gen/drover/v1/SettingStatus.js';
import type { Column } from './table.js';
import { nothing, orNothing, word } from './words.js';

/** Columns of a table of settings, for both programs. */
export const settingColumns: readonly Column<SettingStatus>[] = [
  { heading: 'TUNER', cell: (one) => one.tuner },
  { heading: 'SETTING', cell: (one) => one.setting },
  { heading: 'DOMAIN', cell: (one) => orNothing(one.domainName || one.domainUuid) },
  { heading: 'NOW', cell: (one) => orNothing(one.now) },
  { heading: 'WANTED', cell: (one) => orNothing(one.wanted) },
  { heading: 'OUTCOME', cell: (one) => word(one.outcome) },
  { heading: 'ORIGINAL', cell: (one) => orNothing(one.original) },
  { heading: 'REMARK', cell: remarkOf },
];

/** Why, and when it takes effect where that is not at once. */
function remarkOf({ reason, effect, outcome }: SettingStatus): string {
  const waits = outcome === 'pending' || outcome === 'changed' || outcome === 'deferred';
  const isLater = waits && effect !== '' && effect !== 'now';
  const later = isLater && reason === '' ? `after ${effect.replace('-', ' ')}` : '';
  return [reason, later].filter((part) => part !== '').join('; ') || nothing;
}
