/** Does what a fault asks for. Whether it may be done is decided before. */
import { asDroverError } from '../../../proto/wire/errors.js';
import { deletePorts, addPort, setVlan } from '../../openvswitch/port-acts.js';
import type { OvsDatabase } from '../../openvswitch/database.js';
import type { DomainInterface, DomainView } from '../../libvirt/hypervisor.js';
import type { Fault } from './find.js';
import { wantedIds } from './vif.js';
import { wantedVlan } from './vlan.js';

/** Sets the bandwidth of a port that was added again: Open vSwitch keeps it with the row. */
export type RestoreBandwidth = (domain: DomainView, device: DomainInterface) => Promise<void>;

/**
 * Deletes, adds or corrects one port. Done when the database has it, and for an added port when ovs-vswitchd has taken it
 * over. Answers what could not be restored all the same; empty: nothing. Errors: `stale-revision` when the row is not as the
 * fault's look showed it, and then nothing was done; else those of `OvsDatabase`.
 */
export async function mend(
  database: OvsDatabase,
  { act, row, domain, device }: Fault,
  restoreBandwidth?: RestoreBandwidth,
): Promise<string> {
  if (act === 'delete' && row) await deletePorts(database, [row]);
  if (act === 'set-vlan' && row && device) await setVlan(database, row, wantedVlan(device));
  if (act !== 'add' || !domain || !device) return '';
  // Two transactions: ovs-vsctl cannot compare, and a row that is taken away first leaves nothing to inherit.
  if (row) await deletePorts(database, [row]);
  await addPort(database, {
    name: device.target,
    bridge: device.bridge,
    vlan: wantedVlan(device),
    externalIds: wantedIds(domain, device),
  });
  const { inbound, outbound } = device.bandwidth;
  if (!inbound && !outbound) return '';
  if (!restoreBandwidth) return 'its bandwidth is not set anew';
  return restoreBandwidth(domain, device).then(
    () => '',
    (thrown: unknown) => `its bandwidth could not be set anew: ${asDroverError(thrown).message}`,
  );
}
