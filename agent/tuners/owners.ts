/** Programs that write the same settings, stopped while the profile says so (systemd: org.freedesktop.systemd1(5), StopUnit). */
import { ownerUnits, type OwnerUnit } from '../../proto/tuners/owners.js';
import { asDroverError, DroverError } from '../../proto/wire/errors.js';
import { processesNamed, type NamedProcess } from '../kernel/named-processes.js';
import type { KernelRoot } from '../kernel/root.js';
import { ownerProcess } from './common/owner-table.js';
import type { Knob, Reading, Tuner, TunerPorts } from './tuner.js';

const name = 'owners';

export const owners: Tuner<typeof name> = {
  name,

  async observe(ports) {
    const states = await statesOf(ports);
    if (typeof states !== 'string') return ownerUnits.map((unit) => unitReading(unit, states[unit]));
    const processes = runningOwners(ports.kernel);
    return ownerUnits.map((unit) => processReading(unit, processes, states));
  },

  want(settings) {
    return settings.take_over.map((unit) => ({
      knob: knobOf(unit),
      value: 'inactive',
      effect: 'now',
      affects: [],
    }));
  },

  async write({ services }, knob, value) {
    if (!services) throw new DroverError('unsupported', 'there is no systemd on this host');
    await (value === 'active' ? services.start(knob.setting) : services.stop(knob.setting));
  },
};

function knobOf(unit: OwnerUnit): Knob {
  return { tuner: name, setting: unit, source: `org.freedesktop.systemd1 ${unit}` };
}

/** ActiveState by unit, or in words why nobody tells. */
async function statesOf({ services }: TunerPorts): Promise<Record<string, string> | string> {
  if (!services) return 'there is no systemd on this host';
  try {
    return await services.states(ownerUnits);
  } catch (thrown) {
    return asDroverError(thrown).message;
  }
}

const endedStates = new Set(['inactive', 'failed']);

function unitReading(unit: OwnerUnit, state: string | undefined): Reading {
  const knob = knobOf(unit);
  if (state === undefined) return { knob, value: 'inactive', evidence: 'not installed' };
  return { knob, value: endedStates.has(state) ? 'inactive' : 'active', evidence: `systemd says ${state}` };
}

function runningOwners(kernel: KernelRoot): NamedProcess[] {
  return processesNamed(
    kernel,
    ownerUnits.flatMap((unit) => ownerProcess(unit) ?? []),
  );
}

/** Without systemd a program that does not run is as good as stopped; one that runs cannot be stopped from here. */
function processReading(unit: OwnerUnit, processes: readonly NamedProcess[], why: string): Reading {
  const knob = knobOf(unit);
  const running = processes.find((each) => each.name === ownerProcess(unit));
  if (!running) return { knob, value: 'inactive', evidence: 'no such process' };
  return { knob, unsupported: `${running.name} runs as process ${running.pid}, and ${why}: stop it by hand` };
}
