/** Where the threads of a domain may run now, one reading for each vCPU, for the emulator and for each I/O thread. */
import { formatCpuSet, subtractCpus } from '../../../../proto/wire/cpu-set.js';
import { allowedCpus, allowedCpuSet } from '../../../kernel/procfs.js';
import type { DomainView } from '../../../libvirt/hypervisor.js';
import type { HostView, Knob, Reading, TunerPorts } from '../../tuner.js';
import type { CellTopology } from './cell-topology.js';
import { domainObstacle, knobDomain, valueOr } from '../domain-knob.js';
import { domainThreads } from './domain-threads.js';
import { homeCells } from './memory-cells.js';
import type { PinBounds } from './pin-bounds.js';

const name = 'vcpu-pinning';

export interface PinReading extends Reading {
  readonly role: 'vcpu' | 'emulator' | 'iothread';
  /** Of the vCPU or I/O thread; 0 for the emulator. */
  readonly number: number;
  /** Empty where it could not be read. */
  readonly cpus: readonly number[];
  /** Cells of the domain's memory, on the emulator's reading; empty: not known. */
  readonly homeCells: readonly number[];
  /** The CPUs that the group above the domain leaves it; absent: all. */
  readonly bounds?: PinBounds;
  /** The CPU that it was promised lately; it may not be pinned there yet. */
  readonly promised?: number;
  /** On the emulator's reading: promises made before this look, and CPUs promised to domains that it is not about. */
  readonly seen?: number;
  readonly promisedBeside?: readonly number[];
}

/** The readings of one domain: vCPUs by number, then the emulator, then I/O threads by number. */
export function pinReadings(
  ports: TunerPorts,
  { facts }: HostView,
  cells: readonly CellTopology[],
  view: DomainView,
): PinReading[] {
  const domain = knobDomain(ports.kernel, view);
  const obstacle = domainObstacle(ports, domain, view);
  const blank = { number: 0, cpus: [], homeCells: [] };
  const knob = (setting: string, source = '/proc'): Knob => ({ tuner: name, setting, domain, source });
  if (obstacle !== undefined)
    return [
      ...untouchedVcpus(ports, view, knob, obstacle),
      { ...blank, role: 'emulator', knob: knob('emulator affinity'), unsupported: obstacle },
    ];
  const pid = view.pid as number;
  const read = (role: PinReading['role'], number: number, tid: number, explicit: boolean): PinReading => {
    const allowed = allowedCpuSet(ports.kernel, pid, tid);
    const source = `/proc/${pid}/task/${tid}/status`;
    return {
      ...{ role, number, cpus: allowed?.cpus ?? [], homeCells: [], explicit },
      knob: knob(role === 'emulator' ? 'emulator affinity' : `${role} ${number} affinity`, source),
      ...valueOr(allowed?.text, `${source} cannot be read`),
    };
  };
  const threads = domainThreads(ports.kernel, pid);
  const { vcpuPins, ioThreadPins, emulatorPin } = view.explicit;
  const vcpus = [...threads.vcpus].map(([vcpu, tid]) => read('vcpu', vcpu, tid, vcpuPins.includes(vcpu)));
  const noThreads = 'no thread of its own for each vCPU';
  if (vcpus.length === 0)
    vcpus.push({ ...blank, role: 'vcpu', knob: knob('vcpu affinity'), unsupported: noThreads });
  const run = [...new Set(vcpus.map(({ cpus }) => cpus))].flat();
  const emulator = read('emulator', 0, pid, emulatorPin);
  const ioThreads = [...threads.ioThreads].map(([number, tid]) =>
    read('iothread', number, tid, ioThreadPins.includes(number)),
  );
  const home = homeCells(ports.kernel, facts, cells, pid, run);
  return [
    ...vcpus,
    { ...emulator, homeCells: home, ...followers(ports, pid, emulator, threads.emulator) },
    ...ioThreads,
  ];
}

/** vCPUs of a domain that runs and whose XML alone is not known: no other domain may get their CPUs. */
function untouchedVcpus(
  ports: TunerPorts,
  view: DomainView,
  knob: (setting: string, source?: string) => Knob,
  unsupported: string,
): PinReading[] {
  const { pid } = view;
  const isXml = domainObstacle(ports, knobDomain(ports.kernel, view), {}) === undefined;
  if (pid === undefined || !isXml) return [];
  return [...domainThreads(ports.kernel, pid).vcpus].map(([number, tid]) => ({
    ...{ role: 'vcpu', number, homeCells: [], unsupported },
    knob: knob(`vcpu ${number} affinity`, `/proc/${pid}/task/${tid}/status`),
    cpus: allowedCpus(ports.kernel, pid, tid) ?? [],
  }));
}

/** Whether QEMU's other threads keep to the CPUs of its main loop: a pin of that alone would leave disk workers anywhere. */
function followers(
  { kernel }: TunerPorts,
  pid: number,
  { cpus, value: on = '' }: PinReading,
  tids: readonly number[],
): Pick<Reading, 'evidence' | 'ineffective'> {
  const read = tids.flatMap((tid) => {
    const allowed = tid === pid ? cpus : allowedCpus(kernel, pid, tid);
    return allowed ? [{ tid, allowed }] : [];
  });
  const astray = read.filter(({ allowed }) => allowed !== cpus && subtractCpus(allowed, cpus).length > 0);
  const evidence = `${read.length - astray.length} of ${read.length} emulator threads on ${on}`;
  const [first] = astray;
  if (!first) return { evidence };
  return { evidence, ineffective: `thread ${first.tid} may still run on ${formatCpuSet(first.allowed)}` };
}
