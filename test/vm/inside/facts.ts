/** The facts of a host with a unified hierarchy, two cells and every controller, beside what the kernel says itself. */
import type { Checks } from './checks.js';
import { cgroup, text } from './kernel-files.js';

/** What is looked at of `drover-agent facts`. */
export interface Facts {
  readonly cpu: { readonly online: string };
  readonly cgroup: {
    readonly mode: string;
    readonly controllers: Readonly<Record<string, string>>;
    readonly unified: string;
    readonly unified_controllers: readonly string[];
  };
  readonly numa_cells: readonly Cell[];
  readonly versions: Readonly<Record<string, string>>;
  readonly block_devices: readonly { readonly name: string; readonly device_number: string }[];
  readonly warnings: readonly string[];
}

interface Cell {
  readonly id: number;
  readonly cpus: string;
  readonly memory_bytes: number;
  readonly distances: Readonly<Record<string, number>>;
}

/** Compares them field by field. */
export function checkFacts(checks: Checks, facts: Facts): void {
  const { mode, controllers, unified, unified_controllers: unifiedControllers } = facts.cgroup;
  checks.equal('facts: cgroup version 2 alone', [mode, controllers, unified], ['v2', {}, cgroup]);
  checks.equal('facts: controllers', unifiedControllers.join(' '), text(`${cgroup}/cgroup.controllers`));
  checks.equal(
    'facts: cells',
    facts.numa_cells.map(({ id, cpus, distances }) => [id, cpus, distances]),
    [
      [0, '0', { 0: 10, 1: 21 }],
      [1, '1', { 0: 21, 1: 10 }],
    ],
  );
  for (const { id, memory_bytes: bytes } of facts.numa_cells)
    checks.equal(`facts: memory of cell ${id}`, bytes, cellBytes(id));
  checks.equal(
    'facts: disks',
    facts.block_devices.map(({ name, device_number: number }) => `${name} ${number}`),
    ['vda', 'vdb'].map((name) => `${name} ${text(`/sys/class/block/${name}/dev`)}`),
  );
  // An emulated libvirtd is too slow for the agent's deadline when it is asked for its version the first time; it says so.
  const others = facts.warnings.filter((warning) => !/^libvirt: no answer within \d+ ms$/.test(warning));
  checks.equal('facts: no warnings', others, []);
  const { kernel, openvswitch = '' } = facts.versions;
  checks.equal('facts: kernel', kernel, text('/proc/sys/kernel/osrelease'));
  checks.ok('facts: Open vSwitch', /^\d+\.\d+\.\d+$/.test(openvswitch), openvswitch);
}

function cellBytes(id: number): number {
  const meminfo = text(`/sys/devices/system/node/node${id}/meminfo`);
  return Number(/MemTotal:\s+(\d+) kB/.exec(meminfo)?.[1]) * 1024;
}
