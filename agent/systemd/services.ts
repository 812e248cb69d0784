/** Starts and stops systemd units, and waits until that is done (org.freedesktop.systemd1(5), StartUnit and StopUnit). */
import { setTimeout as sleep } from 'node:timers/promises';
import { DroverError, invalid } from '../../proto/wire/errors.js';
import { callBus, variant, type BusOptions } from './bus.js';
import { listUnits, managerObject, type Unit } from './units.js';

/** Errors of every call: those of `callBus`. */
export interface UnitServices {
  /** ActiveState by unit; units that are not installed are absent. */
  states(units: readonly string[]): Promise<Record<string, string>>;
  /** Done when the unit is active. Errors: `failed-precondition` when its start failed, `deadline-exceeded`. */
  start(unit: string): Promise<void>;
  /** Done when the unit is inactive or failed. Errors: `deadline-exceeded`; systemd goes on stopping it then. */
  stop(unit: string): Promise<void>;
  /** Sets limits of a unit's control group until the next boot. Errors: `invalid-argument` for no CPU. */
  setResources(unit: string, limits: UnitResources): Promise<void>;
}

/** What is absent stays. `memoryMaxBytes` Infinity: no limit. */
export interface UnitResources {
  readonly allowedCpus?: readonly number[];
  readonly memoryMaxBytes?: number;
}

export interface ServicesOptions extends BusOptions {
  /** How long a start or stop may take; 30,000. systemd itself kills a service that takes 90 s to stop. */
  readonly jobTimeoutMs?: number;
  /** Milliseconds of a clock that only goes forward. */
  readonly monotonicMs?: () => number;
}

/** Pauses between two looks grow from the first to the last. */
const firstPauseMs = 20;
const longestPauseMs = 500;

/** systemd's manager on a bus. */
export function services(options: ServicesOptions = {}): UnitServices {
  const drive = async (member: 'StartUnit' | 'StopUnit', unit: string): Promise<Unit | undefined> => {
    // `replace`: a job that is queued for the unit gives way to this one.
    await callBus({ ...managerObject, member, signature: 'ss', body: [unit, 'replace'] }, options);
    return jobEnd(unit, options);
  };
  return {
    states: async (units) =>
      Object.fromEntries(
        [...(await listUnits(units, options))].map(([name, { activeState }]) => [name, activeState]),
      ),
    start: async (unit) => {
      const state = (await drive('StartUnit', unit))?.activeState ?? 'not installed';
      if (state !== 'active' && state !== 'reloading') throw refused(unit, 'started', state);
    },
    stop: async (unit) => {
      const state = (await drive('StopUnit', unit))?.activeState ?? 'inactive';
      if (state !== 'inactive' && state !== 'failed') throw refused(unit, 'stopped', state);
    },
    setResources: async (unit, limits) => {
      const properties = resourceProperties(limits);
      if (properties.length === 0) return;
      // `true`: a run-time drop-in, gone with the next boot (SetUnitProperties).
      await callBus(
        {
          ...managerObject,
          member: 'SetUnitProperties',
          signature: 'sba(sv)',
          body: [unit, true, properties],
        },
        options,
      );
    },
  };
}

/** systemd's word for no limit (UINT64_MAX). */
const noLimit = 2n ** 64n - 1n;

/** AllowedCPUs is a bit mask, the lowest byte first; MemoryMax is bytes (org.freedesktop.systemd1(5)). */
function resourceProperties({ allowedCpus, memoryMaxBytes }: UnitResources): [string, unknown][] {
  const properties: [string, unknown][] = [];
  if (allowedCpus?.length === 0) throw invalid('allowedCpus', 'no CPU', 'at least one CPU');
  if (allowedCpus) properties.push(['AllowedCPUs', variant('ay', cpuMask(allowedCpus))]);
  if (memoryMaxBytes !== undefined) {
    const bytes = Number.isFinite(memoryMaxBytes) ? BigInt(Math.trunc(memoryMaxBytes)) : noLimit;
    properties.push(['MemoryMax', variant('t', bytes)]);
  }
  return properties;
}

function cpuMask(cpus: readonly number[]): Buffer {
  const mask = Buffer.alloc((Math.max(...cpus) >> 3) + 1);
  for (const cpu of cpus) mask[cpu >> 3] = (mask[cpu >> 3] as number) | (1 << (cpu & 7));
  return mask;
}

/**
 * How the unit stands when systemd has no job for it any more. Polled: a signal JobRemoved may be sent before one listens
 * to it, and is lost with its connection.
 */
async function jobEnd(unit: string, options: ServicesOptions): Promise<Unit | undefined> {
  const { jobTimeoutMs = 30_000, monotonicMs = () => performance.now() } = options;
  const endMs = monotonicMs() + jobTimeoutMs;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    const found = (await listUnits([unit], options)).get(unit);
    if (!found?.isBusy && found?.activeState !== 'activating' && found?.activeState !== 'deactivating')
      return found;
    if (monotonicMs() >= endMs)
      throw new DroverError(
        'deadline-exceeded',
        `${unit} is still ${found.activeState} after ${jobTimeoutMs} ms`,
        {
          field: unit,
          value: found.activeState,
        },
      );
    await sleep(pauseMs);
  }
}

function refused(unit: string, what: string, state: string): DroverError {
  return new DroverError('failed-precondition', `${unit} was to be ${what} and is ${state}`, {
    field: unit,
    value: state,
    cure: `systemctl status ${unit}`,
  });
}
