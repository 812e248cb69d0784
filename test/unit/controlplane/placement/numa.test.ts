/** NUMA and passthrough devices: where a guest fits, what it takes and gives back. */
import fc from 'fast-check';
import t from 'tap';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import { hasBit } from '../../../../controlplane/fleet/registry-columns.js';
import type { GuestNuma } from '../../../../controlplane/model/guest-numa.js';
import { noDetails, type PciPool } from '../../../../controlplane/model/host-details.js';
import type { HostCell, HostNuma } from '../../../../controlplane/model/host-numa.js';
import { guestNumaOf } from '../../../../controlplane/model/numa/guest-numa-of.js';
import { type CheckedRequest, requestFor } from '../../../../controlplane/model/request.js';
import { novaSettings } from '../../../../controlplane/model/scheduler-settings.js';
import { numaTopologyFilter } from '../../../../controlplane/placement/filters/numa-topology-filter.js';
import { pciPassthroughFilter } from '../../../../controlplane/placement/filters/pci-passthrough-filter.js';
import { narrow } from '../../../../controlplane/placement/narrow.js';
import { mostMeasures } from '../../../../controlplane/placement/numa/cell-room.js';
import { consume, giveBack, placementsOf } from '../../../../controlplane/placement/numa/cell-usage.js';
import { returnRoom, takeRoom } from '../../../../controlplane/placement/numa/claim-room.js';
import { numaReasons } from '../../../../controlplane/placement/numa/diagnose-fit.js';
import { type FitAsk, fitLimits } from '../../../../controlplane/placement/numa/fit-ask.js';
import { fitAsNova, placeGuest } from '../../../../controlplane/placement/numa/place-guest.js';
import { claimDevices, returnDevices } from '../../../../controlplane/placement/pci/claim-devices.js';
import { codec } from '../../../../proto/wire/load.js';

type Specs = Record<string, string>;

const image = (properties: Specs) => ({ id: 'i', name: 'i', properties });
const flavor = (vcpus: number, memoryMb: number, extraSpecs: Specs) =>
  requestFor({ name: 'f', vcpus, memoryMb, extraSpecs }).flavor;
const guest = (vcpus: number, memoryMb: number, specs: Specs, properties: Specs = {}) =>
  guestNumaOf(flavor(vcpus, memoryMb, specs), image(properties));

/** Cores of two threads: cpu and cpu + 1. */
function cell(id: number, cores: number, more: Partial<HostCell> = {}): HostCell {
  const first = id * cores * 2;
  const siblings = Array.from({ length: cores }, (_, core) => [first + 2 * core, first + 2 * core + 1]);
  return {
    id,
    sharedCpus: [],
    dedicatedCpus: siblings.flat(),
    memoryMb: 4096,
    memoryUsedMb: 0,
    vcpusUsed: 0,
    pinnedCpus: [],
    siblings,
    socket: id >> 1,
    pages: [{ sizeKb: 4, total: 1_048_576, used: 0, reserved: 0 }],
    network: { physnets: [], tunneled: false },
    ...more,
  };
}

const large = (total: number, used = 0, reserved = 0) => [
  { sizeKb: 4, total: 524_288, used: 0, reserved: 0 },
  { sizeKb: 2048, total, used, reserved },
];

function ask(wanted: GuestNuma | null, more: Partial<FitAsk> = {}): FitAsk {
  return {
    guest: wanted ?? { cells: [], emulatorThreadsPolicy: null },
    limits: { cpuAllocationRatio: 1, ramAllocationRatio: 1 },
    packs: false,
    network: null,
    pciRequests: [],
    pciPools: undefined,
    budget: { choices: 100_000 },
    ...more,
  };
}

/** Host cell and pCPUs by guest cell: `1: 4,6 +8 2048`, with emulator CPUs and page size. */
function fitted(cells: readonly HostCell[], asked: FitAsk, fit = placeGuest): string | undefined {
  return fit({ cells }, asked)
    ?.map(({ hostCell, pinning, emulatorCpus, pageSize }) => {
      const emulator = emulatorCpus.length > 0 ? ` +${emulatorCpus.join()}` : '';
      return `${hostCell}: ${pinning.map(([, cpu]) => cpu).join()}${emulator}${pageSize ? ` ${pageSize}` : ''}`;
    })
    .join('; ');
}

const pinned = { 'hw:cpu_policy': 'dedicated' };

t.test('pinning, pages and the order of cells', (t) => {
  const threads = (policy: string, more: Specs = {}) => ({
    ...pinned,
    'hw:cpu_thread_policy': policy,
    ...more,
  });
  const isolate = { 'hw:emulator_threads_policy': 'isolate' };
  const any = { 'hw:mem_page_size': 'any' };
  const legacy = (one: HostCell): HostCell => ({ ...one, sharedCpus: one.dedicatedCpus });
  const rows: [string, HostCell[], GuestNuma | null, Partial<FitAsk>, string | undefined][] = [
    ['siblings together', [cell(0, 4)], guest(3, 64, pinned), {}, '0: 0,1,2'],
    ['whole cores before broken ones', [cell(0, 4, { pinnedCpus: [0] })], guest(2, 64, pinned), {}, '0: 2,3'],
    [
      'single threads where siblings do not suffice',
      [cell(0, 2, { pinnedCpus: [0] })],
      guest(3, 64, pinned),
      {},
      '0: 1,2,3',
    ],
    [
      'require takes no single threads',
      [cell(0, 2, { pinnedCpus: [0] })],
      guest(3, 64, threads('require')),
      {},
      undefined,
    ],
    [
      'require on cores of two',
      [cell(0, 3, { pinnedCpus: [0] })],
      guest(3, 64, threads('require')),
      {},
      '0: 2,3,4',
    ],
    ['isolate on a host of two sets', [cell(0, 4)], guest(2, 64, threads('isolate')), {}, undefined],
    [
      'isolate on the old single set',
      [legacy(cell(0, 4, { pinnedCpus: [3] }))],
      guest(2, 64, threads('isolate')),
      {},
      '0: 0,4',
    ],
    ['an emulator CPU beside', [cell(0, 4)], guest(3, 64, { ...pinned, ...isolate }), {}, '0: 0,1,2 +3'],
    ['no room for the emulator', [cell(0, 2)], guest(4, 64, { ...pinned, ...isolate }), {}, undefined],
    [
      'an emulator CPU of another core',
      [legacy(cell(0, 4))],
      guest(2, 64, threads('isolate', isolate)),
      {},
      '0: 0,2 +4',
    ],
    ['the emptier cell', [cell(0, 4, { pinnedCpus: [0] }), cell(1, 4)], guest(2, 64, pinned), {}, '1: 8,9'],
    [
      'the fuller cell',
      [cell(0, 4, { pinnedCpus: [0] }), cell(1, 4)],
      guest(2, 64, pinned),
      { packs: true },
      '0: 2,3',
    ],
    [
      'dedicated memory is not overcommitted',
      [cell(0, 4, { memoryUsedMb: 4000 })],
      guest(2, 128, pinned),
      {},
      undefined,
    ],
    [
      'the largest pages with room',
      [cell(0, 4, { pages: large(64) })],
      guest(2, 128, { ...pinned, ...any }),
      {},
      '0: 0,1 2048',
    ],
    [
      'small pages else',
      [cell(0, 4, { pages: large(64, 1) })],
      guest(2, 128, { ...pinned, ...any }),
      {},
      '0: 0,1 4',
    ],
    [
      'reserved pages are no room',
      [cell(0, 4, { pages: large(64, 0, 1) })],
      guest(2, 128, { ...pinned, 'hw:mem_page_size': 'large' }),
      {},
      undefined,
    ],
    [
      'memory that is no whole page',
      [cell(0, 4, { pages: large(64) })],
      guest(2, 127, { ...pinned, 'hw:mem_page_size': 'large' }),
      {},
      undefined,
    ],
    [
      'a size that the host has not',
      [cell(0, 4)],
      guest(2, 128, { ...pinned, 'hw:mem_page_size': '1GB' }),
      {},
      undefined,
    ],
    [
      'two cells',
      [cell(0, 4), cell(1, 4)],
      guest(4, 128, { ...pinned, 'hw:numa_nodes': '2' }),
      {},
      '0: 0,1; 1: 8,9',
    ],
    [
      'more cells than the host',
      [cell(0, 4)],
      guest(4, 128, { ...pinned, 'hw:numa_nodes': '2' }),
      {},
      undefined,
    ],
    [
      'a ratio of shared vCPUs',
      [cell(0, 2, { sharedCpus: [0, 1], vcpusUsed: 3 })],
      guest(2, 64, { 'hw:numa_nodes': '1' }),
      {},
      undefined,
    ],
    [
      'a higher ratio',
      [cell(0, 2, { sharedCpus: [0, 1], vcpusUsed: 3 })],
      guest(2, 64, { 'hw:numa_nodes': '1' }),
      { limits: { cpuAllocationRatio: 3, ramAllocationRatio: 1 } },
      '0: ',
    ],
    [
      'near its network',
      [cell(0, 4), cell(1, 4, { network: { physnets: ['a'], tunneled: false } })],
      guest(2, 64, pinned),
      { network: { physnets: ['a'], tunneled: false } },
      '1: 8,9',
    ],
    [
      'a network near no cell',
      [cell(0, 4), cell(1, 4)],
      guest(2, 64, pinned),
      { network: { physnets: ['a'], tunneled: true } },
      '0: 0,1',
    ],
    [
      'tunnels elsewhere',
      [
        cell(0, 4, { pinnedCpus: [0, 1, 2, 3, 4, 5, 6, 7], network: { physnets: [], tunneled: true } }),
        cell(1, 4),
      ],
      guest(2, 64, pinned),
      { network: { physnets: [], tunneled: true } },
      undefined,
    ],
  ];
  for (const [name, cells, wanted, more, answer] of rows)
    t.equal(fitted(cells, ask(wanted, more)), answer, name);
  t.end();
});

const pool = (numaCell: number | null, count: number, more: Partial<PciPool> = {}): PciPool => ({
  vendorId: '8086',
  productId: '1520',
  numaCell,
  count,
  deviceType: 'type-PCI',
  tags: {},
  ...more,
});
const wants = (count: number, numaPolicy?: string, spec: Specs = { vendor_id: '8086' }) => ({
  count,
  specs: [spec],
  numaPolicy,
});

t.test('devices, near and far', (t) => {
  const cells = [0, 1, 2].map((id) => cell(id, 2));
  const full = (...ids: number[]) =>
    cells.map((one) => (ids.includes(one.id) ? { ...one, pinnedCpus: one.dedicatedCpus } : one));
  const asked = guest(2, 64, pinned);
  const rows: [string, PciPool[], string | undefined, HostCell[], string | undefined][] = [
    ['to the device', [pool(2, 1)], 'required', cells, '2: 8,9'],
    ['no room near it', [pool(2, 1)], 'required', full(2), undefined],
    ['legacy: near one that is near no cell', [pool(null, 1)], undefined, cells, '0: 0,1'],
    ['legacy: not far', [pool(2, 1)], undefined, full(2), undefined],
    ['required: not near no cell', [pool(null, 1)], 'required', cells, undefined],
    ['preferred: far if it must be', [pool(2, 1)], 'preferred', full(2), '0: 0,1'],
    ['socket: the other cell of it', [pool(0, 1)], 'socket', full(0), '1: 4,5'],
    ['socket: not another one', [pool(2, 1)], 'socket', full(2), undefined],
  ];
  for (const [name, pciPools, policy, host, answer] of rows)
    t.equal(fitted(host, ask(asked, { pciPools, pciRequests: [wants(1, policy)] })), answer, name);
  const kinds: [string, PciPool[], ReturnType<typeof wants>[], boolean][] = [
    [
      'any case',
      [pool(0, 1, { tags: { physical_network: 'NET1' } })],
      [wants(1, undefined, { physical_network: 'net1' })],
      true,
    ],
    [
      'physical functions are not handed out unasked',
      [pool(0, 1, { deviceType: 'type-PF' })],
      [wants(1)],
      false,
    ],
    [
      'asked for',
      [pool(0, 1, { deviceType: 'type-PF' })],
      [wants(1, undefined, { dev_type: 'type-PF' })],
      true,
    ],
    ['nor those managed elsewhere', [pool(0, 1, { tags: { remote_managed: 'true' } })], [wants(1)], false],
    ['several pools together', [pool(0, 1), pool(1, 2)], [wants(3)], true],
    ['once only', [pool(0, 2)], [wants(2), wants(1)], false],
    ['a cell as text is none', [pool(0, 1)], [wants(1, undefined, { numa_node: '0' })], false],
  ];
  for (const [name, pools, requests, supported] of kinds)
    t.equal(claimDevices(pools, requests, null) !== undefined, supported, name);
  const before = [pool(0, 2), pool(1, 1), pool(null, 1, { tags: { a: 'b' } })];
  const claim = claimDevices(before, [wants(3)], null);
  t.strictSame(claim?.left, [pool(null, 1, { tags: { a: 'b' } })]);
  const back = returnDevices(claim?.left ?? [], claim?.taken ?? []);
  t.strictSame(new Set(back), new Set(before), 'a claim that is returned');
  t.end();
});

t.test('where the memory of Nova misleads it, a claim is not misled', (t) => {
  // No cell has five CPUs. Nova takes the third guest cell to fit where the first one did, under the id that it left.
  const cells = [0, 1, 2, 3].map((id) => ({ ...cell(id, 2), sharedCpus: cell(id, 2).dedicatedCpus }));
  const wanted = guest(9, 768, {
    ...pinned,
    ...{ 'hw:numa_nodes': '3', 'hw:numa_cpus.0': '0,1', 'hw:numa_cpus.1': '2,3', 'hw:numa_cpus.2': '4-8' },
    ...{ 'hw:numa_mem.0': '192', 'hw:numa_mem.1': '192', 'hw:numa_mem.2': '384' },
  });
  const asked = ask(wanted);
  const nova = fitAsNova({ cells }, asked);
  t.ok(nova, 'Nova lets the host pass');
  t.equal(placeGuest({ cells }, asked), undefined, 'no claim');
  t.end();
});

const policies = fc.constantFrom('prefer', 'isolate', 'require', '');
const madeCell = fc.record({
  cores: fc.integer({ min: 1, max: 4 }),
  isOld: fc.boolean(),
  pinnedEvery: fc.integer({ min: 2, max: 9 }),
  largePages: fc.integer({ min: 0, max: 128 }),
});
const madeGuest = fc.record({
  vcpus: fc.integer({ min: 1, max: 4 }),
  cells: fc.integer({ min: 1, max: 3 }),
  policy: policies,
  isShared: fc.boolean(),
  isIsolated: fc.boolean(),
  pages: fc.constantFrom('', 'large', 'any', 'small'),
});

function guestOf(made: typeof madeGuest extends fc.Arbitrary<infer Made> ? Made : never): GuestNuma | null {
  const specs: Specs = { 'hw:numa_nodes': String(made.cells) };
  if (made.pages !== '') specs['hw:mem_page_size'] = made.pages;
  if (!made.isShared) {
    specs['hw:cpu_policy'] = 'dedicated';
    if (made.policy !== '') specs['hw:cpu_thread_policy'] = made.policy;
    if (made.isIsolated) specs['hw:emulator_threads_policy'] = 'isolate';
  }
  return guest(made.vcpus * made.cells, 128 * made.cells, specs);
}

t.test('guests take what is free, each CPU and page once, and give all of it back', (t) => {
  let placed = 0;
  fc.assert(
    fc.property(
      fc.array(madeCell, { minLength: 1, maxLength: 4 }),
      fc.array(madeGuest, { maxLength: 12 }),
      (made, guests) => {
        const cells = made.map(({ cores, isOld, pinnedEvery, largePages }, id) => {
          const plain = cell(id, 4, { pages: large(largePages) });
          const dedicatedCpus = plain.dedicatedCpus.slice(0, 2 * cores);
          const pinnedCpus = dedicatedCpus.filter((cpu) => cpu % pinnedEvery === 1);
          return {
            ...plain,
            dedicatedCpus,
            pinnedCpus,
            sharedCpus: isOld ? dedicatedCpus : plain.dedicatedCpus.slice(2 * cores),
          };
        });
        const before: HostNuma = { cells };
        let host = before;
        const held = [];
        for (const one of guests) {
          const fit = placeGuest(host, ask(guestOf(one)));
          const placements =
            fit &&
            codec('Allocation').decode(codec('Allocation').encode({ cells: placementsOf(host, fit) })).cells;
          const after = placements && consume(host, placements);
          if (!after) continue;
          held.push(placements);
          host = after;
          placed++;
        }
        for (const [index, { pinnedCpus, dedicatedCpus, pages }] of host.cells.entries()) {
          const taken = held.flat().filter(({ hostCell }) => hostCell === index);
          const cpus = taken.flatMap((one) => [
            ...Object.values(one.pinning),
            ...one.emulatorCpus,
            ...one.idleCpus,
          ]);
          if (new Set(cpus).size !== cpus.length) throw new Error('a CPU was given twice');
          if (cpus.some((cpu) => !dedicatedCpus.includes(cpu) || cells[index]?.pinnedCpus.includes(cpu)))
            throw new Error('a CPU was not free');
          if (pinnedCpus.length !== cpus.length + (cells[index]?.pinnedCpus.length ?? 0))
            throw new Error('a CPU got lost');
          if ((pages[1]?.used ?? 0) > (pages[1]?.total ?? 0)) throw new Error('a page was given twice');
        }
        for (const placements of held.toReversed()) host = giveBack(host, placements);
        if (JSON.stringify(host) !== JSON.stringify(before)) throw new Error('not all came back');
      },
    ),
    { numRuns: 300 },
  );
  t.ok(placed > 300, `${placed} guests were placed`);
  t.end();
});

t.test('a claim of what is gone is none, and a release of it changes nothing else', (t) => {
  const host = { cells: [cell(0, 2, { pinnedCpus: [1] })] };
  const placement = placementsOf(host, fitAsNova(host, ask(guest(2, 64, pinned))) ?? []);
  const once = consume(host, placement) as HostNuma;
  t.ok(once);
  t.equal(consume(once, placement), undefined, 'not twice');
  t.equal(consume({ cells: [] }, placement), undefined, 'not on a cell that is gone');
  t.strictSame(giveBack(giveBack(once, placement), placement).cells[0]?.pinnedCpus, [1]);
  t.strictSame(giveBack({ cells: [] }, placement), { cells: [] });
  t.end();
});

const requestOf = (
  vcpus: number,
  memoryMb: number,
  specs: Specs,
  more: Partial<CheckedRequest> = {},
): CheckedRequest => ({
  ...requestFor({ vcpus, memoryMb, extraSpecs: specs }, { image: image({}), ...more }),
  numa: guest(vcpus, memoryMb, specs),
});

t.test('a claim takes cells and devices together', (t) => {
  const limits = { cpuAllocationRatio: 1, ramAllocationRatio: 1 };
  const numa = { cells: [cell(0, 4), cell(1, 4)] };
  const details = { ...noDetails, numa, pciPools: [pool(1, 1)] };
  const request = requestOf(2, 64, pinned, { pciRequests: [wants(1, 'required')] });
  const claim = takeRoom(details, request, limits, false);
  t.match(claim, { cells: [{ hostCell: 1, pinning: { 0: 8, 1: 9 } }], devices: [pool(1, 1)] });
  t.match(claim?.details, {
    pciPools: { length: 0 },
    numa: { cells: [{ pinnedCpus: [] }, { pinnedCpus: [8, 9] }] },
  });
  t.equal(claim && takeRoom(claim.details, request, limits, false), undefined, 'the device is gone');
  t.strictSame(claim && returnRoom(claim.details, claim), details, 'all of it back');
  t.equal(
    takeRoom({ ...details, pciPools: undefined }, request, limits, false),
    undefined,
    'a host without devices',
  );
  t.equal(takeRoom({ ...details, numa: null }, request, limits, false), undefined, 'a host without cells');
  t.equal(
    takeRoom(details, requestOf(2, 64, {}), limits, false)?.details,
    details,
    'nothing asked, nothing taken',
  );
  t.match(takeRoom(details, requestOf(2, 64, {}, { pciRequests: [wants(1)] }), limits, false), {
    cells: [],
    devices: [pool(1, 1)],
  });
  t.end();
});

function registryOf(hosts: readonly (HostNuma | null)[]): Registry {
  const registry = new Registry();
  hosts.forEach((numa, index) => {
    registry.upsert({
      ...{
        id: `h${index}`,
        name: `h${index}`,
        availabilityZone: '',
        labels: {},
        disabled: false,
        disabledReason: '',
      },
      ...{
        overcommit: null,
        machineId: '',
        certificateSerial: '',
        enrolledUnixMs: 0,
        forcedDown: false,
        maintenance: null,
        lock: null,
        simulated: true,
      },
      capacity: { vcpus: 64, memoryBytes: 2 ** 36, diskBytes: 2 ** 40 },
    });
    registry.setDetails(`h${index}`, { ...noDetails, numa });
  });
  return registry;
}

t.test('the filter tells why it refuses', (t) => {
  const isolate = { ...pinned, 'hw:cpu_thread_policy': 'isolate' };
  const one = { 'hw:numa_nodes': '1' };
  const many = { ...cell(0, 4, { sharedCpus: [0, 1, 2, 3] }) };
  const network = { physnets: [], tunneled: false };
  const rows: [string, HostNuma | null, CheckedRequest][] = [
    ['image-unknown', { cells: [cell(0, 4)] }, requestOf(2, 64, pinned, { image: null })],
    ['numa-unknown', null, requestOf(2, 64, pinned)],
    ['numa-unknown', { cells: [] }, requestOf(2, 64, pinned)],
    ['numa-cells-short', { cells: [cell(0, 4)] }, requestOf(2, 64, { ...pinned, 'hw:numa_nodes': '2' })],
    [
      'numa-page-size-missing',
      { cells: [cell(0, 4)] },
      requestOf(2, 64, { ...pinned, 'hw:mem_page_size': '2048' }),
    ],
    [
      'numa-pages-short',
      { cells: [cell(0, 4, { pages: large(1) })] },
      requestOf(2, 64, { 'hw:mem_page_size': '2048' }),
    ],
    ['numa-memory-over-total', { cells: [cell(0, 4, { pages: [] })] }, requestOf(2, 8192, one)],
    ['numa-dedicated-over-total', { cells: [cell(0, 1)] }, requestOf(3, 64, pinned)],
    ['numa-shared-over-total', { cells: [cell(0, 1)] }, requestOf(3, 64, one)],
    ['numa-dedicated-short', { cells: [cell(0, 2, { pinnedCpus: [0, 1] })] }, requestOf(3, 64, pinned)],
    ['numa-memory-short', { cells: [cell(0, 2, { memoryUsedMb: 4090 })] }, requestOf(3, 64, pinned)],
    ['numa-cores-unknown', { cells: [cell(0, 2, { siblings: [] })] }, requestOf(3, 64, pinned)],
    ['numa-siblings-short', { cells: [cell(0, 2)] }, requestOf(2, 64, isolate)],
    ['numa-vcpus-over-ratio', { cells: [{ ...many, vcpusUsed: 16 }] }, requestOf(2, 64, one)],
    ['numa-memory-over-ratio', { cells: [{ ...many, memoryUsedMb: 4095 }] }, requestOf(2, 64, one)],
    [
      'numa-far',
      {
        cells: [
          cell(0, 4),
          cell(1, 4, { pinnedCpus: cell(1, 4).dedicatedCpus, network: { physnets: ['a'], tunneled: true } }),
        ],
      },
      requestOf(2, 64, pinned, { network: { ...network, physnets: ['a'] } }),
    ],
    [
      'numa-together',
      { cells: [cell(0, 2), cell(1, 2, { pinnedCpus: [4, 5, 6] })] },
      requestOf(4, 64, { ...pinned, 'hw:numa_nodes': '2' }),
    ],
  ];
  for (const [reason, numa, request] of rows) {
    const { columns } = registryOf([numa]);
    const prepared = numaTopologyFilter.prepare(request, columns, novaSettings);
    t.equal(narrow(columns.present.slice(), prepared), 0, `${reason}: refused`);
    t.equal(numaReasons[prepared.reasonOf(0)], reason);
    const { observed, wanted } = prepared.wordsOf(0);
    t.notMatch(`${observed} ${wanted}`, /undefined|NaN|^ | $/, `${observed}; wants ${wanted}`);
  }
  t.strictSame(new Set(rows.map(([reason]) => reason)), new Set(numaReasons), 'every reason is reached');
  const { columns } = registryOf([null]);
  const free = numaTopologyFilter.prepare(requestOf(2, 64, {}), columns, novaSettings);
  t.equal(narrow(columns.present.slice(), free), 1, 'a guest without cells goes anywhere');
  t.end();
});

t.test("an image's require keeps hosts without threads out, also beside a flavor's prefer", async (t) => {
  const single = cell(0, 2, { siblings: [[0], [1], [2], [3]] });
  const { columns } = registryOf([
    { cells: [single] },
    { cells: [cell(0, 2)] },
    { cells: [single, cell(1, 2)] },
  ]);
  const prefer = { 'hw:cpu_thread_policy': 'prefer' };
  const require = { hw_cpu_thread_policy: 'require' };
  const rows: [string, Specs, Specs, boolean[]][] = [
    ['prefer alone', { ...pinned, ...prefer }, {}, [true, true, true]],
    ['both', { ...pinned, ...prefer }, require, [false, true, true]],
    ['dedicated by the image', prefer, { ...require, hw_cpu_policy: 'dedicated' }, [false, true, true]],
    ['require alone', pinned, require, [false, true, true]],
  ];
  for (const [what, specs, properties, passes] of rows) {
    const more = { image: image(properties), numa: guest(2, 64, specs, properties) };
    const request = requestFor({ vcpus: 2, memoryMb: 64, extraSpecs: specs }, more);
    const prepared = numaTopologyFilter.prepare(request, columns, novaSettings);
    const left = columns.present.slice();
    narrow(left, prepared);
    t.strictSame(
      passes.map((_, row) => hasBit(left, row)),
      passes,
      what,
    );
    if (passes[0]) continue;
    t.equal(numaReasons[prepared.reasonOf(0)], 'numa-siblings-short', what);
    t.match(prepared.wordsOf(0).wanted, /threads: \w+, 64 MiB; on a host with sibling threads$/);
  }
});

t.test('the filter follows what changes, few rows or many', (t) => {
  const registry = registryOf(Array.from({ length: 40 }, () => ({ cells: [cell(0, 4)] })));
  const { columns } = registry;
  const passing = () =>
    narrow(
      columns.present.slice(),
      numaTopologyFilter.prepare(requestOf(8, 64, pinned), columns, novaSettings),
    );
  const set = (row: number, pinnedCpus: number[]) =>
    registry.setDetails(`h${row}`, { ...noDetails, numa: { cells: [cell(0, 4, { pinnedCpus })] } });
  t.equal(passing(), 40);
  set(7, [0]);
  t.equal(passing(), 39, 'one row');
  for (let change = 0; change < 2_000; change++) set(change % 40, change < 1_999 ? [] : [0]);
  t.equal(passing(), 39, 'more changes than are told apart');
  set(1_999 % 40, []);
  t.equal(passing(), 40);
  const ask = (specs: Specs) =>
    narrow(
      columns.present.slice(),
      numaTopologyFilter.prepare(requestOf(2, 64, { ...pinned, ...specs }), columns, novaSettings),
    );
  t.equal(ask({ 'hw:mem_page_size': 'small' }), 40);
  for (let size = 1; size <= 2 * mostMeasures; size++)
    t.equal(ask({ 'hw:mem_page_size': `${size * 4}` }), size === 1 ? 40 : 0);
  t.equal(ask({ 'hw:mem_page_size': 'small' }), 40, 'after more page sizes than are kept');
  t.equal(ask({ 'hw:cpu_thread_policy': 'require' }), 40);
  t.equal(ask({ 'hw:cpu_thread_policy': 'isolate' }), 0);
  registry.setDetails('h3', {
    ...noDetails,
    numa: { cells: [cell(0, 4, { sharedCpus: cell(0, 4).dedicatedCpus })] },
  });
  t.equal(ask({ 'hw:cpu_thread_policy': 'isolate' }), 1, 'the old single set');
  const limits = numaTopologyFilter.prepare(requestOf(8, 64, pinned), columns, novaSettings).limitsOf?.(0);
  t.match(limits, { numa: { cpuAllocationRatio: 4, ramAllocationRatio: 1 } });
  t.end();
});

t.test('a request has a budget', (t) => {
  // Cells that fit one by one; no choice puts every guest cell near the network of the one cell that has no room.
  const cells = Array.from({ length: 12 }, (_, id) => cell(id, 2));
  cells[11] = {
    ...(cells[11] as HostCell),
    pinnedCpus: cells[11]?.dedicatedCpus ?? [],
    network: { physnets: ['a'], tunneled: false },
  };
  const wanted = guest(10, 640, { ...pinned, 'hw:numa_nodes': '10' });
  const budget = { choices: fitLimits.choicesPerRequest };
  const asked = ask(wanted, { network: { physnets: ['a'], tunneled: false }, budget });
  const start = performance.now();
  for (let host = 0; host < 100; host++) t.equal(placeGuest({ cells }, asked), undefined);
  t.equal(budget.choices, 0, 'used up, and no host is asked beyond');
  t.ok(performance.now() - start < 20_000, 'within seconds');
  t.equal(
    fitAsNova({ cells: [cell(0, 2)] }, { ...asked, guest: guest(2, 64, pinned) as GuestNuma }),
    undefined,
  );
  t.end();
});

t.test('PciPassthroughFilter', (t) => {
  const registry = registryOf([null, null, null]);
  const { columns } = registry;
  registry.setDetails('h1', { ...noDetails, pciPools: [pool(0, 1)] });
  registry.setDetails('h2', {
    ...noDetails,
    pciPools: [pool(0, 1), pool(null, 1, { tags: { trusted: 'true' } })],
  });
  const prepared = pciPassthroughFilter.prepare(
    requestOf(1, 64, {}, { pciRequests: [wants(2)] }),
    columns,
    novaSettings,
  );
  const rows = columns.present.slice();
  t.equal(narrow(rows, prepared), 1);
  t.ok(hasBit(rows, 2));
  t.strictSame(
    [0, 1].map((row) => pciPassthroughFilter.reasons[prepared.reasonOf(row)]),
    ['devices-unknown', 'devices-short'],
  );
  t.strictSame(prepared.wordsOf(1), {
    observed: '1 free of 8086:1520 type-PCI',
    wanted: '2 devices of vendor_id=8086',
  });
  t.match(prepared.wordsOf(0), { observed: /no passthrough devices reported/ });
  t.end();
});
