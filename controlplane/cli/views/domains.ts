/** Domains, one a line. */
import type { Domain } from '../../../proto/gen/drover/v1/Domain.js';
import type { Column } from '../../../proto/output/table.js';
import { formatBytes } from '../../../proto/wire/units.js';
import { nothing, orNothing, word } from '../../../proto/output/words.js';

export const domainColumns: readonly Column<Domain>[] = [
  { heading: 'HOST', cell: (domain) => domain.hostName },
  { heading: 'NAME', cell: (domain) => domain.name, minimumWidth: 12 },
  { heading: 'STATE', cell: (domain) => word(domain.state) },
  { heading: 'VCPUS', align: 'right', cell: (domain) => String(domain.vcpus) },
  { heading: 'MEMORY', align: 'right', cell: (domain) => formatBytes(domain.memoryBytes) },
  {
    heading: 'DISK',
    align: 'right',
    cell: (domain) => (domain.diskBytes === 0 ? nothing : formatBytes(domain.diskBytes)),
  },
  { heading: 'ALLOCATION', cell: (domain) => orNothing(domain.allocationId) },
  { heading: 'UUID', cell: (domain) => domain.uuid },
];
