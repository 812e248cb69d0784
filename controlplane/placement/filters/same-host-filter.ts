import { listed, rowsOfServers } from '../requirements/row-sets.js';
import { asksNothing, type Filter } from './filter.js';

/** The host has one at least of the servers that the hint `same_host` names. Nova `affinity_filter.py`. */
export const sameHostFilter: Filter = {
  name: 'SameHostFilter',
  reasons: ['server-elsewhere'],
  isOncePerRequest: true,
  prepare: ({ hints }, columns) => {
    const uuids = hints['same_host'] ?? [];
    // A single empty value is as good as no hint; an empty one among others is a server that nobody has.
    if (uuids.length === 0 || (uuids.length === 1 && uuids[0] === '')) return asksNothing;
    return {
      within: [rowsOfServers(columns, uuids)],
      reasonOf: () => 0,
      wordsOf: () => ({ observed: 'none of these servers', wanted: `a host of one of ${listed(uuids)}` }),
    };
  },
};
