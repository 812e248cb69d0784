/**
 * Keeps the memory of domains on the NUMA cells of their vCPUs: a pin alone moves no page. Read from cpuset.mems of the
 * domain's groups (admin-guide/cgroup-v1/cpusets.rst, cgroup-v2.rst), written through virDomainSetNumaParameters, which
 * moves what is there already; the kernel's counters show whether it came.
 */
import { parseCpuSet } from '../../proto/wire/cpu-set.js';
import { readCellRoom, readFreePools } from '../kernel/cell-room.js';
import { inheritedCells, readCellGroups, readMemoryCells, type CellGroup } from '../kernel/cgroup-cells.js';
import { recalled } from '../kernel/derived.js';
import type { KernelRoot } from '../kernel/root.js';
import { cellReading } from './common/cpu/cell-readings.js';
import type { CellRooms } from './common/cpu/cell-ledger.js';
import { cellsOf } from './common/cpu/cell-topology.js';
import { cellWants, type RoomReading } from './common/cpu/cell-wants.js';
import { hypervisorOf } from './common/domain-knob.js';
import { readCgroupLayout } from '../kernel/cgroup.js';
import { readPageBytes } from '../kernel/ksm.js';
import type { HostView, KnobDomain, Tuner } from './tuner.js';

const name = 'numa-memory';

export const numaMemory: Tuner<typeof name> = {
  name,
  ofDomains: true,

  async observe(ports, host) {
    const cells = cellsOf(ports.kernel, host.facts);
    const layout = host.facts.cgroup ?? readCgroupLayout(ports.kernel);
    const rooms = roomsOf(ports.kernel, host);
    const pageBytes = readPageBytes(ports.kernel);
    const inputs = [layout, cells, rooms, pageBytes, host.facts.numaCells, ports.hypervisor];
    return host.domains.map((view) =>
      recalled(ports.kernel, `${name} ${view.uuid}`, [view, ...inputs], (kernel): RoomReading => ({
        ...cellReading({ ...ports, kernel }, host, layout, cells, view),
        rooms,
        pageBytes,
      })),
    );
  },

  want(settings, readings, host) {
    return cellWants(settings, readings as readonly RoomReading[], host);
  },

  async write(ports, knob, value) {
    const domain = knob.domain as KnobDomain;
    if (/^[\d,-]+$/.test(value))
      return hypervisorOf(ports).setMemoryCells(domain, parseCpuSet(value, knob.setting));
    // No call of libvirt can say these: first all cells, so that libvirt's own record forbids none, then file by file.
    await hypervisorOf(ports).setMemoryCells(domain, readMemoryCells(ports.kernel) ?? [0]);
    for (const { file, text } of filesOf(ports.kernel, domain, value)) await ports.kernel.write(file, text);
  },
};

/** Undefined: with fewer than two cells that have memory, none moves. */
function roomsOf(kernel: KernelRoot, { facts, domains }: HostView): CellRooms | undefined {
  const cells = facts.numaCells.filter(({ memoryBytes }) => memoryBytes > 0);
  if (cells.length < 2) return undefined;
  const rooms = cells.flatMap(({ id }) => {
    const room = readCellRoom(kernel, id);
    return room ? [[id, room] as const] : [];
  });
  const pools = domains.some(({ hugepages }) => hugepages) ? readFreePools(kernel) : [];
  return { ordinary: new Map(rooms), pools };
}

/** The files of a value that is `inherited` or `mixed`, with what each is to hold. */
function filesOf(
  kernel: KernelRoot,
  { incarnation }: KnobDomain,
  value: string,
): { file: string; text: string }[] {
  const groups = readCellGroups(kernel, readCgroupLayout(kernel), Number(incarnation.split('-')[0]));
  const lists = new Map<string, string>();
  for (const pair of value.replace(/^mixed /, '').split(' ')) {
    const [group = '', cells = ''] = pair.split('=');
    lists.set(group, cells);
  }
  const textOf = ({ name: group }: CellGroup): string | undefined =>
    value === inheritedCells ? '' : lists.get(group);
  return groups.flatMap((group) => {
    const text = textOf(group);
    return text === undefined ? [] : [{ file: group.file, text: `${text}\n` }];
  });
}
