/** What a real host says of itself while guests start: pressure, the latency of the images' disk, who still boots. */
import { statSync } from 'node:fs';
import { DiskLatency } from '../collectors/disk-latency.js';
import { GuestActivity } from '../collectors/guest-activity.js';
import { PressureReader } from '../collectors/pressure.js';
import type { StartReading } from '../guests/start/governor.js';
import type { KernelRoot } from '../kernel/root.js';
import type { Hypervisor } from '../libvirt/hypervisor.js';
import { monotonicMs } from './guest-basics.js';

export interface StartReadings {
  read(): StartReading;
  /** The guest's QEMU has been quiet for a while. */
  isSettled(uuid: string): boolean;
}

/** How old the list of domains may be: it only names the processes of guests that have started. */
const domainsAgeMs = 2_000;

/** `images`: the directory of the domains' images. */
export function startReadings(
  kernel: KernelRoot,
  hypervisor: Pick<Hypervisor, 'domains'> | undefined,
  images: string,
): StartReadings {
  const pressure = new PressureReader({ root: kernel, now: monotonicMs });
  const latency = new DiskLatency({ root: kernel, now: monotonicMs, devices: () => deviceOf(images) });
  const activity = new GuestActivity({ root: kernel, now: monotonicMs });
  let pids: ReadonlyMap<string, number> = new Map();
  const note = async (): Promise<void> => {
    const domains = (await hypervisor?.domains(domainsAgeMs)) ?? [];
    pids = new Map(domains.flatMap(({ uuid, pid }) => (pid === undefined ? [] : [[uuid, pid]])));
  };
  return {
    read: () => {
      note().catch(() => undefined); // the last list serves
      const { ioPercent, cpuPercent } = pressure.read();
      return { ioPercent, cpuPercent, latencyMs: latency.read() };
    },
    isSettled: (uuid) => {
      const pid = pids.get(uuid);
      return pid !== undefined && activity.isSettled(pid);
    },
  };
}

/** MAJOR:MINOR of the file system that holds a directory (makedev(3)); none where the directory is not there. */
function deviceOf(directory: string): string[] {
  const dev = statSync(directory, { throwIfNoEntry: false })?.dev;
  if (dev === undefined) return [];
  const major = (dev >>> 8) & 0xfff;
  const minor = (dev & 0xff) | ((dev >>> 12) & 0xfff00);
  return [`${major}:${minor}`];
}
