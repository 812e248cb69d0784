/** The one small KVM domain of `make run`, on an Open vSwitch bridge. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { succeeds, type Run } from '../hypervisor/command.js';
import { datapathType, domainType } from '../hypervisor/machine.js';
import {
  defineDomain,
  domainXml,
  ensureBridge,
  removeDomain,
  startDomain,
} from '../hypervisor/sample-domain.js';
import { writeGuestImage } from '../hypervisor/sample-guest.js';

export const demo = {
  name: 'drover-demo',
  bridge: 'drover-br0',
  image: '/var/lib/libvirt/images/drover-demo.img',
  vcpus: 1,
  memoryBytes: 64 * 2 ** 20,
} as const;

export interface DemoDomain {
  readonly pid: number | undefined;
  remove(): Promise<void>;
}

/** Defines and starts the domain for an allocation, replacing what a killed run left. Answers it with QEMU's process. */
export async function startDemoDomain(run: Run, allocationId: string): Promise<DemoDomain> {
  await removeDemoDomain(run);
  await writeGuestImage(demo.image, 'write');
  await ensureBridge(run, demo.bridge, await datapathType(run));
  const { name, bridge, vcpus, memoryBytes, image } = demo;
  await defineDomain(
    run,
    domainXml({ name, bridge, vcpus, memoryBytes, imagePath: image, allocationId, type: domainType() }),
  );
  await startDomain(run, name);
  return { pid: pidOf(name), remove: () => removeDemoDomain(run) };
}

/** True when there is a domain of this name from an earlier run. */
export function demoIsThere(run: Run): Promise<boolean> {
  return succeeds(run, ['virsh', '-q', '-c', 'qemu:///system', 'dominfo', demo.name]);
}

/** Removes the domain, its image and the bridge; what is not there is well. */
export async function removeDemoDomain(run: Run): Promise<void> {
  await removeDomain(run, demo.name);
  await run(['ovs-vsctl', '--timeout=5', '--if-exists', 'del-br', demo.bridge]);
  rmSync(demo.image, { force: true });
}

function pidOf(name: string): number | undefined {
  const file = `/run/libvirt/qemu/${name}.pid`;
  return existsSync(file) ? Number(readFileSync(file, 'utf8')) : undefined;
}
