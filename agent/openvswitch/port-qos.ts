/** QoS and Queue rows that libvirt made for a port that is no more (virNetDevOpenvswitchInterfaceSetQos); nobody else drops them. */
import type { OvsDatabase } from './database.js';
import type { Operation } from './ovsdb-client.js';
import type { PortRow } from './ports.js';

/** Tables in the order in which their rows can go: a QoS holds its queues. */
const tables = ['QoS', 'Queue'] as const;

/**
 * Drops the rows that carry the `ifname` and `vm-id` of ports that were deleted. libvirt looks for its own by the same two, so
 * a guest that is started anew gets new ones. A row that something still refers to stays, with all others of the call: the
 * database refuses to leave a reference open. Never fails; what stays is as unused as after `ovs-vsctl del-port`.
 */
export async function dropQos(
  database: Pick<OvsDatabase, 'transact'>,
  ports: readonly PortRow[],
): Promise<void> {
  const operations = tables.flatMap((table) => ports.flatMap((port) => ofGuest(table, port)));
  if (operations.length > 0) await database.transact(operations).catch(() => undefined);
}

function ofGuest(table: string, { name, interfaces }: PortRow): Operation[] {
  return interfaces.flatMap(({ externalIds }) => {
    const vm = externalIds['vm-id'];
    const ids = vm === undefined ? [] : Object.entries({ ifname: name, 'vm-id': vm });
    if (ids.length === 0) return [];
    return [{ op: 'delete', table, where: [['external_ids', 'includes', ['map', ids]]] }];
  });
}
