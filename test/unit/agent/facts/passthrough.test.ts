/** PCI devices that guests may have: made-up trees of /sys/bus/pci, with bridges, physical and virtual functions. */
import t, { type Test } from 'tap';
import type { DeviceSpec } from '../../../../agent/facts/device-spec.js';
import { gatherFacts } from '../../../../agent/facts/index.js';
import { maximumDevices } from '../../../../agent/facts/passthrough.js';
import { MemoryRoot } from '../../../../agent/sim/memory-root.js';
import { makeTree, type TreeFiles } from '../kernel/tree.js';

const nic = '0x020000';
const more = { versions: {}, services: {}, inventory: {}, diskTotalBytes: 0 };

const spec = (parts: Partial<DeviceSpec>): DeviceSpec => ({ tags: {}, ...parts });

/** One device: below /sys/devices, with its link in /sys/bus/pci as the kernel has it. */
function device(address: string, vendor: string, product: string, files: TreeFiles = {}): TreeFiles {
  const own = {
    vendor: `0x${vendor}\n`,
    device: `0x${product}\n`,
    class: `${nic}\n`,
    numa_node: '-1\n',
    ...files,
  };
  const directory = `sys/devices/pci0000:00/${address}`;
  return {
    ...Object.fromEntries(Object.entries(own).map(([file, content]) => [`${directory}/${file}`, content])),
    [`sys/bus/pci/devices/${address}`]: { link: `../../../devices/pci0000:00/${address}` },
  };
}

const of = (parent: string): TreeFiles => ({ physfn: { link: `../${parent}` } });

/** Two cells, a bridge, a NIC with two virtual functions, a NIC that could have some, a GPU of no cell. */
const host: TreeFiles = {
  'sys/devices/system/node/online': '0-1\n',
  'sys/devices/system/node/node0/cpulist': '0\n',
  'sys/devices/system/node/node1/cpulist': '1\n',
  ...device('0000:00:00.0', '8086', '2020', { class: '0x060000\n' }),
  ...device('0000:3a:00.0', '8086', '2030', { class: '0x060400\n', numa_node: '0\n' }),
  ...device('0000:3b:00.0', '8086', '1572', {
    sriov_totalvfs: '64\n',
    sriov_numvfs: '2\n',
    numa_node: '1\n',
  }),
  ...device('0000:3b:02.0', '8086', '154C', { ...of('0000:3b:00.0'), numa_node: '1\n' }),
  ...device('0000:3b:02.1', '8086', '154c', { ...of('0000:3b:00.0'), numa_node: '7\n' }),
  ...device('0000:3b:00.1', '8086', '1572', {
    sriov_totalvfs: '64\n',
    sriov_numvfs: '0\n',
    numa_node: '0\n',
  }),
  ...device('0000:af:00.0', '10de', '1eb8', { class: '0x030200\n', sriov_totalvfs: '0\n' }),
  ...device('10000:e1:00.0', '8086', '0a54'),
};

function gather(t: Test, files: TreeFiles, passthrough?: readonly DeviceSpec[]) {
  const facts = gatherFacts(makeTree(t, files), { ...more, ...(passthrough && { passthrough }) });
  const warnings = facts.warnings.filter((warning) => warning.startsWith('passthrough'));
  return { devices: facts.passthrough?.devices, warnings };
}

const addresses = (t: Test, ...specs: Partial<DeviceSpec>[]) =>
  gather(t, host, specs.map(spec)).devices?.map(({ address }) => address);

t.test('what a spec for everything gives: no bridge, no function that has virtual ones', async (t) => {
  const { devices, warnings } = gather(t, host, [spec({ address: '*:*:*.*', tags: { pool: 'a' } })]);
  const tags = { pool: 'a' };
  t.strictSame(devices, [
    {
      address: '0000:3b:00.1',
      vendorId: '8086',
      productId: '1572',
      deviceType: 'type-PF',
      numaCell: 0,
      tags,
    },
    {
      address: '0000:3b:02.0',
      vendorId: '8086',
      productId: '154c',
      deviceType: 'type-VF',
      numaCell: 1,
      tags,
    },
    { address: '0000:3b:02.1', vendorId: '8086', productId: '154c', deviceType: 'type-VF', tags },
    { address: '0000:af:00.0', vendorId: '10de', productId: '1eb8', deviceType: 'type-PCI', tags },
  ]);
  t.strictSame(warnings, []);
});

t.test('which devices specs match', async (t) => {
  t.strictSame(addresses(t, { vendorId: '8086', productId: '154c' }), ['0000:3b:02.0', '0000:3b:02.1']);
  t.strictSame(addresses(t, { vendorId: '10de' }), ['0000:af:00.0']);
  t.strictSame(addresses(t, { address: '0000:3b:*.1' }), ['0000:3b:00.1', '0000:3b:02.1']);
  t.strictSame(addresses(t, { address: '0000:3b:02.0' }), ['0000:3b:02.0'], 'a plain address');
  t.strictSame(
    addresses(t, { address: '0000:3b:00.0' }),
    ['0000:3b:02.0', '0000:3b:02.1'],
    'that of a physical function stands for its virtual ones',
  );
  t.strictSame(addresses(t, { address: '0000:3b:00.0', vendorId: '10de' }), [], 'every key must match');
  t.strictSame(addresses(t, { address: '0000:3b:*.1', productId: '154c' }), ['0000:3b:02.1']);
});

t.test('the tags are those of the first spec that matches', async (t) => {
  const { devices } = gather(t, host, [
    spec({ address: '0000:3b:02.1', tags: { physical_network: 'one' } }),
    spec({ productId: '154c', tags: { physical_network: 'all' } }),
  ]);
  const networks = devices?.map(({ address, tags }) => [address, tags['physical_network']]);
  t.strictSame(networks, [
    ['0000:3b:02.0', 'all'],
    ['0000:3b:02.1', 'one'],
  ]);
});

t.test('a spec that matches no device is warned of, one that is left out or second is not', async (t) => {
  const quiet = [
    spec({ address: '0000:00:00.0' }),
    spec({ address: '0000:3b:00.0' }),
    spec({ vendorId: '8086' }),
    spec({ productId: '154c' }),
  ];
  t.strictSame(gather(t, host, quiet).warnings, []);
  const strange = Array.from({ length: 8 }, (_, index) =>
    spec({ vendorId: `000${index}`, address: '0000:3b:*.*' }),
  );
  const { devices, warnings } = gather(t, host, strange);
  t.strictSame(devices, []);
  t.equal(warnings.length, 6);
  t.equal(warnings[0], 'passthrough: no PCI device of this host matches vendor_id 0000, address 0000:3b:*.*');
  t.equal(warnings[5], 'passthrough: of 3 more specs no PCI device matches either');
});

t.test('without specs, without PCI, and with devices that go away', async (t) => {
  t.strictSame(gather(t, host), { devices: [], warnings: [] });
  t.strictSame(gather(t, host, []), { devices: [], warnings: [] });
  const none = gather(t, {}, [spec({ vendorId: '8086' })]);
  t.strictSame(none.devices, []);
  t.match(none.warnings, [/matches vendor_id 8086$/]);
  const gone = { 'sys/bus/pci/devices/0000:01:00.0': { link: '../../../devices/none' } };
  t.strictSame(gather(t, gone, [spec({ address: '*:*:*.*' })]).devices, []);
});

t.test('a host without NUMA has devices of no cell', async (t) => {
  const files = device('0000:01:00.0', '8086', '10fb', { numa_node: '0\n' });
  const { devices } = gather(t, files, [spec({ vendorId: '8086' })]);
  t.strictSame(
    devices?.map((each) => 'numaCell' in each),
    [false],
  );
});

function crowd(count: number): MemoryRoot {
  const root = new MemoryRoot('crowd');
  for (let index = 0; index < count; index++) {
    const [bus, slot] = [index >> 8, (index >> 3) & 31].map((part) => part.toString(16).padStart(2, '0'));
    const directory = `/sys/bus/pci/devices/0000:${bus}:${slot}.${index & 7}`;
    for (const file of ['vendor', 'device']) root.put(`${directory}/${file}`, '0x8086');
  }
  return root;
}

t.test('the limits of devices and of their tags are reached and kept, with a warning', async (t) => {
  const look = (count: number, tags = {}) =>
    gatherFacts(crowd(count), { ...more, passthrough: [spec({ vendorId: '8086', tags })] });
  const said = (warnings: readonly string[]) => warnings.filter((each) => each.includes('left out'));
  const full = look(maximumDevices);
  t.strictSame([full.passthrough?.devices.length, said(full.warnings)], [maximumDevices, []]);
  const over = look(maximumDevices + 3);
  t.equal(over.passthrough?.devices.length, maximumDevices);
  t.match(said(over.warnings), [/^passthrough: 3 devices are left out: at most 4096 devices/]);
  const heavy = look(
    200,
    Object.fromEntries(Array.from({ length: 32 }, (_, tag) => [`${tag}`, 'v'.repeat(255)])),
  );
  t.equal(heavy.passthrough?.devices.length, 127, 'a MiB of tags');
  t.match(said(heavy.warnings), [/^passthrough: 73 devices are left out/]);
});
