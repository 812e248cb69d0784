/** Guests of a host, by virsh as an operator sees them. `run` runs programs in the host, in namespaces or in a machine. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Run } from '../hypervisor/command.js';
import { turnsAddress } from '../hypervisor/obedient-guest.js';
import { defineDomain, metadataNamespace } from '../hypervisor/sample-domain.js';
import { bootSector, imageBytes, type SampleGuest } from '../hypervisor/sample-guest.js';
import { integrationBridge } from './ports.js';

const images = '/var/lib/libvirt/images';
const virsh = ['virsh', '-q', '-c', 'qemu:///system'];

export interface GuestOptions {
  readonly name: string;
  /** What it does with ACPI's power button: `idle` is deaf, `obedient` goes at once. */
  readonly kind: SampleGuest;
  readonly type?: 'kvm' | 'qemu';
  readonly bridge?: string;
  /** VLAN of its port. */
  readonly tag?: number;
  /** Attributes of `<drover:guest>` in its metadata. */
  readonly words?: Readonly<Record<string, string | number>>;
}

export interface DefinedGuest extends GuestOptions {
  readonly uuid: string;
  /** external_ids:iface-id of its port. */
  readonly interfaceId: string;
}

/** Writes the guest's disk and defines the domain; what libvirt and Open vSwitch know it by is made here. */
export async function defineGuest(run: Run, options: GuestOptions): Promise<DefinedGuest> {
  const guest = { ...options, uuid: randomUUID(), interfaceId: randomUUID() };
  const write = `base64 -d >"$1" && truncate -s ${imageBytes} "$1" && chmod 666 "$1"`;
  const input = Buffer.from(bootSector(guest.kind)).toString('base64');
  await run(['sh', '-c', write, 'sh', join(images, `${guest.name}.img`)], { input });
  await defineDomain(run, guestXml(guest));
  return guest;
}

function guestXml(guest: DefinedGuest): string {
  const { name, uuid, interfaceId, type = 'kvm', bridge = integrationBridge, tag, words } = guest;
  const attributes = Object.entries(words ?? {}).map(([key, value]) => `${key}='${value}'`);
  return [
    `<domain type='${type}'><name>${name}</name><uuid>${uuid}</uuid>`,
    words && `<metadata><d:guest xmlns:d='${metadataNamespace}' ${attributes.join(' ')}/></metadata>`,
    `<memory unit='MiB'>32</memory><vcpu>1</vcpu>`,
    `<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>`,
    `<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>`,
    `<disk type='file' device='disk'><driver name='qemu' type='raw'/>`,
    `<source file='${join(images, `${name}.img`)}'/><target dev='vda' bus='virtio'/></disk>`,
    `<interface type='bridge'><source bridge='${bridge}'/>`,
    tag !== undefined && `<vlan><tag id='${tag}'/></vlan>`,
    `<virtualport type='openvswitch'><parameters interfaceid='${interfaceId}'/></virtualport>`,
    `<model type='virtio'/></interface><memballoon model='none'/></devices></domain>`,
  ]
    .filter(Boolean)
    .join('');
}

/** Starts guests, one after the other. */
export async function startGuests(run: Run, ...guests: readonly { name: string }[]): Promise<void> {
  for (const { name } of guests) await run([...virsh, 'start', name], { timeoutMs: 60_000 });
}

/**
 * True when an obedient guest is past its BIOS and would hear the power button: it counts its turns. A button that is pressed
 * before is lost, as with any guest.
 */
export async function listens(run: Run, name: string): Promise<boolean> {
  const look = `xp /1xw 0x${turnsAddress.toString(16)}`;
  const answer = await run([...virsh, 'qemu-monitor-command', '--hmp', name, look]);
  return /: 0x(?!0{8})[0-9a-f]{8}/.test(answer);
}

/** Names of running guests in alphabetical order. */
export async function runningGuests(run: Run): Promise<string[]> {
  return (await run([...virsh, 'list', '--name'])).split('\n').filter(Boolean).toSorted();
}

/** Name of the tap device of a running guest; undefined: it does not run or has none. */
export async function tapOf(run: Run, name: string): Promise<string | undefined> {
  const list = await run([...virsh, 'domiflist', name]);
  return /^\s*(vnet\d+)\s/m.exec(list)?.[1];
}

/** Process ids of QEMU by guest; a guest that was stopped and started again has another one. */
export async function qemuPids(run: Run, names: readonly string[]): Promise<Record<string, number>> {
  const pids = names.map(async (name) => {
    const text = await run(['cat', `/run/libvirt/qemu/${name}.pid`]).catch(() => '0');
    return [name, Number(text)] as const;
  });
  return Object.fromEntries(await Promise.all(pids));
}
