import type { Filter } from './filter.js';
import { prepareResourceTest } from './resource-test.js';

/** The host has the disk: root + ephemeral + swap against total x disk_allocation_ratio - used. Nova 18 `disk_filter.py`. */
export const diskFilter: Filter = {
  name: 'DiskFilter',
  reasons: ['disk-over-total', 'disk-short'],
  prepare: (request, columns) =>
    prepareResourceTest({
      resource: columns.diskMb,
      amount: request.diskMb,
      unit: 'MiB',
      limits: { of: (diskMb) => ({ diskGb: diskMb / 1024 }) },
    }),
};
