/** Looks at a host's ports, devices and active domains, and remembers rows from look to look. */
import type { KernelRoot } from '../../kernel/root.js';
import type { DomainView } from '../../libvirt/hypervisor.js';
import type { OvsDatabase } from '../../openvswitch/database.js';
import { readPorts } from '../../openvswitch/ports.js';
import { findFaults, type Fault, type PortLook } from './find.js';
import { networkDevices } from './host-look.js';
import { RowHistory } from './row-history.js';

export interface LookSources {
  readonly openvswitch: OvsDatabase;
  readonly kernel: KernelRoot;
  /** All domains as of now. Errors: whatever; then nothing is done. */
  readonly domains: () => Promise<readonly DomainView[]>;
}

export class PortLooks {
  readonly #sources: LookSources;
  readonly #history = new RowHistory();

  constructor(sources: LookSources) {
    this.#sources = sources;
  }

  /**
   * Rows first: a domain that comes meanwhile protects its row, and one without a row yet is seen once only. Errors: those of
   * the three sources.
   */
  async look(): Promise<PortLook> {
    const { openvswitch, kernel, domains } = this.#sources;
    const table = await readPorts(openvswitch);
    const devices = networkDevices(kernel);
    return { table, devices, domains: (await domains()).filter(({ id }) => id >= 0) };
  }

  /** As `look`, and remembers whose the rows are. */
  async note(): Promise<PortLook> {
    const look = await this.look();
    this.#history.note(look.table.ports, look.devices);
    return look;
  }

  faults(look: PortLook): Fault[] {
    return findFaults(look, (port) => this.#history.isInherited(port));
  }
}
