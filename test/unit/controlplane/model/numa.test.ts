/** What flavor and image ask for of NUMA cells, and what cells a host offers. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import t from 'tap';
import { gatherFacts } from '../../../../agent/facts/index.js';
import { HostRoot } from '../../../../agent/kernel/root.js';
import type { HostNuma } from '../../../../controlplane/model/host-numa.js';
import { hostNumaOf } from '../../../../controlplane/model/host-numa-facts.js';
import { guestNumaOf } from '../../../../controlplane/model/numa/guest-numa-of.js';
import { checkRequest, requestFor } from '../../../../controlplane/model/request.js';
import type { HostFacts } from '../../../../proto/gen/drover/v1/HostFacts.js';
import { placementRequest } from '../../../support/placement-request.js';

type Specs = Record<string, string>;

const pinned = { 'hw:cpu_policy': 'dedicated' };

function guest(vcpus: number, memoryMb: number, extraSpecs: Specs, properties: Specs = {}) {
  const { flavor } = requestFor({ name: 'f', vcpus, memoryMb, extraSpecs });
  return guestNumaOf(flavor, { id: 'i', name: 'i', properties });
}

t.test('what a flavor and an image ask for', (t) => {
  const asked: [string, Specs, Specs, string | null][] = [
    ['nothing', {}, {}, null],
    ['a shared policy alone', { 'hw:cpu_policy': 'shared' }, {}, null],
    ['dedicated vCPUs', pinned, {}, 'd0,1,2,3 1024'],
    ['by the image', {}, { hw_cpu_policy: 'dedicated' }, 'd0,1,2,3 1024'],
    ['by PCPUs', { 'resources:PCPU': '4' }, {}, 'd0,1,2,3 1024'],
    ['two cells', { 'hw:numa_nodes': '2' }, {}, 's0,1 512; s2,3 512'],
    ['a mask', { 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '^0' }, {}, 's0 d1,2,3 1024'],
    [
      'realtime as mask',
      { 'hw:cpu_policy': 'mixed', 'hw:cpu_realtime': 'yes', 'hw:cpu_realtime_mask': '^0-1' },
      {},
      's0,1 d2,3 1024',
    ],
    [
      'cells of its own',
      {
        'hw:numa_nodes': '2',
        'hw:numa_cpus.0': '0,3',
        'hw:numa_mem.0': '256',
        'hw:numa_cpus.1': '1-2',
        'hw:numa_mem.1': '768',
      },
      {},
      's0,3 256; s1,2 768',
    ],
    ['pages', { 'hw:mem_page_size': '2MB' }, {}, 's0,1,2,3 1024 p2048'],
    [
      'pages of the image',
      { 'hw:mem_page_size': 'large' },
      { hw_mem_page_size: '1GB' },
      's0,1,2,3 1024 p1048576',
    ],
    ['a fraction of a page', { 'hw:mem_page_size': '2047b' }, {}, 's0,1,2,3 1024'],
  ];
  for (const [name, specs, properties, wanted] of asked) {
    const cells = guest(4, 1024, specs, properties)?.cells.map(
      ({ sharedVcpus: s, dedicatedVcpus: d, memoryMb, pageSize }) =>
        [s.length > 0 && `s${s.join()}`, d.length > 0 && `d${d.join()}`, memoryMb, pageSize && `p${pageSize}`]
          .filter(Boolean)
          .join(' '),
    );
    t.equal(cells?.join('; ') ?? null, wanted, name);
  }
  t.match(guest(2, 64, { ...pinned, 'trait:HW_CPU_HYPERTHREADING': 'forbidden' })?.cells[0], {
    threadPolicy: 'isolate',
  });
  t.end();
});

t.test('what Nova refuses is refused with field and cure', (t) => {
  const refused: [Specs, Specs, string][] = [
    [{ 'hw:numa_nodes': '3' }, {}, 'extra_specs.hw:numa_nodes'],
    [{ 'hw:numa_nodes': '0' }, {}, 'extra_specs.hw:numa_nodes'],
    [{ 'hw:numa_nodes': '2' }, { hw_numa_nodes: '2' }, 'image.properties.hw_numa_nodes'],
    [{}, { hw_numa_nodes: 'x' }, 'image.properties.hw_numa_nodes'],
    [{ 'hw:numa_nodes': '2', 'hw:numa_cpus.0': '0-3' }, {}, 'extra_specs.hw:numa_nodes'],
    [
      { 'hw:numa_nodes': '1', 'hw:numa_cpus.0': '0-4', 'hw:numa_mem.0': '1024' },
      {},
      'extra_specs.hw:numa_cpus',
    ],
    [{ 'hw:numa_nodes': '1', 'hw:numa_cpus.0': '0-3', 'hw:numa_mem.0': '1' }, {}, 'extra_specs.hw:numa_mem'],
    [{ 'hw:cpu_policy': 'x' }, {}, 'extra_specs.hw:cpu_policy'],
    [{ 'hw:cpu_policy': 'shared' }, { hw_cpu_policy: 'dedicated' }, 'image.properties.hw_cpu_policy'],
    [{ 'hw:cpu_thread_policy': 'require' }, {}, 'extra_specs.hw:cpu_thread_policy'],
    [{ 'hw:emulator_threads_policy': 'isolate' }, {}, 'extra_specs.hw:emulator_threads_policy'],
    [{ 'hw:cpu_policy': 'mixed' }, {}, 'extra_specs.hw:cpu_dedicated_mask'],
    [{ 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '0-3' }, {}, 'extra_specs.hw:cpu_dedicated_mask'],
    [
      { 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '0-99999999' },
      {},
      'extra_specs.hw:cpu_dedicated_mask',
    ],
    [{ 'hw:cpu_realtime': 'yes', 'hw:cpu_realtime_mask': '^0' }, {}, 'extra_specs.hw:cpu_realtime'],
    [{ ...pinned, 'resources:PCPU': '4' }, {}, 'extra_specs.hw:cpu_policy'],
    [{ 'resources:PCPU': '3' }, {}, 'extra_specs.resources:PCPU'],
    [{ 'hw:mem_page_size': '2M' }, {}, 'extra_specs.hw:mem_page_size'],
    [{}, { hw_mem_page_size: 'large' }, 'image.properties.hw_mem_page_size'],
    [{ 'hw:locked_memory': 'true' }, {}, 'extra_specs.hw:locked_memory'],
  ];
  for (const [specs, properties, field] of refused)
    t.throws(
      () => guest(4, 1024, specs, properties),
      { code: 'invalid-argument', field, cure: /\w/ },
      JSON.stringify(specs),
    );
  const request = (extraSpecs: Specs, properties: Specs = {}) =>
    checkRequest(
      placementRequest({ vcpus: 4, memoryMb: 1024, extraSpecs, image: { name: 'x', properties } }),
    );
  const atRequest: [Specs, Specs, string][] = [
    [{ 'hw:numa_nodes': '3' }, {}, 'request.extra_specs.hw:numa_nodes'],
    [
      { 'hw:cpu_max_sockets': '2' },
      { hw_cpu_max_sockets: '4' },
      'request.image.properties.hw_cpu_max_sockets',
    ],
    [{ 'hw:cpu_max_cores': '2' }, { hw_cpu_cores: '4' }, 'request.image.properties.hw_cpu_cores'],
    [{ 'hw:cpu_threads': 'x' }, {}, 'request.extra_specs.hw:cpu_threads'],
    [{ 'hw:mem_encryption': 'true' }, {}, 'request.image.properties.hw_firmware_type'],
    [
      { 'hw:mem_encryption': 'true' },
      { hw_mem_encryption: 'false' },
      'request.image.properties.hw_mem_encryption',
    ],
    [
      { 'hw:mem_encryption': 'true' },
      { hw_firmware_type: 'uefi', hw_machine_type: 'pc' },
      'request.image.properties.hw_machine_type',
    ],
    [{ 'hw:pci_numa_affinity_policy': 'near' }, {}, 'request.extra_specs.hw:pci_numa_affinity_policy'],
    [
      {
        'hw:numa_nodes': '2',
        'hw:numa_cpus.0': '0-1',
        'hw:numa_mem.0': '2024',
        'hw:numa_cpus.1': '2-3',
        'hw:numa_mem.1': '-1000',
      },
      {},
      'request.extra_specs.hw:numa_mem.1',
    ],
  ];
  for (const [specs, properties, field] of atRequest)
    t.throws(() => request(specs, properties), { code: 'invalid-argument', field, cure: /\w/ }, field);
  t.equal(request(pinned).numa?.cells.length, 1, 'a request carries its cells');
  const device = {
    vcpus: 1,
    memoryMb: 64,
    pciRequests: [{ count: 1, specs: [{ keys: { vendor_id: '8086' } }] }],
  };
  const near = checkRequest(
    placementRequest({ ...device, extraSpecs: { 'hw:pci_numa_affinity_policy': 'socket' } }),
  );
  t.match(
    near,
    { pciRequests: [{ numaPolicy: 'socket' }], image: { properties: {} } },
    'devices take the policy of the flavor',
  );
  t.end();
});

const shared = resolve(process.env['DROVER_SHARED'] ?? resolve(process.cwd(), '../shared'), 'host-dumps');
const skip = existsSync(shared) ? {} : { skip: 'needs the captured machines: set DROVER_SHARED' };

/** Most of a dump, and nothing of what cells are made of: small files are slow to make. */
const unread = ['cache', 'cpuidle', 'cpufreq', 'power', 'thermal_throttle', 'die_*', 'package_*'].map(
  (name) => `--exclude=${name}`,
);

function factsOf(name: string): HostFacts {
  const folder = mkdtempSync(join(tmpdir(), 'drover-numa-'));
  try {
    execFileSync('tar', ['-xzf', join(shared, name, 'tree.tar.gz'), '-C', folder, ...unread]);
    return gatherFacts(new HostRoot(folder), {
      versions: {},
      services: {},
      inventory: {},
      diskTotalBytes: 0,
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

t.test('cells of captured machines', skip, (t) => {
  const xeon = factsOf('x86-xeon-2s4n-snc-hugepages');
  const cellsWith = (...settings: [string?, string?]) => hostNumaOf(xeon, ...settings) as HostNuma;
  const plain = cellsWith();
  t.equal(plain.cells.length, 4);
  t.match(plain.cells[2], {
    id: 2,
    socket: 1,
    dedicatedCpus: [],
    memoryMb: 48_379,
    sharedCpus: { length: 20 },
  });
  t.strictSame(plain.cells[0]?.siblings[0], [0, 40]);
  t.strictSame(
    plain.cells[0]?.pages.map(({ sizeKb, total }) => [sizeKb, total]),
    [
      [4, 10_690_681],
      [2048, 2560],
      [1_048_576, 0],
    ],
  );
  const pools = {
    pools: [
      { size: '2MiB', reserved_pages: 10 },
      { size: '1GiB', cell: 1, pages: 2, reserved_pages: 2 },
    ],
  };
  const split = cellsWith('{"shared":"0-3","dedicated":"3-$,^5"}', JSON.stringify(pools));
  t.match(split.cells[0], { sharedCpus: [0, 1, 2], siblings: [[0, 40], [1, 41], [2, 42], [45]] });
  t.strictSame(split.cells[1]?.sharedCpus, [], 'a CPU in both sets is dedicated');
  t.strictSame(
    split.cells.map(({ pages }) => pages.map(({ reserved }) => reserved).join()),
    ['0,3,0', '0,3,2', '0,3,0', '0,3,0'],
  );
  const kept = cellsWith('{"reserved":"0,40"}');
  t.strictSame([kept.cells[0]?.sharedCpus.includes(0), kept.cells[0]?.dedicatedCpus], [false, []]);
  t.strictSame(cellsWith('{"shared":"200-$"}'), plain, 'a set of another host counts as none');
  const power = hostNumaOf(factsOf('ppc64le-power9-gpu-memory-nodes'), undefined) as HostNuma;
  t.match(power.cells[0], {
    siblings: [
      [0, 1, 2, 3],
      [4, 5, 6, 7],
      [8, 9, 10, 11],
      [12, 13, 14, 15],
    ],
    pages: [{ sizeKb: 64 }],
  });
  t.match(power.cells.at(-1), { sharedCpus: [], siblings: [], socket: null }, 'memory of an accelerator');
  t.end();
});
