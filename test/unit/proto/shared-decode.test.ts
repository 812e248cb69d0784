import fc from 'fast-check';
import t from 'tap';
import { codec } from '../../../proto/wire/load.js';
import { sharedDecoder } from '../../../proto/wire/shared-decode.js';

const word = fc.string({ maxLength: 12 });
const request = fc.record({
  vcpus: fc.nat(64),
  memoryMb: fc.nat(2 ** 40),
  extraSpecs: fc.dictionary(word, word, { maxKeys: 3 }),
  schedulerHints: fc.dictionary(word, fc.record({ values: fc.array(word, { maxLength: 2 }) }), {
    maxKeys: 2,
  }),
  ignoreHosts: fc.array(word, { maxLength: 2 }),
  image: fc.option(fc.record({ id: word, properties: fc.dictionary(word, word, { maxKeys: 2 }) })),
});
/** Few different ones, so that many repeat, next to each other and not. */
const claims = fc
  .tuple(
    fc.array(request, { minLength: 1, maxLength: 3 }),
    fc.array(fc.tuple(fc.nat(2), fc.nat(1), fc.nat(3))),
  )
  .map(([requests, picks]) =>
    picks.map(([which, key, seed]) => ({
      ...(seed < 3 && { request: requests[which % requests.length] }),
      ...{ idempotencyKey: 'k'.repeat(key), seed },
    })),
  );

const decode = sharedDecoder('placement', 'PlaceManyRequest', ['ClaimRequest', 'PlacementRequest']);
const whole = codec('PlaceManyRequest');

t.test('what is decoded once where it repeats is what is decoded each time', async (t) => {
  fc.assert(
    fc.property(claims, fc.boolean(), (many, allOrNothing) => {
      const bytes = whole.encode({ claims: many, allOrNothing });
      t.strictSame(decode(bytes), whole.decode(bytes));
    }),
    { numRuns: 100 },
  );
});

t.test('what repeats is one object, within a whole and not beyond', async (t) => {
  const one = { request: { vcpus: 2 }, idempotencyKey: 'a' };
  const bytes = whole.encode({ claims: [one, one, { ...one, idempotencyKey: 'b' }] });
  const read = decode(bytes) as { claims: { request: object }[] };
  t.equal(read.claims[0], read.claims[1]);
  t.not(read.claims[1], read.claims[2]);
  t.equal(read.claims[1]?.request, read.claims[2]?.request);
  const again = decode(bytes) as typeof read;
  t.not(again.claims[0], read.claims[0], 'nobody else sees what one call has');
});

t.test('bytes that are no such message', async (t) => {
  const bytes = whole.encode({ claims: [{ request: { vcpus: 2 } }, { request: { vcpus: 2 } }] });
  for (let end = 1; end < bytes.length; end++)
    t.equal(
      wordsOf(() => decode(bytes.subarray(0, end))),
      wordsOf(() => whole.decode(bytes.subarray(0, end))),
    );
  t.strictSame(decode(bytes), whole.decode(bytes), 'it works on after it');
  t.throws(() => sharedDecoder('placement', 'NoSuchMessage', []));
});

function wordsOf(work: () => unknown): string {
  try {
    return JSON.stringify(work());
  } catch (error) {
    return String(error);
  }
}
