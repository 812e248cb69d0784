/** Bridges and ports of Open vSwitch as its database has them (ovs-vswitchd.conf.db(5)): one transaction reads them all. */
import type { OvsDatabase } from './database.js';

/** VLAN columns of a Port. */
export interface PortVlan {
  readonly tag: number | undefined;
  /** Ascending. */
  readonly trunks: readonly number[];
  /** access, trunk, native-tagged, native-untagged, dot1q-tunnel; empty: by tag and trunks. */
  readonly mode: string;
}

export interface InterfaceRow {
  readonly uuid: string;
  readonly name: string;
  /** Empty: a device of the system; else internal, patch, vxlan, dpdk, dpdkvhostuser, … */
  readonly type: string;
  /** Undefined: not assigned. -1: it could not be opened. */
  readonly ofport: number | undefined;
  /** In Open vSwitch's words; empty: nothing wrong. */
  readonly error: string;
  readonly externalIds: Readonly<Record<string, string>>;
}

export interface PortRow {
  readonly uuid: string;
  readonly name: string;
  readonly bridge: string;
  /** More than one: a bond. */
  readonly interfaces: readonly InterfaceRow[];
  readonly vlan: PortVlan;
  readonly otherConfig: Readonly<Record<string, string>>;
  readonly externalIds: Readonly<Record<string, string>>;
}

export interface PortTable {
  readonly bridges: readonly string[];
  /** Those of every bridge, bonds and the bridges' own included. */
  readonly ports: readonly PortRow[];
}

type Row = Readonly<Record<string, unknown>>;

const asked = {
  Bridge: ['name', 'ports'],
  Port: ['_uuid', 'name', 'interfaces', 'tag', 'trunks', 'vlan_mode', 'other_config', 'external_ids'],
  Interface: ['_uuid', 'name', 'type', 'ofport', 'error', 'external_ids'],
} as const;

/** All ports, as of one moment, by one run of ovsdb-client. Errors: those of `OvsDatabase`. */
export async function readPorts(database: Pick<OvsDatabase, 'transact'>): Promise<PortTable> {
  const [bridges, ports, interfaces] = (
    await database.transact(
      Object.entries(asked).map(([table, columns]) => ({ op: 'select', table, where: [], columns })),
    )
  ).map(({ rows }) => rows);
  const interfaceOf = new Map((interfaces ?? []).map((row) => [String(row['_uuid']), toInterface(row)]));
  const portOf = new Map((ports ?? []).map((row) => [String(row['_uuid']), row]));
  return {
    bridges: (bridges ?? []).map((row) => String(row['name'])),
    ports: (bridges ?? []).flatMap((bridge) =>
      many(bridge['ports']).flatMap((uuid) => {
        const row = portOf.get(String(uuid));
        return row ? [toPort(row, String(bridge['name']), interfaceOf)] : [];
      }),
    ),
  };
}

function toPort(row: Row, bridge: string, interfaceOf: ReadonlyMap<string, InterfaceRow>): PortRow {
  return {
    uuid: String(row['_uuid']),
    name: String(row['name']),
    bridge,
    interfaces: many(row['interfaces']).flatMap((uuid) => interfaceOf.get(String(uuid)) ?? []),
    vlan: {
      tag: number(row['tag']),
      trunks: many(row['trunks'])
        .map(Number)
        .toSorted((a, b) => a - b),
      mode: text(row['vlan_mode']),
    },
    otherConfig: row['other_config'] as Record<string, string>,
    externalIds: row['external_ids'] as Record<string, string>,
  };
}

function toInterface(row: Row): InterfaceRow {
  return {
    uuid: String(row['_uuid']),
    name: String(row['name']),
    type: text(row['type']),
    ofport: number(row['ofport']),
    error: text(row['error']),
    externalIds: row['external_ids'] as Record<string, string>,
  };
}

/** A set of one is its value, and an empty one undefined. */
function many(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined ? [] : [value];
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
