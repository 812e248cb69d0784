/** The guests of a simulated host: the real keeper over a hypervisor in memory. There is no systemd and no Open vSwitch. */
import { join } from 'node:path';
import { GuestKeeper } from '../guests/keeper.js';
import { SessionPermits } from '../guests/permits.js';
import { GuestStages } from '../guests/stages.js';
import { ShouldRun } from '../guests/start/should-run.js';
import { guestBasics, stagesOf } from '../host/guest-basics.js';
import { GuestRoom, type GuestLink, type OpenGuests } from '../host/guest-room.js';
import type { Log } from '../log.js';
import type { MemoryRoot } from './memory-root.js';
import type { SimHypervisor } from './sim-hypervisor.js';

export interface SimGuestsOptions {
  readonly kernel: MemoryRoot;
  readonly hypervisor: SimHypervisor;
  readonly bootId: string;
  readonly directory: string;
  link(): GuestLink;
  readonly log: Log;
}

/** A room that opens when the profile of the simulated host first says something of guests. */
export function simGuestRoom(options: SimGuestsOptions): GuestRoom {
  const { link, log } = options;
  return new GuestRoom({
    isWanted: () => link().settings() !== undefined,
    open: () => openSimGuests(options),
    report: (told) => link().report(told),
    now: Date.now,
    log,
  });
}

async function openSimGuests({
  kernel,
  hypervisor,
  bootId,
  directory,
  link,
  log,
}: SimGuestsOptions): Promise<OpenGuests> {
  const readings = { read: () => ({}) }; // memory has no pressure: starts go at the fixed pace
  const clearPorts = (): Promise<string> => Promise.resolve('');
  const basics = guestBasics(
    { hypervisor, kernel, bootId, stateDirectory: directory, readings, clearPorts },
    log,
  );
  const { queue, files, clock } = basics;
  const { settings, isConnected, requestStarts, report } = link();
  const permits = new SessionPermits({ isConnected, say: requestStarts });
  const shouldRun = await ShouldRun.load({ file: join(directory, 'should-run.json'), bootId, log });
  const keeper = new GuestKeeper({
    ...{ hypervisor, settings, files, clock, shouldRun, looks: {}, say: report, now: Date.now, log },
    makeStages: (changed) =>
      new GuestStages({
        ...stagesOf(basics, log),
        ...{ settings, changed },
        hold: (uuids) => shouldRun.hold(uuids),
        isWanted: (uuid) => shouldRun.has(uuid),
        startParts: (now) => {
          basics.limit(now);
          return { queue, ...(now.start.fleet_limits && { permits }) };
        },
      }),
  });
  return {
    keeper,
    granted: (grant) => permits.granted(grant),
    askAgain: () => permits.again(),
    close: async () => queue.stop(),
  };
}
