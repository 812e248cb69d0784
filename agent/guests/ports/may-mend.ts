/** Whether a fault may be mended, right before it is: not for a guest that migrates, nor one that lives unknown to libvirt, nor in a flood. */
import type { KernelRoot } from '../../kernel/root.js';
import type { DomainKey } from '../../libvirt/hypervisor.js';
import type { Fault, PortLook } from './find.js';
import { isOtherNamespace, qemuUuids } from './host-look.js';
import { vifOf } from './vif.js';

/** More stale rows than this at once are held while libvirt knows no running domain: then rather libvirt is wrong. */
export const maximumUnattended = 16;

export interface MendGuards {
  readonly kernel: KernelRoot;
  readonly isMigrating: (domain: DomainKey) => Promise<boolean>;
}

/** Answers a question: why this fault is held; undefined: it may be mended. `faults`: all that are due. */
export function whyNot(
  look: PortLook,
  faults: readonly Fault[],
  { kernel, isMigrating }: MendGuards,
): (fault: Fault) => Promise<string | undefined> {
  const deletes = faults.filter(({ act }) => act === 'delete');
  const running = deletes.length === 0 ? new Set<string>() : qemuUuids(kernel);
  const everything = whyNoDelete(look, deletes);
  return async (fault) => {
    if (fault.held !== undefined) return fault.held;
    if (fault.act === 'delete' && everything !== undefined) return everything;
    return (await whyDomain(look, fault, isMigrating)) ?? whyProcess(fault, running);
  };
}

function whyNoDelete({ table, devices, domains }: PortLook, deletes: readonly Fault[]): string | undefined {
  if (isOtherNamespace(table, devices)) return 'Open vSwitch runs in another network namespace than Drover';
  return deletes.length > maximumUnattended && domains.length === 0
    ? `${deletes.length} stale ports while libvirt knows no running domain`
    : undefined;
}

/** The domain of the fault, and the one that the row names: a migration makes and takes away ports on both hosts. */
async function whyDomain(
  { domains }: PortLook,
  fault: Fault,
  isMigrating: MendGuards['isMigrating'],
): Promise<string | undefined> {
  const vmId = fault.row && vifOf(fault.row)?.vmId;
  const concerned = domains.filter(({ uuid }) => uuid === vmId || uuid === fault.domain?.uuid);
  for (const { uuid, id, name } of concerned)
    if (await isMigrating({ uuid, id }).catch(() => true)) return `${name} migrates, or libvirt cannot say`;
  return undefined;
}

/** A QEMU process of a domain that libvirt does not know has its port still. */
function whyProcess({ kind, row }: Fault, running: ReadonlySet<string>): string | undefined {
  const vif = kind === 'stale' && row ? vifOf(row) : undefined;
  return vif && running.has(vif.vmId) ? `a QEMU process runs for ${vif.vmId}, unknown to libvirt` : undefined;
}
