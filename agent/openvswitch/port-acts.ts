/**
 * What is done to ports: delete and set VLANs only where the row is still as it was seen, add as libvirt does.
 * A row is compared by its UUID and by what it says, because libvirt's `--may-exist add-port` takes over a row that is there
 * and keeps its UUID.
 */
import { invalid } from '../../proto/wire/errors.js';
import type { OvsDatabase } from './database.js';
import type { Operation } from './ovsdb-client.js';
import { dropQos } from './port-qos.js';
import type { PortRow, PortVlan } from './ports.js';

export interface WantedPort {
  readonly name: string;
  readonly bridge: string;
  readonly vlan: PortVlan;
  /** Of the Interface. */
  readonly externalIds: Readonly<Record<string, string>>;
}

/**
 * Takes ports off their bridges in one transaction: `--if-exists del-port BRIDGE PORT`, if every row is still the one that
 * was seen; the database removes rows that no bridge holds, and libvirt's QoS rows go after them. Errors: `stale-revision` when one has changed, and then none is
 * deleted; else those of `OvsDatabase`.
 */
export async function deletePorts(
  database: Pick<OvsDatabase, 'transact'>,
  ports: readonly PortRow[],
): Promise<void> {
  if (ports.length === 0) return;
  await database.transact(ports.flatMap((port) => [...unchanged(port), takeOff(port)]));
  await dropQos(database, ports);
}

/** Gives a port these VLANs, if its row is still the one that was seen. Errors: as `deletePorts`. */
export async function setVlan(
  database: Pick<OvsDatabase, 'transact'>,
  port: PortRow,
  vlan: PortVlan,
): Promise<void> {
  const { tag, trunks, mode } = vlan;
  const row = { tag: set(tag), trunks: set(...trunks), vlan_mode: set(mode === '' ? undefined : mode) };
  await database.transact([
    ...unchanged(port),
    { op: 'update', table: 'Port', where: byUuid(port.uuid), row },
  ]);
}

/**
 * Adds a port with the external ids and VLANs that libvirt gives it, and waits until ovs-vswitchd has taken it over. The row
 * is a new one: nothing is inherited. Errors: `failed-precondition` when a port has this name, or the device cannot be
 * opened (the row is there then); `invalid-argument` for a name that would be an option; else those of `OvsDatabase`.
 */
export async function addPort(database: Pick<OvsDatabase, 'run'>, port: WantedPort): Promise<void> {
  const { name, bridge } = port;
  for (const word of [name, bridge])
    if (!/^[^\s-]\S*$/.test(word)) throw invalid('port', word, 'the name of a device or bridge');
  const ids = Object.entries(port.externalIds).map(([key, value]) => `external_ids:${key}=${quoted(value)}`);
  await database.run([
    ['add-port', bridge, name, ...vlanWords(port.vlan)],
    ...(ids.length === 0 ? [] : [['set', 'Interface', name, ...ids]]),
  ]);
}

function vlanWords({ tag, trunks, mode }: PortVlan): string[] {
  return [
    ...(tag === undefined ? [] : [`tag=${tag}`]),
    ...(trunks.length === 0 ? [] : [`trunks=${trunks.join(',')}`]),
    ...(mode === '' ? [] : [`vlan_mode=${mode}`]),
  ];
}

/** As ovs-vsctl(8) reads a string with colons or spaces. */
function quoted(value: string): string {
  return JSON.stringify(value);
}

/** Conditions that hold while a port and its interfaces are as they were seen. */
function unchanged(port: PortRow): Operation[] {
  const { tag, trunks, mode } = port.vlan;
  const row = {
    name: port.name,
    interfaces: set(...port.interfaces.map(({ uuid }) => ['uuid', uuid])),
    tag: set(tag),
    trunks: set(...trunks),
    vlan_mode: set(mode === '' ? undefined : mode),
    other_config: map(port.otherConfig),
  };
  return [
    holds('Port', port.uuid, row),
    ...port.interfaces.map(({ uuid, name, type, ofport, error, externalIds }) =>
      holds('Interface', uuid, {
        name,
        type,
        ofport: set(ofport),
        error: set(error === '' ? undefined : error),
        external_ids: map(externalIds),
      }),
    ),
  ];
}

function holds(table: string, uuid: string, row: Readonly<Record<string, unknown>>): Operation {
  const columns = Object.keys(row);
  return { op: 'wait', timeout: 0, table, where: byUuid(uuid), columns, until: '==', rows: [row] };
}

function takeOff({ bridge, uuid }: PortRow): Operation {
  const mutations = [['ports', 'delete', ['uuid', uuid]]];
  return { op: 'mutate', table: 'Bridge', where: [['name', '==', bridge]], mutations };
}

function byUuid(uuid: string): unknown[] {
  return [['_uuid', '==', ['uuid', uuid]]];
}

function set(...items: unknown[]): unknown {
  return ['set', items.filter((item) => item !== undefined)];
}

function map(record: Readonly<Record<string, string>>): unknown {
  return ['map', Object.entries(record)];
}
