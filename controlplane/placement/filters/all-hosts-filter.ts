import { asksNothing, type Filter } from './filter.js';

/** Passes every host. Nova `all_hosts_filter.py`. */
export const allHostsFilter: Filter = {
  name: 'AllHostsFilter',
  reasons: [],
  isOncePerRequest: true,
  prepare: () => asksNothing,
};
