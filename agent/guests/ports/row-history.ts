/** What is remembered of rows from pass to pass, to know a VLAN that a guest's port has from the port's earlier owner. */
import { vifOf } from './vif.js';
import { noVlan, vlanText } from './vlan.js';
import type { PortRow } from '../../openvswitch/ports.js';

interface Memory {
  readonly owner: string;
  readonly vlan: string;
  /** VLANs that it had under another owner or without a device. */
  readonly foreign: string | undefined;
}

/** Most rows that are remembered; a host has some hundreds. */
export const maximumRows = 8_192;

export class RowHistory {
  #rows = new Map<string, Memory>();

  /** Takes a look over; rows that are gone are forgotten, as are those over the limit. */
  note(ports: readonly PortRow[], devices: ReadonlySet<string>): void {
    this.#rows = new Map(
      ports.slice(0, maximumRows).flatMap((port) => {
        const memory = this.#next(port, devices);
        return memory ? [[port.uuid, memory]] : [];
      }),
    );
  }

  get size(): number {
    return this.#rows.size;
  }

  /** The row has the VLANs that it had as another guest's, or without a device. */
  isInherited(port: PortRow): boolean {
    const is = vlanText(port.vlan);
    return is !== vlanText(noVlan) && this.#rows.get(port.uuid)?.foreign === is;
  }

  #next(port: PortRow, devices: ReadonlySet<string>): Memory | undefined {
    const vif = vifOf(port);
    if (!vif) return undefined;
    const last = this.#rows.get(port.uuid);
    const [owner, vlan] = [`${vif.vmId} ${vif.interfaceId}`, vlanText(port.vlan)];
    const taken = last !== undefined && last.owner !== owner ? last.vlan : undefined;
    return { owner, vlan, foreign: devices.has(port.name) ? (taken ?? last?.foreign) : vlan };
  }
}
