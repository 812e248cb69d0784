/** Placement's capacity rule, the ratios and reservations that are in force, and what a request asks Placement for. */
import fc from 'fast-check';
import t from 'tap';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import type { Aggregate } from '../../../../controlplane/model/aggregate.js';
import {
  allocationRefusal,
  capacity,
  type Inventory,
  inventoryDefaults,
  inventoryOfHost,
  isInventory,
} from '../../../../controlplane/model/capacity.js';
import { hostChange } from '../../../../controlplane/model/host-change.js';
import { novaDefaults, overcommitInForce } from '../../../../controlplane/model/host.js';
import { guestNumaOf } from '../../../../controlplane/model/numa/guest-numa-of.js';
import { type CheckedRequest, type Flavor, requestFor } from '../../../../controlplane/model/request.js';
import { resourcesOf } from '../../../../controlplane/placement/resources.js';
import type { HostOvercommit } from '../../../../proto/gen/drover/v1/HostOvercommit.js';
import type { HostRecord } from '../../../../proto/gen/drover/v1/HostRecord.js';
import type { UpdateHostRequest } from '../../../../proto/gen/drover/v1/UpdateHostRequest.js';
import { codec } from '../../../../proto/wire/load.js';

const ten: Inventory = { ...inventoryDefaults, total: 10 };

t.test('one inventory', async (t) => {
  const table: [string, Partial<Inventory>, number, number, ReturnType<typeof allocationRefusal>][] = [
    ['the last one', {}, 9, 1, undefined],
    ['one too many', {}, 9, 2, 'capacity'],
    ['reserved goes off before the ratio', { reserved: 2, allocationRatio: 4 }, 31, 1, undefined],
    ['so that 33 are too many', { reserved: 2, allocationRatio: 4 }, 32, 1, 'capacity'],
    ['below the least', { minUnit: 2 }, 0, 1, 'constraints'],
    ['above the most, though there is room', { maxUnit: 3 }, 0, 4, 'constraints'],
    ['between two steps', { stepSize: 4 }, 0, 6, 'constraints'],
    ['on a step', { stepSize: 4 }, 0, 8, undefined],
    ['more is used than there is', {}, 12, 1, 'capacity'],
    ['1.15 x 100 is a little less than 115', { total: 100, allocationRatio: 1.15 }, 0, 115, 'capacity'],
    ['and 114 fit', { total: 100, allocationRatio: 1.15 }, 0, 114, undefined],
  ];
  for (const [what, change, used, amount, refusal] of table)
    t.equal(allocationRefusal({ ...ten, ...change }, used, amount), refusal, what);
  t.equal(allocationRefusal(undefined, 0, 1), 'no_inventory');
  t.ok(isInventory({ ...ten, reserved: 10 }), 'nothing to hand out');
  t.notOk(isInventory({ ...ten, reserved: 11 }));
  const most = 2 ** 31 - 1;
  t.ok(isInventory({ ...ten, total: most, reserved: most, minUnit: most, stepSize: most }), 'the most');
  const beyond = [
    { total: 0 },
    { total: 1.5 },
    { reserved: -1 },
    { minUnit: 0 },
    { maxUnit: 0 },
    { stepSize: 0 },
  ];
  const over = (['total', 'reserved', 'minUnit', 'maxUnit', 'stepSize'] as const).map((key) => ({
    ...{ total: most, allocationRatio: 0.01 },
    [key]: most + 1,
  }));
  for (const wrong of [...beyond, ...over, { allocationRatio: 3.5e38 }, { allocationRatio: Number.NaN }])
    t.notOk(isInventory({ ...ten, ...wrong }), JSON.stringify(wrong));
  t.equal(capacity({ ...ten, reserved: 4, allocationRatio: 1.5 }), 9);
});

function record(change: Partial<HostRecord> = {}): HostRecord {
  return {
    id: 'a',
    name: 'kvm-a',
    availabilityZone: '',
    labels: {},
    disabled: false,
    disabledReason: '',
    overcommit: null,
    capacity: { vcpus: 8, memoryBytes: 2 ** 34, diskBytes: 100 * 2 ** 30 },
    machineId: '',
    certificateSerial: '',
    enrolledUnixMs: 0,
    forcedDown: false,
    maintenance: null,
    lock: null,
    simulated: true,
    ...change,
  };
}

t.test('a host hands out what Placement would, and never more at once than it has', async (t) => {
  const small = { total: fc.integer({ min: 1, max: 128 }), taken: fc.integer({ min: 0, max: 600 }) };
  const more = {
    reserved: fc.integer({ min: 0, max: 130 }),
    ratio: fc.double({ min: 0.01, max: 20, noNaN: true }),
  };
  const amount = fc.integer({ min: 1, max: 200 });
  fc.assert(
    fc.property(
      fc.record({ ...small, ...more, amount }),
      ({ total, taken, reserved, ratio, amount: asked }) => {
        const registry = new Registry();
        const overcommit = { cpuAllocationRatio: ratio, reservedHostCpus: reserved };
        registry.upsert(record({ overcommit, capacity: { vcpus: total, memoryBytes: 0, diskBytes: 0 } }));
        registry.setAllocated('a', { vcpus: taken, memoryMb: 0, diskMb: 0, count: 1 });
        const refusal = allocationRefusal(inventoryOfHost(total, reserved, ratio), taken, asked);
        return (registry.columns.vcpus.fit.values[0] as number) >= asked === (refusal === undefined);
      },
    ),
    { numRuns: 500 },
  );
  const registry = new Registry();
  registry.upsert(record({ overcommit: { cpuAllocationRatio: 4, reservedHostCpus: 2 } }));
  registry.setAllocated('a', { vcpus: 22, memoryMb: 0, diskMb: 0, count: 1 });
  const { vcpus } = registry.columns;
  t.strictSame([vcpus.fit.values[0], vcpus.usable.values[0]], [2, 8], '24 to hand out; weighed as 32 - 24');
});

const aggregate = (id: number, metadata: Record<string, string>): Aggregate => ({
  id,
  name: `${id}`,
  metadata,
});

t.test('host before aggregates before fleet', async (t) => {
  const ssd = aggregate(1, {
    cpu_allocation_ratio: '2.5',
    reserved_host_memory_mb: '2048',
    reserved_host_cpus: '0',
  });
  const old = aggregate(2, { cpu_allocation_ratio: '2', ram_allocation_ratio: '1.5' });
  const fleet = { ...novaDefaults, reservedHostCpus: 1 };
  const table: [string, HostOvercommit | null, Aggregate[], Partial<typeof fleet>][] = [
    ['nothing set', null, [], fleet],
    [
      'one aggregate',
      null,
      [ssd],
      { cpuAllocationRatio: 2.5, reservedHostMemoryMb: 2048, reservedHostCpus: 0 },
    ],
    ['the smallest of two', null, [ssd, old], { cpuAllocationRatio: 2, ramAllocationRatio: 1.5 }],
    [
      'the host itself',
      { cpuAllocationRatio: 3 },
      [ssd, old],
      { cpuAllocationRatio: 3, ramAllocationRatio: 1.5 },
    ],
    ['none at all, said by the host', { reservedHostMemoryMb: 0 }, [ssd], { reservedHostMemoryMb: 0 }],
    [
      'one that is no number: the fleet',
      null,
      [ssd, aggregate(3, { cpu_allocation_ratio: 'x' })],
      { cpuAllocationRatio: 4 },
    ],
    [
      'several on one line are none',
      null,
      [aggregate(3, { cpu_allocation_ratio: '2,3' })],
      { cpuAllocationRatio: 4 },
    ],
    ['a ratio of 0', null, [aggregate(3, { cpu_allocation_ratio: '0' })], { cpuAllocationRatio: 4 }],
    ['a negative one', null, [aggregate(3, { cpu_allocation_ratio: '-1' })], { cpuAllocationRatio: 4 }],
    ['half a CPU', null, [aggregate(3, { reserved_host_cpus: '0.5' })], { reservedHostCpus: 1 }],
  ];
  for (const [what, own, aggregates, inForce] of table)
    t.match(overcommitInForce(own, fleet, aggregates), inForce, what);
  const registry = new Registry();
  registry.upsert(record());
  const cpus = () => registry.columns.vcpus.fit.values[0];
  const ratio = () => registry.view('a')?.overcommit.cpuAllocationRatio;
  registry.setAllocated('a', { vcpus: 15, memoryMb: 0, diskMb: 0, count: 1 });
  t.strictSame([cpus(), ratio()], [8, 4]);
  registry.setAggregates('a', [old]);
  t.strictSame([cpus(), ratio()], [1, 2], 'read when it is asked for');
  registry.setAggregates('a', []);
  t.strictSame([cpus(), ratio()], [8, 4], 'and nothing of it stays');
});

t.test('a host says 0 and says nothing', async (t) => {
  const plain = {
    host: 'a',
    labels: {},
    availabilityZone: '',
    disabled: false,
    disabledReason: '',
    forcedDown: false,
  };
  const change = (before: HostOvercommit | null, part: string, overcommit: HostOvercommit | null) => {
    const request: UpdateHostRequest = { ...plain, overcommit, updateMask: [`overcommit${part}`] };
    const sent = codec('UpdateHostRequest').decode(codec('UpdateHostRequest').encode(request));
    const stored = codec('HostRecord').encode({
      ...record(),
      ...hostChange(record({ overcommit: before }), sent),
    });
    return overcommitInForce(codec('HostRecord').decode(stored).overcommit, novaDefaults);
  };
  const memory = '.reserved_host_memory_mb';
  t.match(change(null, memory, { reservedHostMemoryMb: 0 }), { reservedHostMemoryMb: 0 });
  t.match(
    change({ reservedHostMemoryMb: 0 }, memory, {}),
    { reservedHostMemoryMb: 512 },
    'the default again',
  );
  t.match(change({ reservedHostMemoryMb: 9, cpuAllocationRatio: 2 }, memory, null), {
    reservedHostMemoryMb: 512,
    cpuAllocationRatio: 2,
  });
  t.match(
    change({ cpuAllocationRatio: 2 }, '', { reservedHostCpus: 0 }),
    { cpuAllocationRatio: 4 },
    'all at once',
  );
  for (const [part, overcommit, field] of [
    ['.cpu_allocation_ratio', { cpuAllocationRatio: 0 }, 'overcommit.cpu_allocation_ratio'],
    ['.ram_allocation_ratio', { ramAllocationRatio: Number.NaN }, 'overcommit.ram_allocation_ratio'],
    ['.disk_allocation_ratio', { diskAllocationRatio: -1 }, 'overcommit.disk_allocation_ratio'],
    ['.reserved', {}, 'update_mask'],
  ] as const)
    t.throws(() => change(null, part, overcommit), { code: 'invalid-argument', field });
});

function asked(
  flavor: Partial<Flavor>,
  properties: Record<string, string> = {},
  more: Partial<CheckedRequest> = {},
): CheckedRequest {
  const request = requestFor(
    { vcpus: 4, memoryMb: 512, ...flavor },
    { image: { id: 'i', name: 'i', properties }, ...more },
  );
  return { ...request, numa: guestNumaOf(request.flavor, request.image) };
}

const spec = (extraSpecs: Record<string, string>) => ({ extraSpecs });

t.test('what a request asks Placement for', async (t) => {
  const table: [string, CheckedRequest, Record<string, number>, string[]?, string[]?][] = [
    ['amounts', asked({ rootGb: 2, ephemeralGb: 1, swapMb: 1025 }), { VCPU: 4, DISK_GB: 5 }],
    ['a volume', asked({ rootGb: 2 }, {}, { isVolumeBooted: true }), { VCPU: 4 }],
    [
      'overrides',
      asked(spec({ 'resources:VCPU': ' 1_0 ', 'resources:MEMORY_MB': '0' })),
      { VCPU: 10, MEMORY_MB: 0 },
    ],
    [
      'what is no amount',
      asked(spec({ 'resources:VCPU': '-1', 'resources:VGPU': '1.5', 'resources:X': '1' })),
      { VCPU: 4 },
    ],
    [
      'groups of their own',
      asked(spec({ 'resources1:MEMORY_MB': '9', 'trait_G:A': 'required' })),
      { VCPU: 4, MEMORY_MB: 0 },
    ],
    ['custom classes', asked(spec({ 'resources:CUSTOM_GOLD': '2' })), { VCPU: 4, CUSTOM_GOLD: 2 }],
    [
      'traits',
      asked(spec({ 'trait:A': 'forbidden', 'trait:B': 'x' }), { 'trait:C': 'required' }),
      { VCPU: 4 },
      ['C'],
      ['A'],
    ],
    [
      'dedicated',
      asked(spec({ 'hw:cpu_policy': 'dedicated', 'hw:emulator_threads_policy': 'isolate' })),
      { PCPU: 5 },
    ],
    ['by the image', asked({}, { hw_cpu_policy: 'dedicated' }), { PCPU: 4 }],
    ['mixed', asked(spec({ 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '^0' })), { VCPU: 1, PCPU: 3 }],
    ['PCPUs by name', asked(spec({ 'resources:PCPU': '4' })), { PCPU: 4 }],
    [
      'no siblings',
      asked(spec({ 'hw:cpu_policy': 'dedicated', 'hw:cpu_thread_policy': 'isolate' })),
      { PCPU: 4 },
      [],
      ['HW_CPU_HYPERTHREADING'],
    ],
    [
      'TPM',
      asked(spec({ 'hw:tpm_version': '2.0', 'hw:tpm_model': 'tpm-crb' })),
      { VCPU: 4 },
      ['COMPUTE_SECURITY_TPM_2_0'],
    ],
    [
      'secure boot',
      asked({}, { os_secure_boot: 'required' }),
      { VCPU: 4 },
      ['COMPUTE_SECURITY_UEFI_SECURE_BOOT'],
    ],
    [
      'sockets',
      asked(spec({ 'hw:pci_numa_affinity_policy': 'socket' })),
      { VCPU: 4 },
      ['COMPUTE_SOCKET_PCI_NUMA_AFFINITY'],
    ],
    [
      'persistent memory',
      asked(spec({ 'hw:pmem': '6GB, 6GB,a-b' })),
      { VCPU: 4, CUSTOM_PMEM_NAMESPACE_6GB: 2, CUSTOM_PMEM_NAMESPACE_A_B: 1 },
    ],
    [
      'encryption',
      asked(spec({ 'hw:mem_encryption': 'yes' }), { hw_firmware_type: 'uefi' }),
      { VCPU: 4, MEM_ENCRYPTION_CONTEXT: 1 },
    ],
  ];
  for (const [what, request, resources, required = [], forbidden = []] of table) {
    const { MEMORY_MB = 512, ...others } = resources;
    const wanted = MEMORY_MB === 0 ? others : { ...others, MEMORY_MB };
    const got = resourcesOf(request);
    t.strictSame(got, { resources: wanted, requiredTraits: required, forbiddenTraits: forbidden }, what);
    t.strictSame(Object.keys(got.resources), Object.keys(wanted).toSorted(), `${what}: sorted`);
  }
  for (const [request, field] of [
    [asked(spec({ 'hw:tpm_version': '3.0' })), 'extra_specs.hw:tpm_version'],
    [asked(spec({ 'hw:tpm_version': '1.2', 'hw:tpm_model': 'tpm-crb' })), 'extra_specs.hw:tpm_model'],
    [
      asked(spec({ 'os:secure_boot': 'disabled' }), { os_secure_boot: 'required' }),
      'extra_specs.os:secure_boot',
    ],
  ] as const)
    t.throws(() => resourcesOf(request), { code: 'invalid-argument', field });
});
