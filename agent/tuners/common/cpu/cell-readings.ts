/** From which NUMA cells a domain may take memory, on which its vCPUs run, and how much of what it has lies where it should. */
import type { CgroupFacts } from '../../../../proto/gen/drover/v1/CgroupFacts.js';
import { formatCpuSet } from '../../../../proto/wire/cpu-set.js';
import {
  formatCells,
  readCellGroups,
  readChargedMemory,
  readHugetlbMemory,
  type CellMemory,
} from '../../../kernel/cgroup-cells.js';
import { allowedCpus } from '../../../kernel/procfs.js';
import type { DomainView } from '../../../libvirt/hypervisor.js';
import type { HostView, Knob, Reading, TunerPorts } from '../../tuner.js';
import { cellsOfCpus, type CellTopology } from './cell-topology.js';
import { domainObstacle, knobDomain } from '../domain-knob.js';
import { domainThreads } from './domain-threads.js';

/** The one knob of numa-memory. */
export const cellKnob = 'memory cells';

/** Below this share on the right cells, memory has not followed. QEMU's own pages and those that cannot move are some percent. */
const followedShare = 0.9;

export interface CellReading extends Reading {
  /** Cells of the CPUs that its vCPUs may run on, ascending; empty: not known. */
  readonly vcpuCells: readonly number[];
  /** Whether its XML sets a mode; undefined: it has no <numatune>. */
  readonly mode: string | undefined;
  readonly memoryBytes: number;
  /** Where its memory lies; undefined: the kernel does not tell. */
  readonly memory?: CellMemory | undefined;
}

/** The reading of one domain. */
export function cellReading(
  ports: TunerPorts,
  { facts }: HostView,
  layout: CgroupFacts,
  cells: readonly CellTopology[],
  view: DomainView,
): CellReading {
  const domain = knobDomain(ports.kernel, view);
  const knob = (source: string): Knob => ({ tuner: 'numa-memory', setting: cellKnob, domain, source });
  const own = {
    vcpuCells: [],
    mode: view.numaMemory?.mode,
    memoryBytes: view.memoryBytes,
    explicit: view.explicit.numaMemory,
  };
  const obstacle =
    domainObstacle(ports, domain, view) ??
    (facts.numaCells.length === 0 ? 'this kernel knows no NUMA cells' : undefined);
  const refused = (unsupported: string): CellReading => ({
    ...own,
    knob: knob('/sys/fs/cgroup'),
    unsupported,
  });
  if (obstacle !== undefined || view.pid === undefined) return refused(obstacle ?? 'it has no process');
  const groups = readCellGroups(ports.kernel, layout, view.pid);
  const [first] = groups;
  if (!first) return refused('the domain has no control group with a cpuset');
  const vcpuCpus = [...domainThreads(ports.kernel, view.pid).vcpus.values()].map(
    (tid) => allowedCpus(ports.kernel, view.pid as number, tid) ?? [],
  );
  const allowed = [...new Set(groups.flatMap((group) => group.cells))];
  const memory = view.hugepages
    ? facts.numaCells.length > 1
      ? readHugetlbMemory(ports.kernel, view.pid)
      : undefined
    : readChargedMemory(ports.kernel, layout, view.pid);
  return {
    ...own,
    knob: knob(first.file),
    value: formatCells(groups),
    memory,
    vcpuCells: cellsOfCpus(cells, [...new Set(vcpuCpus)].flat()),
    ...(allowed.length > 0 && memory && shareOn(allowed, memory)),
  };
}

/** `9505 of 9830 pages on cell 1`, and what is wrong where that is too few. */
function shareOn(
  allowed: readonly number[],
  { unit, byCell }: CellMemory,
): Pick<Reading, 'evidence' | 'ineffective'> {
  const sum = (cells: readonly number[]): number =>
    cells.reduce((all, cell) => all + (byCell.get(cell) ?? 0), 0);
  const all = sum([...byCell.keys()]);
  const here = sum(allowed);
  if (all === 0) return {};
  const cells = `${allowed.length === 1 ? 'cell' : 'cells'} ${formatCpuSet(allowed)}`;
  const evidence = `${here} of ${all} ${unit} on ${cells}`;
  if (here >= all * followedShare) return { evidence };
  return { evidence, ineffective: `its memory did not follow: only ${evidence}` };
}
