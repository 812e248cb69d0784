import { listed, rowsOfServers } from '../requirements/row-sets.js';
import { asksNothing, type Filter } from './filter.js';

/** The host has none of the servers that the hint `different_host` names. Nova `affinity_filter.py`. */
export const differentHostFilter: Filter = {
  name: 'DifferentHostFilter',
  reasons: ['server-here'],
  isOncePerRequest: true,
  prepare: ({ hints }, columns) => {
    const uuids = hints['different_host'] ?? [];
    if (uuids.length === 0) return asksNothing;
    const isHere = (row: number) => uuids.filter((uuid) => columns.instances.rowsOf(uuid).includes(row));
    return {
      without: [rowsOfServers(columns, uuids)],
      reasonOf: () => 0,
      wordsOf: (row) => ({
        observed: `server ${listed(isHere(row))}`,
        wanted: `a host without ${listed(uuids)}`,
      }),
    };
  },
};
