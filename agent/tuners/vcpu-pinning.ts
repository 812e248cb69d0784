/**
 * Keeps vCPUs, emulators and I/O threads of domains on the shared CPUs of the host, and gives every vCPU of a domain
 * with `hw:cpu_policy=dedicated` a pCPU of its own. Read from /proc/PID/task/TID/status, which shows the effect of
 * affinity and cpuset together.
 */
import { parseCpuSet } from '../../proto/wire/cpu-set.js';
import { cellTopology } from './common/cpu/cell-topology.js';
import { cpuSets } from './common/cpu/cpu-sets.js';
import { hypervisorOf } from './common/domain-knob.js';
import { pinReadings, type PinReading } from './common/cpu/pin-readings.js';
import { pinWants } from './common/cpu/pin-wants.js';
import type { KnobDomain, Tuner } from './tuner.js';

const name = 'vcpu-pinning';

export const vcpuPinning: Tuner<typeof name> = {
  name,
  ofDomains: true,

  async observe(ports, host) {
    const cells = cellTopology(host.facts);
    // Where dedicated CPUs are given away, a look at one domain must see who has which already.
    const others = host.settings?.[name]?.dedicated === undefined ? [] : (host.others ?? []);
    return [...host.domains, ...others].flatMap((view) => pinReadings(ports, host, cells, view));
  },

  want(settings, readings, host) {
    const sets = cpuSets(settings, host.facts.cpu);
    const cells = cellTopology(host.facts);
    return pinWants({ settings, sets, cells, host }, readings as readonly PinReading[]);
  },

  async write(ports, knob, value) {
    const cpus = parseCpuSet(value, knob.setting);
    const domain = knob.domain as KnobDomain;
    const [thread, number] = knob.setting.split(' ');
    if (thread === 'emulator') return hypervisorOf(ports).pinEmulator(domain, cpus);
    if (thread === 'iothread') return hypervisorOf(ports).pinIoThread(domain, Number(number), cpus);
    return hypervisorOf(ports).pinVcpu(domain, Number(number), cpus);
  },
};
