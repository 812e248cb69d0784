import { listed, rowsOfHosts } from '../requirements/row-sets.js';
import { asksNothing, type Filter } from './filter.js';

/** The host is one that the affinity group's servers are on; the first server of a group may go anywhere. Nova `affinity_filter.py`. */
export const serverGroupAffinityFilter: Filter = {
  name: 'ServerGroupAffinityFilter',
  reasons: ['group-elsewhere'],
  prepare: ({ group }, columns) => {
    if (group?.policy !== 'affinity' || group.hosts.length === 0) return asksNothing;
    return {
      within: [rowsOfHosts(columns, group.hosts)],
      reasonOf: () => 0,
      wordsOf: (row) => ({
        observed: `host ${columns.records[row]?.name}`,
        wanted: `where the group is: ${listed(group.hosts)}`,
      }),
    };
  },
};
