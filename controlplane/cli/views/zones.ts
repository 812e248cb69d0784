/** Availability zones, one a line. */
import type { AvailabilityZone } from '../../../proto/gen/drover/v1/AvailabilityZone.js';
import type { Column } from '../../../proto/output/table.js';

export const zoneColumns: readonly Column<AvailabilityZone>[] = [
  { heading: 'ZONE', cell: (one) => one.name, minimumWidth: 12 },
  { heading: 'HOSTS', align: 'right', cell: (one) => String(one.hosts) },
  { heading: 'IN SERVICE', align: 'right', cell: (one) => String(one.hostsInService) },
];
