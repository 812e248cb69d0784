/** The guests' ports of a host's Open vSwitch, by ovs-vsctl as an operator sees them. */
import type { Run } from '../hypervisor/command.js';

/** Long enough for an emulated machine; whoever runs it has a deadline of its own. */
const vsctl = ['ovs-vsctl', '--timeout=60'];

export const integrationBridge = 'br-int';

/** Makes the bridge, which Open vSwitch keeps over boots. `netdev`: the switch in user space, all that namespaces have. */
export async function makeBridge(run: Run, datapath: 'netdev' | 'system' = 'netdev'): Promise<void> {
  const type = ['set', 'bridge', integrationBridge, `datapath_type=${datapath}`];
  await run([...vsctl, '--may-exist', 'add-br', integrationBridge, '--', ...type]);
}

/** One row of Open vSwitch's table Interface, with its port's VLAN and bridge. */
export interface PortRow {
  readonly name: string;
  readonly bridge: string;
  /** -1: the device could not be opened; undefined: not tried yet. */
  readonly ofport: number | undefined;
  readonly error: string;
  readonly tag: number | undefined;
  readonly interfaceId: string;
}

/** The rows of guests' ports (`vnetN`), in order of their names. */
export async function guestPorts(run: Run): Promise<PortRow[]> {
  const list = async (table: string, columns: string) =>
    tableOf(await run([...vsctl, '--format=json', `--columns=${columns}`, 'list', table]));
  const [interfaces, ports] = [
    await list('Interface', 'name,ofport,error,external_ids'),
    await list('Port', 'name,tag'),
  ];
  const tags = new Map(ports.map(({ name, tag }) => [name, numberOf(tag)]));
  const rows = interfaces.filter(({ name }) => /^vnet\d+$/.test(String(name)));
  return Promise.all(
    rows
      .toSorted((a, b) => String(a['name']).localeCompare(String(b['name']), 'en', { numeric: true }))
      .map(async ({ name, ofport, error, external_ids: ids }) => ({
        name: String(name),
        bridge: (await run([...vsctl, 'port-to-br', String(name)]).catch(() => '')).trim(),
        ofport: numberOf(ofport),
        error: typeof error === 'string' ? error : '',
        tag: tags.get(name),
        interfaceId: mapOf(ids).get('iface-id') ?? '',
      })),
  );
}

type Row = Readonly<Record<string, unknown>>;

/** ovs-vsctl --format=json: headings and rows; RFC 7047's sets and maps as arrays that begin with their word. */
function tableOf(text: string): Row[] {
  const { headings, data } = JSON.parse(text) as { headings: string[]; data: unknown[][] };
  return data.map((cells) => Object.fromEntries(cells.map((cell, at) => [headings[at] as string, cell])));
}

const numberOf = (cell: unknown): number | undefined => (typeof cell === 'number' ? cell : undefined);

function mapOf(cell: unknown): Map<string, string> {
  return new Map(Array.isArray(cell) ? (cell[1] as [string, string][]) : []);
}

/** A port whose device could not be opened. */
export const isStale = ({ ofport }: PortRow): boolean => ofport === -1;

/** A port that carries packets. */
export const isAlive = ({ ofport }: PortRow): boolean => ofport !== undefined && ofport > 0;
