/** Rows of guests that are no more: swept at boot before libvirt starts, cleared after a stop before Open vSwitch ends. */
import { DroverError, asDroverError } from '../../../proto/wire/errors.js';
import type { KernelRoot } from '../../kernel/root.js';
import type { OvsDatabase } from '../../openvswitch/database.js';
import { deletePorts } from '../../openvswitch/port-acts.js';
import { readPorts, type PortRow, type PortTable } from '../../openvswitch/ports.js';
import { networkDevices, qemuUuids } from './host-look.js';
import { vifOf, type Vif } from './vif.js';

export interface SweepOptions {
  readonly openvswitch: OvsDatabase;
  readonly kernel: KernelRoot;
  readonly monotonicMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** How long Open vSwitch may take to answer at all; 20 s. */
  readonly deadlineMs?: number;
}

export interface SweptPort {
  readonly port: string;
  readonly bridge: string;
  /** From `vm-id`; empty: the row names none. */
  readonly domainUuid: string;
  readonly reason: string;
}

export interface SweepReport {
  readonly removed: readonly SweptPort[];
  /** Ports of guests that were left, and why. */
  readonly kept: readonly SweptPort[];
}

/** Rows of one transaction. */
const batch = 32;
const retryMs = 500;

/**
 * For boot, before libvirt: deletes guests' rows whose device is missing and for whose domain no QEMU process runs. Needs no
 * libvirt; one look is enough, as nobody starts guests yet. Answers what it did. Errors: `deadline-exceeded` when Open
 * vSwitch has not answered by the deadline; `failed-precondition` for a kernel that shows no devices.
 */
export function sweepStalePorts(options: SweepOptions): Promise<SweepReport> {
  return clear(options, (vif, host) => {
    if (host.devices.has(vif.port.name)) return 'its network device is there';
    return whyProcess(vif, host.running);
  });
}

/**
 * After a stop of all guests, before Open vSwitch ends: as `sweepStalePorts`, and also rows whose device is left, if nobody
 * holds it (no carrier). Answers and errors as that.
 */
export function clearPorts(options: SweepOptions): Promise<SweepReport> {
  return clear(options, (vif, host) => {
    const isHeld = host.devices.has(vif.port.name) && carrier(options.kernel, vif.port.name);
    return isHeld ? 'somebody holds its network device' : whyProcess(vif, host.running);
  });
}

interface Host {
  readonly devices: ReadonlySet<string>;
  readonly running: ReadonlySet<string>;
}

/** `whyKept`: why a port stays; undefined: it goes. */
async function clear(
  options: SweepOptions,
  whyKept: (vif: Vif, host: Host) => string | undefined,
): Promise<SweepReport> {
  const { ports } = await answered(options);
  const host = { devices: networkDevices(options.kernel), running: qemuUuids(options.kernel) };
  const judged = ports.flatMap((port) => {
    const vif = vifOf(port);
    return vif ? [{ port, vif, kept: whyKept(vif, host) }] : [];
  });
  const going = judged.flatMap(({ port, kept }) => (kept === undefined ? [port] : []));
  for (let at = 0; at < going.length; at += batch)
    await deleteOrEach(options.openvswitch, going.slice(at, at + batch));
  const left = new Set((await answered(options)).ports.map(({ uuid }) => uuid));
  const reasons = judged.map(({ port, vif, kept }) => {
    const reason = kept ?? (left.has(port.uuid) ? 'its row changed meanwhile' : 'no guest runs with it');
    return { gone: !left.has(port.uuid), swept: { port: port.name, bridge: port.bridge, domainUuid: vif.vmId, reason } }; // prettier-ignore
  });
  return {
    removed: reasons.flatMap(({ gone, swept }) => (gone ? [swept] : [])),
    kept: reasons.flatMap(({ gone, swept }) => (gone ? [] : [swept])),
  };
}

/** A row that names no domain may be any QEMU process's. */
function whyProcess({ vmId }: Vif, running: ReadonlySet<string>): string | undefined {
  if (vmId === '') return running.size > 0 ? 'it names no domain, and QEMU processes run' : undefined;
  return running.has(vmId) ? 'a QEMU process runs for its domain' : undefined;
}

/** Carrier of a tap device: a process has it open. It cannot be read while the device is down. */
function carrier(kernel: KernelRoot, device: string): boolean {
  return kernel.read(`/sys/class/net/${device}/carrier`) !== '0';
}

/** One row that has changed stops a whole transaction: then each gets its own. */
async function deleteOrEach(database: OvsDatabase, ports: readonly PortRow[]): Promise<void> {
  try {
    await deletePorts(database, ports);
  } catch (thrown) {
    if (asDroverError(thrown).code !== 'stale-revision') throw thrown;
    if (ports.length === 1) return;
    for (const port of ports) await deleteOrEach(database, [port]);
  }
}

/** Asks until Open vSwitch answers: its server may come up at the same time. */
async function answered({
  openvswitch,
  monotonicMs,
  sleep,
  deadlineMs = 20_000,
}: SweepOptions): Promise<PortTable> {
  const end = monotonicMs() + deadlineMs;
  for (;;) {
    try {
      return await readPorts(openvswitch);
    } catch (thrown) {
      const error = asDroverError(thrown);
      const isAway = error.code === 'unavailable' || error.code === 'deadline-exceeded';
      if (!isAway) throw error;
      if (monotonicMs() + retryMs >= end) throw silent(error, deadlineMs);
      await sleep(retryMs);
    }
  }
}

function silent(cause: DroverError, deadlineMs: number): DroverError {
  const message = `Open vSwitch did not answer within ${deadlineMs} ms, so guests' ports were not looked at: ${cause.message}`;
  const cure = 'systemctl status ovsdb-server ovs-vswitchd';
  return new DroverError('deadline-exceeded', message, { field: 'openvswitch', cure, cause });
}
