/** Reads the sources of the audit from the host: libvirt, /proc, control groups, Open vSwitch. */
import type { CgroupFacts } from '../../../proto/gen/drover/v1/CgroupFacts.js';
import { groupsBelow, machineGroup, processesBelow } from '../../kernel/machine-group.js';
import { qemuProcesses } from '../../kernel/qemu-processes.js';
import type { KernelRoot } from '../../kernel/root.js';
import type { Hypervisor } from '../../libvirt/hypervisor.js';
import type { OvsDatabase } from '../../openvswitch/database.js';
import type { AuditSources } from './compare.js';

export interface LookOptions {
  readonly kernel: KernelRoot;
  readonly hypervisor: Pick<Hypervisor, 'reachable' | 'domains'>;
  readonly openvswitch: Pick<OvsDatabase, 'list'>;
  cgroup(): Promise<CgroupFacts | null>;
}

/** A controller that every domain has a group of; the first that the host has counts. */
const controllers = ['cpu', 'cpuset', 'memory'];

/**
 * What there is now. Processes are read before the domains: one that starts in between is no ghost. Without libvirt's answer
 * `domains` is undefined; without Open vSwitch there are no ports. Never throws for either.
 */
export async function lookAround(options: LookOptions): Promise<Omit<AuditSources, 'promised'>> {
  const { kernel, hypervisor } = options;
  const layout = await options.cgroup();
  const processes = qemuProcesses(kernel);
  const emptyGroups = layout ? groupsWithout(kernel, layout) : [];
  const ports = await domainPorts(options.openvswitch);
  const domains = hypervisor.reachable ? await hypervisor.domains().catch(() => undefined) : undefined;
  return { domains, processes, emptyGroups, ports };
}

function groupsWithout(kernel: KernelRoot, layout: CgroupFacts): AuditSources['emptyGroups'][number][] {
  const found = controllers.map((name) => machineGroup(kernel, layout, name)).find((group) => group);
  if (!found) return [];
  return groupsBelow(kernel, found.directory).flatMap((group) => {
    const directory = `${found.directory}/${group}`;
    const start = startOf(group);
    return start && processesBelow(kernel, directory).size === 0 ? [{ directory, ...start }] : [];
  });
}

/**
 * The start of a domain that a group is named for: `qemu-7-web.libvirt-qemu`, or with systemd `machine-qemu\x2d7\x2dweb.scope`
 * (systemd-escape(1)); undefined: another group. libvirt cuts long names, so the name may be the beginning of it.
 */
export function startOf(group: string): { readonly id: number; readonly name: string } | undefined {
  const plain = group.replaceAll(/(?:\\x[0-9a-f]{2})+/g, (run) =>
    Buffer.from(run.replaceAll('\\x', ''), 'hex').toString('utf8'),
  );
  const [, id, name] = /^(?:machine-)?qemu-(\d{1,10})-(.+)\.(?:libvirt-qemu|scope)$/.exec(plain) ?? [];
  return id === undefined || name === undefined ? undefined : { id: Number(id), name };
}

async function domainPorts(
  openvswitch: LookOptions['openvswitch'],
): Promise<AuditSources['ports'][number][]> {
  const rows = await openvswitch.list('Interface', ['name', 'external_ids']).catch(() => []);
  return rows.flatMap(({ name, external_ids: ids }) => {
    const uuid = (ids as Record<string, unknown> | undefined)?.['vm-id'];
    return typeof uuid === 'string' ? [{ port: String(name), uuid: uuid.toLowerCase() }] : [];
  });
}
