/** agent.yaml: the devices that guests may have. */
import t from 'tap';
import { parseConfig } from '../../../agent/config.js';

const specsOf = (yaml: string) => parseConfig(yaml, 'agent.yaml').passthrough;

t.test('no devices, unless the file says so', async (t) => {
  t.strictSame(specsOf(''), []);
  t.strictSame(specsOf('passthrough: []'), []);
});

t.test('specs come in normal form, in their order', async (t) => {
  const specs = specsOf(`
passthrough:
  - { vendor_id: "0x8086", product_id: "154C", tags: { physical_network: physnet1, trusted: "true" } }
  - address: 0000:3B:*.*
  - { address: "*:a:1f.3", vendor_id: "10DE" }
`);
  t.strictSame(specs, [
    {
      vendorId: '8086',
      productId: '154c',
      address: undefined,
      tags: { physical_network: 'physnet1', trusted: 'true' },
    },
    { vendorId: undefined, productId: undefined, address: '0000:3b:*.*', tags: {} },
    { vendorId: '10de', productId: undefined, address: '*:0a:1f.3', tags: {} },
  ]);
});

t.test('the limits are reached and kept', async (t) => {
  const one = { vendor_id: '8086' };
  const many = (count: number) => JSON.stringify({ passthrough: Array.from({ length: count }, () => one) });
  t.equal(specsOf(many(256)).length, 256);
  t.throws(() => specsOf(many(257)), {
    code: 'invalid-argument',
    message: /passthrough: .*want at most 256$/,
  });
  const tagged = (tags: Record<string, string>) => JSON.stringify({ passthrough: [{ ...one, tags }] });
  const tags = Object.fromEntries(
    Array.from({ length: 32 }, (_, index) => [`${index}`.padEnd(255, 'k'), 'v'.repeat(255)]),
  );
  t.strictSame(specsOf(tagged(tags))[0]?.tags, tags);
  t.throws(() => specsOf(tagged({ ...tags, more: '' })), {
    message: /passthrough.0.tags: .*want at most 32 tags$/,
  });
  t.throws(() => specsOf(tagged({ ['k'.repeat(256)]: '' })), { message: /names of 1 to 255 characters$/ });
  t.throws(() => specsOf(tagged({ '': 'v' })), { message: /names of 1 to 255 characters$/ });
  t.throws(() => specsOf(tagged({ long: 'v'.repeat(256) })), {
    message: /passthrough.0.tags.long: got "v+\.\.\.; want/,
  });
});

t.test('what is wrong is named with key, value and cure', async (t) => {
  const id = 'want four hexadecimal digits in quotes, such as "8086"';
  const address = 'want domain:bus:slot.function in hexadecimal, * for any, such as "0000:3b:*.*"';
  const table: [string, string][] = [
    ['vendor_id: 8086', `passthrough.0.vendor_id: got 8086; ${id}`],
    ['vendor_id: "86"', `passthrough.0.vendor_id: got "86"; ${id}`],
    ['product_id: "0x1572a"', `passthrough.0.product_id: got "0x1572a"; ${id}`],
    ['product_id: "ghij"', `passthrough.0.product_id: got "ghij"; ${id}`],
    ['address: "3b:00.1"', `passthrough.0.address: got "3b:00.1"; ${address}`],
    ['address: "10000:3b:00.1"', `passthrough.0.address: got "10000:3b:00.1"; ${address}`],
    ['address: "0000:3b:20.1"', `passthrough.0.address: got "0000:3b:20.1"; ${address}`],
    ['address: "0000:3b:00.8"', `passthrough.0.address: got "0000:3b:00.8"; ${address}`],
    ['address: "0000:*b:00.0"', `passthrough.0.address: got "0000:*b:00.0"; ${address}`],
    ['address: 7', `passthrough.0.address: got 7; ${address}`],
    [
      'vendorid: "8086"',
      'passthrough.0.vendorid: got "8086"; want no such key: known are vendor_id, product_id, address, tags',
    ],
    ['tags: { a: b }', 'passthrough.0: got {"tags":{"a":"b"}}; want a vendor_id, a product_id or an address'],
    [
      '{ vendor_id: "8086", tags: { a: 1 } }',
      'passthrough.0.tags.a: got 1; want text of at most 255 characters; a number needs quotes',
    ],
  ];
  for (const [spec, message] of table)
    t.throws(
      () => specsOf(`passthrough:\n  - ${spec}\n`),
      { code: 'invalid-argument', message: `agent.yaml: ${message}` },
      spec,
    );
  t.throws(() => specsOf('passthrough: all'), { message: /^agent.yaml: passthrough: got "all"; want/ });
  t.throws(() => specsOf('passthrough: [all]'), { message: /^agent.yaml: passthrough.0: got "all"; want/ });
});
