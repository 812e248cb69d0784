/**
 * Keeps vCPUs, emulators and I/O threads of domains on the shared CPUs of the host, and gives every vCPU of a domain
 * with `hw:cpu_policy=dedicated` a pCPU of its own. Read from /proc/PID/task/TID/status, which shows the effect of
 * affinity and cpuset together.
 */
import { parseCpuSet, subtractCpus } from '../../proto/wire/cpu-set.js';
import { DroverError } from '../../proto/wire/errors.js';
import { readCgroupLayout } from '../kernel/cgroup.js';
import { cellsOf, cellTopology } from './common/cpu/cell-topology.js';
import { recalled } from '../kernel/derived.js';
import { cpuSets } from './common/cpu/cpu-sets.js';
import { boundsText, pinBounds } from './common/cpu/pin-bounds.js';
import { claimOf, PinPromises, type ClaimingKnob } from './common/cpu/pin-promises.js';
import { pinReadings, type PinReading } from './common/cpu/pin-readings.js';
import { pinWants } from './common/cpu/pin-wants.js';
import { hypervisorOf, knobDomain } from './common/domain-knob.js';
import { PerHost } from './common/per-host.js';
import type { HostView, Knob, KnobDomain, Tuner, TunerPorts } from './tuner.js';

const name = 'vcpu-pinning';

export const vcpuPinning = makeVcpuPinning();

/** The tuner with a memory of its own for promised CPUs: at most `maximumPromises` domains for each host. */
export function makeVcpuPinning(): Tuner<typeof name> {
  const memories = new PerHost(() => new PinPromises());
  return {
    name,
    ofDomains: true,

    async observe(ports, host) {
      return observePins(ports, host, memories.of(ports.kernel));
    },

    want(settings, readings, host) {
      const sets = cpuSets(settings, host.facts.cpu);
      const cells = cellTopology(host.facts);
      return pinWants({ settings, sets, cells, host }, readings as readonly PinReading[]);
    },

    async write(ports, knob, value) {
      promise(ports, knob, value, memories.of(ports.kernel));
      await pin(ports, knob, value);
      refuseBeyondBounds(ports, knob, value);
    },
  };
}

function clockMs({ monotonicMs = () => performance.now() }: TunerPorts): number {
  return monotonicMs();
}

function observePins(ports: TunerPorts, host: HostView, promises: PinPromises): PinReading[] {
  const { kernel } = ports;
  const cells = cellsOf(kernel, host.facts);
  const layout = host.facts.cgroup ?? readCgroupLayout(kernel);
  const inputs = [layout, cells, host.facts.numaCells, ports.hypervisor];
  // Where dedicated CPUs are given away, a look at one domain must see who has which already.
  const others = host.settings?.[name]?.dedicated === undefined ? [] : (host.others ?? []);
  const views = [...host.domains, ...others];
  const [nowMs, seen] = [clockMs(ports), promises.made];
  const domains = views.map((view) => knobDomain(kernel, view));
  const promisedBeside = promises.promisedBeside(kernel, domains, nowMs);
  const besides = promisedBeside.join();
  return views.flatMap((view, index) => {
    const cpus = promises.promisedTo(domains[index] as KnobDomain, nowMs);
    const told = cpus && JSON.stringify([...cpus]);
    return recalled(kernel, `${name} ${view.uuid}`, [view, ...inputs, told, seen, besides], (root) => {
      const bounds = view.pid === undefined ? undefined : pinBounds(root, layout, view.pid);
      return pinReadings({ ...ports, kernel: root }, host, cells, view).map((reading) => {
        const promised = cpus?.get(reading.knob.setting);
        return {
          ...reading,
          ...(bounds && { bounds }),
          ...(promised !== undefined && { promised }),
          ...(reading.role === 'emulator' && { seen, promisedBeside }),
        };
      });
    });
  });
}

/** Only what a plan claims is promised; an undo is always let through and gives its CPU back. */
function promise(ports: TunerPorts, knob: ClaimingKnob, value: string, promises: PinPromises): void {
  const domain = knob.domain as KnobDomain;
  const claim = knob[claimOf];
  if (claim?.value === value) promises.promise(ports.kernel, domain, claim, clockMs(ports));
  else promises.withdraw(domain, knob.setting);
}

function pin(ports: TunerPorts, { domain: of, setting }: Knob, value: string): Promise<void> {
  const cpus = parseCpuSet(value, setting);
  const domain = of as KnobDomain;
  const [thread, number] = setting.split(' ');
  if (thread === 'emulator') return hypervisorOf(ports).pinEmulator(domain, cpus);
  if (thread === 'iothread') return hypervisorOf(ports).pinIoThread(domain, Number(number), cpus);
  return hypervisorOf(ports).pinVcpu(domain, Number(number), cpus);
}

/** The pin is made all the same: it comes into force when the group above is widened. */
function refuseBeyondBounds({ kernel }: TunerPorts, { domain }: Knob, value: string): void {
  const pid = Number(domain?.incarnation.split('-')[0]);
  const bounds = Number.isNaN(pid) ? undefined : pinBounds(kernel, readCgroupLayout(kernel), pid);
  if (!bounds || subtractCpus(parseCpuSet(value), bounds.cpus).length === 0) return;
  const text = `${value} is pinned, but ${boundsText(bounds)}; widen that group`;
  throw new DroverError('failed-precondition', text);
}
