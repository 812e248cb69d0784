/** Domains of the tests: emulated, with a boot sector for a guest. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runner } from '../../../scripts/hypervisor/command.js';
import { defineDomain, domainXml, metadataNamespace } from '../../../scripts/hypervisor/sample-domain.js';
import { writeGuestImage, type SampleGuest } from '../../../scripts/hypervisor/sample-guest.js';
import { counter, placeOf, type Place } from './kernel-files.js';

export const run = runner();

/** One word of virsh; ten times slower than on iron. Answers what it prints. */
export function virsh(...words: string[]): Promise<string> {
  return run(['virsh', '-q', '-c', 'qemu:///system', ...words], { timeoutMs: 120_000 });
}

export interface Shape {
  readonly guest: SampleGuest;
  readonly vcpus: number;
  readonly ioThreads?: number;
  /** Profiles give extra specs to it by this name (qos-classes). */
  readonly qosClass?: string;
}

const imageOf = (name: string): string => `/var/lib/libvirt/images/${name}.img`;

/** Defines and starts a domain; all of its memory is there from the start, and no page of it is shared (KSM). */
export async function startGuest(name: string, shape: Shape): Promise<Place> {
  await writeGuestImage(imageOf(name), shape.guest);
  const plain = domainXml({ name, imagePath: imageOf(name), vcpus: shape.vcpus, type: 'qemu' });
  await defineDomain(run, plain.replace('<os>', `${extras(shape)}<os>`));
  await virsh('start', name);
  return placeOf(name, 'vda');
}

function extras({ ioThreads, qosClass }: Shape): string {
  const allocation = `<drover:allocation xmlns:drover="${metadataNamespace}" qos_class="${qosClass}"/>`;
  return [
    '<memoryBacking><nosharepages/><allocation mode="immediate"/></memoryBacking>',
    ioThreads === undefined ? '' : `<iothreads>${ioThreads}</iothreads>`,
    qosClass === undefined ? '' : `<metadata>${allocation}</metadata>`,
  ].join('');
}

/** Ends it and forgets it; one that is not there is well. */
export async function endGuest(name: string): Promise<void> {
  await virsh('destroy', name).catch(() => undefined);
  await virsh('undefine', name).catch(() => undefined);
  rmSync(imageOf(name), { force: true });
}

/** Bytes that the kernel counted as written by the domain to its disk. */
export function written({ scope, disk }: Place): number {
  return counter(join(scope, 'libvirt/io.stat'), 'wbytes', disk);
}

export async function untilWrites(place: Place): Promise<void> {
  const end = performance.now() + 120_000;
  while (written(place) === 0) {
    if (performance.now() > end) throw new Error('the guest has written nothing in 120 s');
    await sleep(200);
  }
}

/** Bytes a second that the guest's disk takes, over this time. */
export async function writeRate(place: Place, measureMs: number): Promise<number> {
  const [bytes, begin] = [written(place), performance.now()];
  await sleep(measureMs);
  return Math.round(((written(place) - bytes) * 1000) / (performance.now() - begin));
}
