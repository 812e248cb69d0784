import fc from 'fast-check';
import t from 'tap';
import { ByteSink } from '../../../proto/wire/byte-sink.js';
import { codec } from '../../../proto/wire/load.js';
import { encoded, PlainEncoders } from '../../../proto/wire/plain-encoder.js';

const text = fc.oneof(fc.string({ maxLength: 80 }), fc.string({ unit: 'grapheme', maxLength: 70 }));
const whole = fc.nat(Number.MAX_SAFE_INTEGER);
const small = fc.nat(2 ** 31);

const cell = fc.record({
  guestCell: small,
  memoryMb: whole,
  sharedVcpus: small,
  pinning: fc.dictionary(fc.nat(300).map(String), fc.nat(1000)),
  emulatorCpus: fc.array(fc.nat(1000), { maxLength: 60 }),
});

const allocation = fc.record({
  id: text,
  vcpus: small,
  memoryMb: whole,
  createdUnixMs: fc.maxSafeInteger(),
  extraSpecs: fc.dictionary(text, text, { maxKeys: 5 }),
  alternates: fc.array(text, { maxLength: 4 }),
  cells: fc.array(cell, { maxLength: 3 }),
  seed: whole,
  moveKey: text,
});

t.test('plain objects become what proto-loader makes of them', async (t) => {
  const encoders = new PlainEncoders(['placement']);
  const answers = codec('PlaceManyResponse');
  const encode = encoders.of('PlaceManyResponse');
  const result = fc.record({ allocation: fc.option(allocation), errorCode: text });
  fc.assert(
    fc.property(fc.array(result, { maxLength: 30 }), (results) => {
      const value = { results };
      const read = answers.decode(encode(value));
      t.strictSame(read, answers.decode(answers.encode(value)));
    }),
    { numRuns: 50 },
  );
  const destination = codec('Destination');
  const weights = { weight: -1.5, hostName: 'kvm', weights: { RAMWeigher: 0.25, CPUWeigher: 0 } };
  t.strictSame(
    destination.decode(encoders.of('Destination')(weights)),
    destination.decode(destination.encode(weights)),
  );
  t.equal(encode({ results: [] }).length, 0, 'defaults are left out');
  t.equal(encoders.of('ClaimResponse')({ hostGeneration: 0, existed: false, allocation: null }).length, 0);
  t.throws(() => encoders.of('NoSuchMessage'));
  t.throws(() => encoders.of('Allocation', ['noSuchField']));
  const stored = encoders.of('Allocation')({ id: 'a1', vcpus: 3 });
  const results = [{ allocation: { id: 'other' }, [encoded]: { allocation: stored } }, { errorCode: 'no' }];
  t.strictSame(
    answers.decode(encode({ results })),
    answers.decode(
      answers.encode({ results: [{ allocation: { id: 'a1', vcpus: 3 } }, { errorCode: 'no' }] }),
    ),
    'bytes that stand beside a field are taken as they are',
  );
});

t.test('a sink grows, and begins anew', async (t) => {
  const sink = new ByteSink();
  for (let index = 0; index < 3; index++) {
    sink.measured(() => sink.bytes(Buffer.alloc(200_000, index)));
    const bytes = sink.take();
    t.equal(bytes.length, 200_000 + 3 + 3);
    t.equal(bytes.at(-1), index);
  }
  t.equal(sink.take().length, 0);
});
