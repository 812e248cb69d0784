/** Nova's PCI aliases: the setting, and what flavors ask for with them. */
import t from 'tap';
import { mostAliases, pciAliases } from '../../../../controlplane/catalog/pci-aliases.js';
import { requestFrom } from '../../../../controlplane/catalog/request-from.js';
import { requestLimits } from '../../../../controlplane/model/request.js';
import type { PlacementRequestInput } from '../../../../proto/gen/drover/v1/PlacementRequest.js';
import { placementRequest } from '../../../support/placement-request.js';
import { openTestCatalog } from '../../../support/test-catalog.js';

const nic = { name: 'nic', vendor_id: '8086', product_id: '154c', device_type: 'type-VF' };
const alias = (...entries: object[]): string => JSON.stringify(entries);

t.test('what is no list of aliases is refused, naming the entry and the key', (t) => {
  const table: [text: string, field: string, cure: RegExp][] = [
    ['nic', 'pci.alias', /a JSON object or an array/],
    ['"nic"', 'pci.alias[0]', /got "nic"; want a JSON object or an array/],
    ['[{"name":"a"},null]', 'pci.alias[1]', /got null; want a JSON object/],
    [alias(nic, { vendor_id: '8086' }), 'pci.alias[1].name', /got nothing; want a name of 1 to 256/],
    [alias({ ...nic, name: 'a,b' }), 'pci.alias[0].name', /no comma/],
    [alias({ ...nic, name: ' ' }), 'pci.alias[0].name', /1 to 256/],
    [alias({ ...nic, name: 'x'.repeat(257) }), 'pci.alias[0].name', /1 to 256/],
    [alias({ ...nic, vendor_id: '0x8086' }), 'pci.alias[0].vendor_id', /got "0x8086"; want four/],
    [alias({ ...nic, product_id: 1502 }), 'pci.alias[0].product_id', /got 1502; want four hexadecimal/],
    [alias({ ...nic, device_type: 'vdpa' }), 'pci.alias[0].device_type', /got "vdpa"; want one of.*type-VF/],
    [alias({ ...nic, numa_policy: 'near' }), 'pci.alias[0].numa_policy', /one of required,.*socket/],
    [alias({ ...nic, device_idd: '1' }), 'pci.alias[0].device_idd', /unknown key.*known: name, vendor_id/],
    [alias({ ...nic, device_typ: '1' }), 'pci.alias[0].device_typ', /did you mean device_type/],
    [alias({ ...nic, capability_type: 'usb' }), 'pci.alias[0].capability_type', /one of pci/],
    [
      alias(nic, { ...nic, numa_policy: 'required' }),
      'pci.alias[1].numa_policy',
      /legacy, as before for nic/,
    ],
    [alias(nic, { ...nic, device_type: 'type-PF' }), 'pci.alias[1].device_type', /type-VF, as before/],
    [alias(nic, { name: 'nic' }), 'pci.alias[1].device_type', /type-VF, as before/],
    [alias(...Array.from({ length: mostAliases + 1 }, () => nic)), 'pci.alias', /at most 64/],
  ];
  for (const [text, field, message] of table)
    t.throws(
      () => pciAliases.parse(text, 'pci.alias'),
      { code: 'invalid-argument', field, message },
      text.slice(0, 80),
    );
  const most = Array.from({ length: mostAliases }, (_, n) => ({ ...nic, name: `n${n}` }));
  t.equal(pciAliases.parse(alias(...most), 'pci.alias').length, mostAliases);
  t.same(
    pciAliases.parse(JSON.stringify({ ...nic, capability_type: 'pci' }), ''),
    pciAliases.parse(alias(nic), ''),
  );
  t.same(
    ['', ' '].map((text) => pciAliases.print(pciAliases.parse(text, ''))),
    ['', ''],
  );
  const two = alias({ ...nic, numa_policy: 'socket' }, { ...nic, product_id: '1572', numa_policy: 'socket' });
  t.equal(pciAliases.print(pciAliases.parse(two, '')), two, 'both kinds of the one alias');
  t.end();
});

t.test('a flavor asks for devices by alias, as the setting has it now', async (t) => {
  const { catalog } = await openTestCatalog();
  const ask = (extraSpecs: Record<string, string>, more: PlacementRequestInput = {}) =>
    requestFrom(placementRequest({ vcpus: 1, memoryMb: 64, extraSpecs, ...more }), catalog).pciRequests;
  const by = (text: string) => ask({ 'pci_passthrough:alias': text });
  t.throws(() => by('nic:1'), { code: 'not-found', field: 'request.extra_specs.pci_passthrough:alias' });
  await catalog.settings.update({
    'pci.alias': alias(nic, { ...nic, product_id: '1572' }, { name: 'gpu', numa_policy: 'required' }),
  });
  const kinds = [
    { vendor_id: '8086', product_id: '154c', dev_type: 'type-VF' },
    { vendor_id: '8086', product_id: '1572', dev_type: 'type-VF' },
  ];
  t.same(by(' nic : 2 ,gpu:1'), [
    { count: 2, specs: kinds, numaPolicy: 'legacy' },
    { count: 1, specs: [{}], numaPolicy: 'required' },
  ]);
  const near = { 'hw:pci_numa_affinity_policy': 'socket', 'pci_passthrough:alias': 'gpu:1' };
  const own = { pciRequests: [{ count: 3, specs: [{ keys: { vendor_id: '10de' } }] }] };
  t.same(
    ask(near, own).map(({ count, numaPolicy }) => [count, numaPolicy]),
    [
      [1, 'socket'],
      [3, 'socket'],
    ],
    'the policy of the flavor goes before; the request’s own devices come last',
  );
  const image = { id: '', name: '', properties: { hw_pci_numa_affinity_policy: 'preferred' } };
  t.match(
    ask({ 'pci_passthrough:alias': 'gpu:1' }, { image }),
    [{ numaPolicy: 'preferred' }],
    'as of the image',
  );
  await catalog.flavors.put({
    ...{ name: 'f', vcpus: 1, memoryMb: 64, rootGb: 0, ephemeralGb: 0, swapMb: 0, updatedUnixMs: 0 },
    extraSpecs: { 'pci_passthrough:alias': 'gpu:1' },
  });
  const byFlavor = () => requestFrom(placementRequest({ flavor: 'f' }), catalog).pciRequests;
  t.match(byFlavor(), [{ specs: [{}] }]);
  const added = placementRequest({ flavor: 'f', extraSpecs: { 'pci_passthrough:alias': 'nic:4' } });
  t.match(
    requestFrom(added, catalog).pciRequests,
    [{ count: 4, specs: kinds }],
    'the request’s own spec counts',
  );
  await catalog.settings.update({ 'pci.alias': alias({ name: 'gpu', vendor_id: '10de' }) });
  t.match(byFlavor(), [{ specs: [{ vendor_id: '10de' }] }], 'the setting is in force at once');
  t.throws(() => by('gqu:1'), { code: 'not-found', cure: 'did you mean gpu?' });
  for (const text of ['', 'gpu', 'gpu:', ':1', 'gpu:0', 'gpu:-1', 'gpu:1.5', 'gpu:1:2', 'gpu:x', 'gpu:1,'])
    t.throws(
      () => by(text),
      { code: 'invalid-argument', message: /pci_passthrough:alias.*nic:2,gpu:1/ },
      text,
    );
  t.throws(() => by(`gpu:${requestLimits.pciCount + 1}`), { message: /1 to 1024/ });
  const many = Array.from({ length: requestLimits.pciRequests + 1 }, () => 'gpu:1');
  t.throws(() => by(many.slice(0, 50).join()), { message: /at most 255 characters/ });
  const most = { pciRequests: many.slice(1).map(() => ({ count: 1, specs: [{ keys: {} }] })) };
  t.throws(() => ask({ 'pci_passthrough:alias': 'gpu:1' }, most), {
    field: 'request.extra_specs.pci_passthrough:alias',
    message: /65 entries.*at most 64/,
  });
  const kindsOfOne = Array.from({ length: mostAliases }, (_, n) => ({
    name: 'any',
    product_id: String(1000 + n),
  }));
  await catalog.settings.update({ 'pci.alias': alias(...kindsOfOne) });
  t.equal(by('any:1')[0]?.specs.length, requestLimits.pciSpecs);
  t.throws(() => by('any:1,any:1'), {
    code: 'invalid-argument',
    field: 'request.extra_specs.pci_passthrough:alias',
    message: /128 entries.*at most 64/,
  });
  await catalog.settings.update({ 'pci.alias': '' });
  t.throws(() => byFlavor(), { code: 'not-found', field: 'request.extra_specs.pci_passthrough:alias' });
});
