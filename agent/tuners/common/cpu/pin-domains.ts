/** Domains as vcpu-pinning sees them: their readings, their policy, where their memory is, and what they ask for. */
import type { VcpuPinningSettings } from '../../../../proto/wire/tuner-settings.js';
import type { DomainView } from '../../../libvirt/hypervisor.js';
import type { HostView } from '../../tuner.js';
import type { CellTopology } from './cell-topology.js';
import type { CpuSets } from './cpu-sets.js';
import type { CpuDemand } from './find-place.js';
import { defaultCrossCellLimitMb, memoryFollows } from './memory-cells.js';
import type { PinReading } from './pin-readings.js';
import { pinningPolicy, type PinningPolicy } from './pinning-policy.js';

/** What the wants of one pass go by. */
export interface PinContext {
  readonly settings: VcpuPinningSettings;
  readonly sets: CpuSets;
  readonly cells: readonly CellTopology[];
  readonly host: HostView;
}

/** One domain as its pins are decided. */
export interface PinDomain {
  readonly readings: readonly PinReading[];
  readonly vcpus: readonly PinReading[];
  readonly policy: PinningPolicy | { readonly fault: string };
  readonly homeCells: readonly number[];
  readonly memoryBytes: number;
  /** It may leave the cells of its memory. */
  readonly mayLeave: boolean;
  readonly uuid: string;
  /** Nothing of it can be written now, as its XML is not known: it has what it has. */
  readonly isUntouchable: boolean;
}

/** A domain with at least one vCPU that gets a CPU of its own. */
export type Dedicated = PinDomain & { readonly policy: PinningPolicy };

/** Whether any vCPU of it gets a CPU of its own. */
export function isDedicated(domain: PinDomain): domain is Dedicated {
  return !domain.isUntouchable && 'own' in domain.policy && domain.policy.own.length > 0;
}

/** The readings by domain, in the order in which domains come first. */
export function groupByDomain({ settings, host }: PinContext, readings: readonly PinReading[]): PinDomain[] {
  const views = new Map([...host.domains, ...(host.others ?? [])].map((view) => [view.uuid, view]));
  const groups = new Map<string, PinReading[]>();
  for (const reading of readings) {
    const uuid = reading.knob.domain?.uuid ?? '';
    const own = groups.get(uuid);
    if (own) own.push(reading);
    else groups.set(uuid, [reading]);
  }
  return [...groups].map(([uuid, own]) => describe(settings, host, uuid, own, views.get(uuid)));
}

function describe(
  settings: VcpuPinningSettings,
  host: HostView,
  uuid: string,
  readings: readonly PinReading[],
  view: DomainView | undefined,
): PinDomain {
  const vcpus = readings.filter(({ role }) => role === 'vcpu');
  const numbers = vcpus.map(({ number }) => number);
  const limitBytes = (settings.cross_cell_limit_mb ?? defaultCrossCellLimitMb) * 2 ** 20;
  const memoryBytes = view?.memoryBytes ?? 0;
  return {
    ...{ uuid, readings, vcpus, memoryBytes },
    isUntouchable: view?.xmlUnknown !== undefined,
    policy: pinningPolicy(view ?? { specs: {} }, numbers, settings),
    homeCells: readings.find(({ role }) => role === 'emulator')?.homeCells ?? [],
    mayLeave: memoryFollows(host.settings) || memoryBytes < limitBytes,
  };
}

/** What a domain asks of the dedicated CPUs. */
export function demandOf({ uuid, readings, vcpus, policy, homeCells, mayLeave }: Dedicated): CpuDemand {
  const own = vcpus.filter(({ number }) => policy.own.includes(number));
  return {
    ...{ uuid, homeCells, threads: policy.threads, maximumCells: policy.maximumCells },
    vcpus: own.map(({ number }) => number),
    emulator: policy.emulator === 'isolate',
    mustStayHome: homeCells.length > 0 && !mayLeave,
    present: new Map(own.map((reading) => [reading.number, presentCpus(reading)])),
    presentEmulator: readings.filter(({ role }) => role === 'emulator').flatMap(presentCpus),
  };
}

/** What is promised counts as pinned. */
function presentCpus({ promised, cpus }: PinReading): readonly number[] {
  return promised === undefined ? cpus : [promised];
}
