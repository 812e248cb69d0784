/** Who gets which dedicated CPU: tables, captured machines, and Nova's own answers. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { gatherFacts } from '../../../../agent/facts/index.js';
import { HostRoot } from '../../../../agent/kernel/root.js';
import { cellTopology, type CellTopology } from '../../../../agent/tuners/common/cpu/cell-topology.js';
import {
  assignCpus,
  type CpuAssignment,
  type CpuPool,
} from '../../../../agent/tuners/common/cpu/dedicated-cpus.js';
import type { CpuDemand } from '../../../../agent/tuners/common/cpu/find-place.js';
import { maximumPromises, PinPromises } from '../../../../agent/tuners/common/cpu/pin-promises.js';
import { parseCpuSet } from '../../../../proto/wire/cpu-set.js';

t.setTimeout(120_000);

const shared =
  process.env['DROVER_SHARED'] ?? fileURLToPath(new URL('../../../../../../shared', import.meta.url));
const noShared = existsSync(shared) ? {} : { skip: `nothing at ${shared} (DROVER_SHARED names the folder)` };

/** Cells by text: cores divided by spaces, threads by commas. */
const cells = (...texts: string[]): CellTopology[] =>
  texts.map((text, id) => ({ id, cores: text.split(' ').map((core) => parseCpuSet(core)) }));
const smt = cells('0,8 1,9 2,10 3,11', '4,12 5,13 6,14 7,15');
const plain = cells('0 1 2 3', '4 5 6 7');

interface Ask extends Partial<Omit<CpuDemand, 'vcpus' | 'present' | 'presentEmulator'>> {
  readonly vcpus: number;
  /** CPUs that the vCPUs are on now, one each. */
  readonly now?: readonly number[];
  readonly emulatorNow?: readonly number[];
}

function demand(uuid: string, { vcpus, now = [], emulatorNow = [], ...rest }: Ask): CpuDemand {
  const numbers = Array.from({ length: vcpus }, (_, vcpu) => vcpu);
  const more = {
    emulator: false,
    threads: 'prefer',
    maximumCells: 1,
    homeCells: [],
    mustStayHome: false,
  } as const;
  const present = new Map(
    numbers.map((vcpu) => [vcpu, now[vcpu] === undefined ? [0, 1, 2, 3] : [now[vcpu]]]),
  );
  return { ...more, ...rest, uuid, vcpus: numbers, present, presentEmulator: emulatorNow };
}

const say = (assigned: CpuAssignment | undefined): string =>
  assigned === undefined
    ? 'nothing'
    : 'reason' in assigned
      ? assigned.reason
      : `${[...assigned.cpus.values()].join()}${assigned.emulator === undefined ? '' : ` e${assigned.emulator}`}`;

const assign = (pool: CpuPool, asks: Record<string, Ask>): Record<string, string> => {
  const result = assignCpus(
    pool,
    Object.entries(asks).map(([uuid, ask]) => demand(uuid, ask)),
  );
  return Object.fromEntries(Object.keys(asks).map((uuid) => [uuid, say(result.get(uuid))]));
};

const pool = (topology: CellTopology[], dedicated: string, occupied = ''): CpuPool => ({
  cells: topology,
  dedicated: parseCpuSet(dedicated),
  occupied: parseCpuSet(occupied),
});

void t.test('dedicated CPUs: who gets which', async (t) => {
  const table: [string, CpuPool, Record<string, Ask>, Record<string, string>][] = [
    ['siblings go together', pool(smt, '0-15'), { a: { vcpus: 4 } }, { a: '0,8,1,9' }],
    [
      'an odd one breaks a core',
      pool(smt, '0-15'),
      { a: { vcpus: 3 }, b: { vcpus: 2 } },
      { a: '0,8,1', b: '2,10' },
    ],
    ['no whole core is left', pool(smt, '0-3'), { a: { vcpus: 4 } }, { a: '0,1,2,3' }],
    [
      'one cell, and the fuller one first',
      pool(plain, '0-7'),
      { a: { vcpus: 3 }, b: { vcpus: 2 }, c: { vcpus: 1 } },
      { a: '0,1,2', b: '4,5', c: '3' },
    ],
    [
      'never over cells by itself',
      pool(plain, '0-2,4-6'),
      { a: { vcpus: 4 } },
      { a: 'needs 4 dedicated CPUs in one cell, 3 are free' },
    ],
    [
      'over cells where the guest has two',
      pool(plain, '0-2,4-6'),
      { a: { vcpus: 4, maximumCells: 2 } },
      { a: '0,1,4,5' },
    ],
    [
      'one cell is enough all the same',
      pool(plain, '0-7'),
      { a: { vcpus: 4, maximumCells: 2 } },
      { a: '0,1,2,3' },
    ],
    [
      'too much for two cells',
      pool(plain, '0-2,4-6'),
      { a: { vcpus: 8, maximumCells: 2 } },
      { a: 'needs 8 dedicated CPUs in 2 cells, 6 are free' },
    ],
    [
      'isolate takes a core for each and keeps others off it',
      pool(smt, '0-3,8-11'),
      { a: { vcpus: 2, threads: 'isolate' }, b: { vcpus: 4 }, c: { vcpus: 1 } },
      { a: '0,1', b: '2,10,3,11', c: 'needs 1 dedicated CPUs in one cell, 0 are free' },
    ],
    [
      'isolate needs whole cores',
      pool(smt, '0-3,8-9'),
      { a: { vcpus: 3, threads: 'isolate' } },
      { a: 'needs 3 whole dedicated cores (hw:cpu_thread_policy isolate) in one cell, 2 are free' },
    ],
    [
      'require takes whole cores',
      pool(smt, '0-3,9-11'),
      { a: { vcpus: 4, threads: 'require' }, b: { vcpus: 4, threads: 'require' } },
      {
        a: '1,9,2,10',
        b: 'needs 4 dedicated CPUs on whole cores (hw:cpu_thread_policy require) in one cell, 2 are free',
      },
    ],
    [
      'require without siblings',
      pool(plain, '0-7'),
      { a: { vcpus: 2, threads: 'require' } },
      { a: 'hw:cpu_thread_policy is require, and this host runs no sibling threads' },
    ],
    [
      'a CPU for the emulator, in the same cell',
      pool(plain, '0-3,5'),
      { a: { vcpus: 3, emulator: true } },
      { a: '0,1,2 e3' },
    ],
    ['the broken core serves it', pool(smt, '0-15'), { a: { vcpus: 3, emulator: true } }, { a: '0,8,1 e9' }],
    [
      'beside isolated vCPUs not their sibling',
      pool(smt, '0-2,8-10'),
      { a: { vcpus: 2, emulator: true, threads: 'isolate' } },
      { a: '0,1 e2' },
    ],
    [
      'no CPU for the emulator',
      pool(plain, '0-3'),
      { a: { vcpus: 4, emulator: true } },
      { a: 'needs 4 dedicated CPUs and one for its emulator in one cell, 4 are free' },
    ],
    [
      'who sits stays',
      pool(plain, '0-7'),
      { a: { vcpus: 2 }, b: { vcpus: 2, now: [1, 0] } },
      { a: '2,3', b: '1,0' },
    ],
    [
      'two on one CPU: the first stays',
      pool(plain, '0-3'),
      { a: { vcpus: 1, now: [1] }, b: { vcpus: 1, now: [1] } },
      { a: '1', b: '0' },
    ],
    ['out of the set: moves', pool(plain, '4-7'), { a: { vcpus: 2, now: [3, 4] } }, { a: '4,5' }],
    [
      'sits against its policy: moves',
      pool(smt, '0-15'),
      { a: { vcpus: 2, now: [0, 8], threads: 'isolate' } },
      { a: '0,1' },
    ],
    ['sits over two cells: moves', pool(plain, '0-7'), { a: { vcpus: 2, now: [3, 4] } }, { a: '0,1' }],
    [
      'a CPU that is being left is the last choice',
      pool(smt, '0-3,8-11'),
      { m: { vcpus: 2, now: [0, 8], threads: 'isolate' }, n: { vcpus: 2 } },
      { m: '0,1', n: '2,10' },
    ],
    [
      'who cannot move keeps what it has',
      pool(plain, '0-3'),
      { m: { vcpus: 5, now: [0, 1] }, n: { vcpus: 3 } },
      {
        m: 'needs 5 dedicated CPUs in one cell, 4 are free',
        n: 'needs 3 dedicated CPUs in one cell, 2 are free',
      },
    ],
    ['somebody else is pinned there', pool(plain, '0-3', '0-1'), { a: { vcpus: 2 } }, { a: '2,3' }],
    ['near its memory', pool(plain, '0-7'), { a: { vcpus: 2, homeCells: [1] } }, { a: '4,5' }],
    ['memory may be left', pool(plain, '0-4'), { a: { vcpus: 2, homeCells: [1] } }, { a: '0,1' }],
    [
      'memory may not be left',
      pool(plain, '0-4'),
      { a: { vcpus: 2, homeCells: [1], mustStayHome: true } },
      {
        a: 'needs 2 dedicated CPUs in cell 1, where its memory is, 1 is free; numa-memory with follow: cpus or a higher cross_cell_limit_mb would let it move',
      },
    ],
    [
      'the emulator keeps its CPU',
      pool(plain, '0-3'),
      { a: { vcpus: 1, now: [2], emulator: true, emulatorNow: [3] } },
      { a: '2 e3' },
    ],
    [
      'or gets one',
      pool(plain, '0-3'),
      { a: { vcpus: 1, now: [2], emulator: true, emulatorNow: [0, 1] } },
      { a: '2 e0' },
    ],
    ['or there is none', pool(plain, '2'), { a: { vcpus: 1, now: [2], emulator: true } }, { a: '2' }],
  ];
  for (const [name, given, asks, expected] of table) {
    t.same(assign(given, asks), expected, name);
    const turned = Object.fromEntries(Object.entries(asks).toReversed());
    t.same(assign(given, turned), expected, `${name}, whatever the order`);
  }
});

/** A captured machine's facts. */
function dump(t: Test, name: string) {
  const directory = mkdtempSync(join(tmpdir(), 'drover-pinning-dump-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  execFileSync('tar', [
    'xzf',
    join(shared, 'host-dumps', name, 'tree.tar.gz'),
    '-C',
    directory,
    'sys/devices/system',
  ]);
  return gatherFacts(new HostRoot(directory), {
    versions: {},
    services: {},
    inventory: {},
    diskTotalBytes: 0,
  });
}

void t.test('dedicated CPUs on captured machines', noShared, async (t) => {
  const table: [string, string, Record<string, Ask>][] = [
    [
      'x86-xeon4108-2s16c-smt-hugepages-cgroup1',
      '2-31',
      {
        a: { vcpus: 4 },
        b: { vcpus: 3, threads: 'isolate' },
        c: { vcpus: 16, threads: 'require' },
        d: { vcpus: 20, maximumCells: 2 },
      },
    ],
    ['ppc64le-power9-gpu-memory-nodes', '0-103', { a: { vcpus: 8 }, b: { vcpus: 2, threads: 'isolate' } }],
    [
      'x86-i7-1370p-hybrid-cgroup2',
      '2-19',
      { a: { vcpus: 4, threads: 'require' }, b: { vcpus: 9, threads: 'isolate' } },
    ],
  ];
  for (const [machine, set, asks] of table) {
    const facts = dump(t, machine);
    const topology = cellTopology(facts);
    const online = parseCpuSet(facts.cpu?.online ?? '');
    const given = {
      cells: topology,
      dedicated: parseCpuSet(set).filter((cpu) => online.includes(cpu)),
      occupied: [],
    };
    const demands = Object.entries(asks).map(([uuid, ask]) => demand(uuid, ask));
    const first = assignCpus(given, demands);
    const used = new Set<number>();
    for (const each of demands) {
      const place = first.get(each.uuid);
      if (!place || 'reason' in place) {
        t.match(place?.reason, /^needs \d+ /, `${machine}: ${each.uuid} is told why`);
        continue;
      }
      const cpus = [...place.cpus.values()];
      t.ok(
        cpus.every((cpu) => given.dedicated.includes(cpu) && !used.has(cpu)),
        `${machine}: ${each.uuid} has ${cpus.join()}`,
      );
      for (const cpu of cpus) used.add(cpu);
      const inCells = topology.filter(({ cores }) => cores.flat().some((cpu) => cpus.includes(cpu)));
      t.ok(inCells.length <= each.maximumCells, `${machine}: ${each.uuid} in ${inCells.length} cells`);
      const cores = topology
        .flatMap((cell) => cell.cores)
        .filter((core) => core.some((cpu) => cpus.includes(cpu)));
      if (each.threads === 'isolate') {
        t.equal(cores.length, cpus.length, `${machine}: a core for each`);
        for (const cpu of cores.flat()) used.add(cpu);
      }
      if (each.threads === 'require') t.ok(cores.every((core) => core.length > 1));
    }
    const settled = demands.map((each) => {
      const place = first.get(each.uuid);
      return !place || 'reason' in place
        ? each
        : { ...each, present: new Map([...place.cpus].map(([vcpu, cpu]) => [vcpu, [cpu]])) };
    });
    const said = (assigned: Map<string, CpuAssignment>): Record<string, string> =>
      Object.fromEntries(demands.map(({ uuid }) => [uuid, say(assigned.get(uuid))]));
    t.same(said(assignCpus(given, settled)), said(first), `${machine}: once placed, all stay`);
    for (const leaver of settled) {
      const rest = settled.filter((each) => each !== leaver);
      const again = assignCpus(given, rest);
      for (const each of rest)
        if ('cpus' in (first.get(each.uuid) ?? {}))
          t.equal(
            say(again.get(each.uuid)),
            say(first.get(each.uuid)),
            `${machine}: ${each.uuid} stays when ${leaver.uuid} goes`,
          );
    }
  }
});

interface VectorCell {
  readonly id: number;
  readonly pcpuset: number[];
  readonly pinned_cpus: number[];
  readonly siblings: number[][];
  readonly memory: number;
  readonly memory_usage: number;
  readonly mempages: { size_kb: number; total: number; used: number; reserved: number }[];
  readonly network_metadata?: object | null;
}
interface Vector {
  readonly id: string;
  readonly hosts: { numa_topology: { cells: VectorCell[] } | null }[];
  readonly request: {
    pci_requests?: object[];
    flavor: { vcpus: number; memory_mb: number; extra_specs: Record<string, string> };
  };
  readonly expect: {
    instance_numa_topology: {
      cells: { cpu_policy: string | null; cpu_thread_policy: string | null; pagesize: number | null }[];
    } | null;
    emulator_threads_policy?: string | null;
    fits?: ({ fits: boolean; cells?: { cpu_pinning: Record<string, number> }[] } | null)[];
  };
}

void t.test('as many vCPUs as Nova fits into one cell', noShared, async (t) => {
  const text = gunzipSync(readFileSync(join(shared, 'nova-vectors', 'numa.jsonl.gz'))).toString();
  const vectors = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Vector);
  let compared = 0;
  for (const { id, hosts, request, expect } of vectors) {
    const [guest, ...more] = expect.instance_numa_topology?.cells ?? [];
    if (!guest || more.length > 0 || guest.cpu_policy !== 'dedicated') continue;
    for (const [index, { numa_topology }] of hosts.entries()) {
      const fit = expect.fits?.[index];
      if (!fit || !numa_topology || request.pci_requests?.length) continue;
      const { vcpus, memory_mb } = request.flavor;
      const roomy = numa_topology.cells.every(
        ({ memory, memory_usage, mempages, network_metadata }) =>
          !network_metadata &&
          memory - memory_usage >= memory_mb &&
          mempages.some(
            ({ size_kb, total, used, reserved }) =>
              size_kb === 4 && (total - used - reserved) * 4 >= memory_mb * 1024,
          ),
      );
      if (!fit.fits && (!roomy || guest.pagesize !== null)) continue; // it may be for want of memory
      const topology = numa_topology.cells.map(({ id: cell, siblings }) => ({ id: cell, cores: siblings }));
      const threads = (guest.cpu_thread_policy ?? 'prefer') as CpuDemand['threads'];
      const given = {
        cells: topology,
        dedicated: numa_topology.cells.flatMap(({ pcpuset }) => pcpuset),
        occupied: numa_topology.cells.flatMap(({ pinned_cpus }) => pinned_cpus),
      };
      const ask = demand('a', {
        vcpus,
        threads,
        emulator:
          (request.flavor.extra_specs['hw:emulator_threads_policy'] ?? expect.emulator_threads_policy) ===
          'isolate',
      });
      const place = assignCpus(given, [ask]).get('a');
      compared++;
      t.equal(
        place !== undefined && 'cpus' in place,
        fit.fits,
        `${id} host ${index}: ${vcpus} vCPUs, ${threads}: ${say(place)}`,
      );
    }
  }
  t.ok(compared > 30, `${compared} hosts compared`);
});

void t.test('dedicated CPUs that an XML pins to stay with their domain', async (t) => {
  const fixed = new Map([
    [1, new Set(['a'])],
    [2, new Set(['other'])],
  ]);
  const asks = { a: { vcpus: 1, now: [1] }, b: { vcpus: 2 } };
  t.same(assign({ ...pool(plain, '0-3'), fixed }, asks), { a: '1', b: '0,3' });
  t.same(
    assign({ ...pool(plain, '0-2'), fixed }, asks),
    { a: '1', b: 'needs 2 dedicated CPUs in one cell, 1 is free' },
    'and nobody else gets them',
  );
});

void t.test('promises are bounded', async (t) => {
  const promises = new PinPromises(3);
  const claim = { value: '', cpus: new Map([['vcpu 0 affinity', 4]]), taken: [4], seen: 0 };
  const domain = (number: number) => ({ uuid: `${number}`, name: 'x', incarnation: 'unknown' });
  const root = new HostRoot('/nonexistent');
  for (let number = 0; number < 9; number++)
    promises.promise(root, domain(number), { ...claim, seen: number }, 0);
  t.same([promises.size, promises.made, maximumPromises], [3, 9, 4_096]);
  t.same([5, 6].map((number) => promises.promisedTo(domain(number), 0)?.size), [undefined, 1], 'the newest stay');
}); // prettier-ignore
