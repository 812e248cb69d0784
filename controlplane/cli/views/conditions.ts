/** Conditions of hypervisors, one a line. */
import type { Condition } from '../../../proto/gen/drover/v1/Condition.js';
import type { Column } from '../../../proto/output/table.js';
import { orNothing, word } from '../../../proto/output/words.js';
import { age } from './cells.js';

/** `nowMs`: Unix time, for how long a condition stands. */
export function conditionColumns(nowMs: number): readonly Column<Condition>[] {
  return [
    { heading: 'HOST', cell: (one) => one.hostName, minimumWidth: 12 },
    { heading: 'CONDITION', cell: (one) => one.type },
    { heading: 'STATUS', cell: (one) => word(one.status) },
    { heading: 'FOR', align: 'right', cell: (one) => age(one.sinceUnixMs, nowMs) },
    { heading: 'REASON', cell: (one) => orNothing(one.reason) },
    { heading: 'MESSAGE', cell: (one) => orNothing(one.message) },
  ];
}
