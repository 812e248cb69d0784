/** The hosts that a choice means. */
import type { HostChoice } from '../../../proto/gen/drover/v1/HostChoice.js';
import { DroverError, invalid } from '../../../proto/wire/errors.js';
import { hasBit } from '../../fleet/registry-columns.js';
import type { Registry } from '../../fleet/registry.js';

/** Most names of a choice: every host of the largest fleet. */
const mostNames = 200_000;

/**
 * The ids of the hosts for which everything holds that is given, by name. Nothing given, or no choice: every host. Errors:
 * `not-found` naming the host, zone or aggregate that is not there.
 */
export function chosenHosts(registry: Registry, choice: HostChoice | null, field: string): string[] {
  if (choice !== null) checkChoice(registry, choice, field);
  const names = new Set(choice?.hosts);
  const ids: string[] = [];
  for (const row of registry.rowsByName()) {
    const { id, name } = registry.recordAt(row);
    const isNamed = names.size === 0 || names.has(name) || names.has(id);
    if (isNamed && (choice === null || holds(registry, row, choice))) ids.push(id);
  }
  return ids;
}

function holds(
  { columns }: Registry,
  row: number,
  { availabilityZone, aggregate, labels }: HostChoice,
): boolean {
  if (availabilityZone !== '' && !columns.zonesByRow[row]?.includes(availabilityZone)) return false;
  if (aggregate !== '' && !columns.aggregatesOf(row).some(({ name }) => name === aggregate)) return false;
  const own = columns.records[row]?.labels ?? {};
  return Object.entries(labels).every(([key, value]) => Object.hasOwn(own, key) && own[key] === value);
}

function checkChoice(registry: Registry, choice: HostChoice, field: string): void {
  const { hosts, availabilityZone, aggregate } = choice;
  if (hosts.length > mostNames)
    throw invalid(`${field}.hosts`, `${hosts.length} names`, `at most ${mostNames}`);
  for (const [index, host] of hosts.entries())
    if (registry.rowOf(host) === undefined && registry.rowOfName(host) === undefined)
      throw unknown(`${field}.hosts[${index}]`, 'host', host);
  if (availabilityZone !== '' && !registry.columns.zones.has(availabilityZone))
    throw unknown(`${field}.availability_zone`, 'no host is in zone', availabilityZone);
  if (aggregate !== '' && !isAggregate(registry, aggregate))
    throw unknown(`${field}.aggregate`, 'no host is in aggregate', aggregate);
}

function isAggregate({ columns }: Registry, aggregate: string): boolean {
  for (let row = 0; row < columns.rows; row++)
    if (hasBit(columns.present, row) && columns.aggregatesOf(row).some(({ name }) => name === aggregate))
      return true;
  return false;
}

/** `what`: `host`, or a sentence that the name ends. */
export function unknown(field: string, what: string, name: string): DroverError {
  const text = what === 'host' ? `host ${name} is not known` : `${what} ${name}`;
  return new DroverError('not-found', `${field}: ${text}`, { field, value: name });
}
