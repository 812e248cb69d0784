/** Availability zones: what the hosts and the aggregates that they are in say. */
import type { AvailabilityZone } from '../../proto/gen/drover/v1/AvailabilityZone.js';
import { countBits, countRows } from '../fleet/registry-columns.js';
import type { Columns } from '../fleet/registry-resources.js';
import { unknownName } from './unknown-name.js';

/** Every zone that a host is in, by name. */
export function availabilityZones({
  zones,
  inService,
}: Pick<Columns, 'zones' | 'inService'>): AvailabilityZone[] {
  return [...zones]
    .map(([name, rows]) => ({
      name,
      hosts: countRows(rows),
      hostsInService: rows.reduce((sum, word, at) => sum + countBits(word & (inService[at] as number)), 0),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Errors: `not-found` with the nearest name, where no host is in the zone and it is not the default one. */
export function checkZone(
  { zones }: Pick<Columns, 'zones'>,
  defaultZone: string,
  zone: string,
  field: string,
): void {
  if (zones.has(zone) || zone === defaultZone) return;
  throw unknownName('availability zone', zone, field, zones.keys(), 'drover zone list');
}
