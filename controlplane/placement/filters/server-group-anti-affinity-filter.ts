import { rowSet } from '../requirements/row-sets.js';
import { asksNothing, type Filter } from './filter.js';

/**
 * The host has fewer servers of the anti-affinity group than `max_server_per_host`, 1 unless the group says more. The host
 * that the server itself is on passes always, so that it can be resized there. Nova `affinity_filter.py`.
 */
export const serverGroupAntiAffinityFilter: Filter = {
  name: 'ServerGroupAntiAffinityFilter',
  reasons: ['group-full'],
  prepare: ({ group, instanceUuid }, columns) => {
    if (group?.policy !== 'anti-affinity') return asksNothing;
    const most = group.maxServerPerHost ?? 1;
    const servers = columns.instances.countsByRow(group.members);
    const own = columns.instances.rowsOf(instanceUuid);
    const full = [...servers].filter(([row, count]) => count >= most && !own.includes(row));
    const tests =
      most > 0
        ? {
            without: [
              rowSet(
                columns,
                full.map(([row]) => row),
              ),
            ],
          }
        : { within: [rowSet(columns, own)] };
    return {
      ...tests,
      reasonOf: () => 0,
      wordsOf: (row) => ({
        observed: `${servers.get(row) ?? 0} servers of the group`,
        wanted: `fewer than ${most}`,
      }),
    };
  },
};
