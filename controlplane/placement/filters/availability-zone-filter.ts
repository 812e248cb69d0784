import type { Filter } from './filter.js';

/** The host is in the zone asked for; a request without a zone takes any. Names compare exactly. Nova `availability_zone_filter.py`. */
export const availabilityZoneFilter: Filter = {
  name: 'AvailabilityZoneFilter',
  reasons: ['zone-differs'],
  isOncePerRequest: true,
  prepare: ({ availabilityZone }, columns) => ({
    within: availabilityZone === '' ? [] : [columns.zones.get(availabilityZone) ?? columns.nobody],
    reasonOf: () => 0,
    wordsOf: (row) => ({
      observed: `zone ${columns.zonesByRow[row]?.join(', ')}`,
      wanted: `zone ${availabilityZone}`,
    }),
  }),
};
