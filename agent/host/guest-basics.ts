/** What everybody who stops or starts the guests of a host needs: the running agent, commands, simulated hosts. */
import { join } from 'node:path';
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import type { GuestSettings } from '../../proto/wire/guest-settings.js';
import type { StageFiles, StagesOptions } from '../guests/stages.js';
import { StartGovernor, type StartLimits, type StartReading } from '../guests/start/governor.js';
import { StartQueue } from '../guests/start/start-queue.js';
import { steadyClock, type Clock } from '../guests/stop/clock.js';
import { StageFile } from '../guests/stop/stage-file.js';
import { stageOwner, takeStageLock } from '../guests/stop/stage-lock.js';
import type { KernelRoot } from '../kernel/root.js';
import type { GuestPower, Hypervisor } from '../libvirt/hypervisor.js';
import type { Log } from '../log.js';

/** A host as far as its guests go. */
export interface GuestHost {
  readonly hypervisor: Hypervisor | undefined;
  readonly kernel: KernelRoot;
  readonly bootId: string;
  readonly stateDirectory: string;
  /** What the host says of itself while guests start. */
  readonly readings: { read(): StartReading; isSettled?(uuid: string): boolean };
  /** Removes ports that are left though no guest runs; answers what it did, in words. */
  clearPorts(): Promise<string>;
}

export interface GuestBasics {
  readonly hypervisor: Hypervisor;
  readonly power: GuestPower;
  readonly clock: Clock;
  readonly files: StageFiles;
  readonly queue: StartQueue;
  /** Takes the limits of a profile over. */
  limit(settings: GuestSettings): void;
  lock(signal: AbortSignal): Promise<() => void>;
  /** The living process that owns the stage; undefined: none. */
  owner(): number | undefined;
  clearPorts(): Promise<string>;
}

/** Milliseconds of CLOCK_MONOTONIC, which all processes of a boot share. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000n) / 1000;

/** How long one who would stop or start guests waits for another process that does. */
const stageWaitMs = 600_000;

/** Until a profile says otherwise. */
const firstLimits: StartLimits = {
  ...{ parallel: 1, most: 1, ioPressurePercent: 40, cpuPressurePercent: 80 },
  ...{ storageLatencyMs: 50, settleMs: 10_000 },
};

/** Errors: `unavailable` where there is no hypervisor that can stop and start guests. */
export function guestBasics(host: GuestHost, log: Log): GuestBasics {
  const { hypervisor, kernel, bootId, stateDirectory, readings } = host;
  const power = hypervisor?.power;
  if (!hypervisor || !power)
    throw new DroverError('unavailable', 'no libvirt that can stop and start guests', { field: 'libvirt' });
  const clock = steadyClock();
  const stageFile = (name: string): StageFile =>
    new StageFile({ file: join(stateDirectory, name), bootId, clock, monotonicMs, log });
  const governor = new StartGovernor(firstLimits);
  const directory = join(stateDirectory, 'guest-stage');
  return {
    ...{ hypervisor, power, clock },
    files: {
      stop: stageFile('guest-stop.json'),
      start: stageFile('guest-start.json'),
      asked: stageFile('guest-stop-asked.json'),
    },
    queue: new StartQueue({ governor, now: monotonicMs, ...readings }),
    limit: ({ start }) => (governor.limits = limitsOf(start)),
    lock: (signal) => takeStageLock({ directory, kernel, clock, limitMs: stageWaitMs, signal }),
    owner: () => stageOwner(directory, kernel),
    clearPorts: () =>
      host.clearPorts().catch((thrown: unknown) => `ports not looked at: ${asDroverError(thrown).message}`),
  };
}

/** What stages need, but for what depends on who runs them. */
export function stagesOf(
  { hypervisor, power, files, clock, lock, clearPorts }: GuestBasics,
  log: Log,
): Omit<StagesOptions, 'settings' | 'startParts' | 'changed' | 'hold'> {
  return { hypervisor, power, files, clock, lock, clearPorts, log };
}

function limitsOf(start: GuestSettings['start']): StartLimits {
  return {
    parallel: start.parallel,
    most: start.most,
    ioPressurePercent: start.io_pressure_percent,
    cpuPressurePercent: start.cpu_pressure_percent,
    storageLatencyMs: start.storage_latency_ms,
    settleMs: start.settle_seconds * 1000,
  };
}
