/** A small domain for demonstrations and tests: its XML, and its life by way of virsh. */
import { type Run, CommandError } from './command.js';

export interface SampleDomain {
  readonly name: string;
  /** Absent: libvirt makes one. */
  readonly uuid?: string;
  readonly memoryBytes?: number;
  readonly vcpus?: number;
  readonly imagePath: string;
  /** Open vSwitch bridge of its one interface; absent: it has none. */
  readonly bridge?: string;
  /** Drover's allocation, kept in the domain's metadata. */
  readonly allocationId?: string;
  readonly type: 'kvm' | 'qemu';
}

export const metadataNamespace = 'https://drover.dev/xmlns/1';

/** Domain XML (libvirt formatdomain). The disk goes round the page cache, so that block limits are felt at once. */
export function domainXml(domain: SampleDomain): string {
  const { vcpus = 1, memoryBytes = 64 * 2 ** 20 } = domain;
  return [
    `<domain type='${domain.type}'>`,
    `<name>${escape(domain.name)}</name>`,
    domain.uuid === undefined ? '' : `<uuid>${escape(domain.uuid)}</uuid>`,
    domain.allocationId === undefined ? '' : metadata(domain.allocationId),
    `<memory unit='b'>${memoryBytes}</memory><vcpu>${vcpus}</vcpu>`,
    `<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>`,
    `<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>`,
    `<disk type='file' device='disk'><driver name='qemu' type='raw' cache='none'/>`,
    `<source file='${escape(domain.imagePath)}'/><target dev='vda' bus='virtio'/></disk>`,
    domain.bridge === undefined ? '' : networkInterface(domain.bridge),
    `<memballoon model='none'/></devices></domain>`,
  ].join('');
}

function metadata(allocationId: string): string {
  return `<metadata><drover:allocation xmlns:drover="${metadataNamespace}" id="${escape(allocationId)}"/></metadata>`;
}

function networkInterface(bridge: string): string {
  return `<interface type='bridge'><source bridge='${escape(bridge)}'/><virtualport type='openvswitch'/><model type='virtio'/></interface>`;
}

function escape(text: string): string {
  const names: Record<string, string> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&apos;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => names[character] as string);
}

const virsh = ['virsh', '-q', '-c', 'qemu:///system'];

/** Defines a domain, or changes the definition that has its name. The first one on a machine takes some 8 s: libvirt asks QEMU
 * for its abilities. Errors: `CommandError` with libvirt's words. */
export async function defineDomain(run: Run, xml: string): Promise<void> {
  // virsh opens /dev/stdin by name, which fails on the socket that Node gives a child: cat makes a pipe of it.
  await run(['sh', '-c', 'cat | "$@"', 'sh', ...virsh, 'define', '/dev/stdin'], {
    input: xml,
    timeoutMs: 60_000,
  });
}

/** Starts a defined domain. */
export async function startDomain(run: Run, name: string): Promise<void> {
  await run([...virsh, 'start', name], { timeoutMs: 30_000 });
}

/** Ends a domain at once, as pulling its plug would. */
export async function destroyDomain(run: Run, name: string): Promise<void> {
  await run([...virsh, 'destroy', name], { timeoutMs: 30_000 });
}

/** Forgets a domain's definition. */
export async function undefineDomain(run: Run, name: string): Promise<void> {
  await run([...virsh, 'undefine', name]);
}

/** Names of all domains, running or not. */
export async function listDomains(run: Run, state: 'all' | 'running' = 'all'): Promise<string[]> {
  const out = await run([...virsh, 'list', '--name', ...(state === 'all' ? ['--all'] : [])]);
  return out.split('\n').filter((line) => line !== '');
}

/** Destroys and undefines a domain; what is not there, or is not running, is well. */
export async function removeDomain(run: Run, name: string): Promise<void> {
  await destroyDomain(run, name).catch(ignoreAbsent);
  await undefineDomain(run, name).catch(ignoreAbsent);
}

function ignoreAbsent(cause: unknown): void {
  if (cause instanceof CommandError && /domain is not running|failed to get domain/.test(cause.message))
    return;
  throw cause;
}

/** Makes an Open vSwitch bridge of this datapath type; one that is there (of an earlier run) is used. */
export async function ensureBridge(
  run: Run,
  bridge: string,
  datapathType: 'system' | 'netdev',
): Promise<void> {
  await run([
    'ovs-vsctl',
    '--timeout=5',
    '--may-exist',
    'add-br',
    bridge,
    '--',
    'set',
    'bridge',
    bridge,
    `datapath_type=${datapathType}`,
  ]);
}
