import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { HostBook } from '../../../../controlplane/allocations/host-book.js';
import { ownFields } from '../../../../controlplane/allocations/own-fields.js';
import { alikeFields, readRecords, RecordWriter } from '../../../../controlplane/allocations/records.js';
import { TextIndex } from '../../../../controlplane/allocations/text-index.js';
import { Claims } from '../../../../controlplane/allocations/claims.js';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import { confirmed } from '../../../../controlplane/model/allocation.js';
import { type Kind, kindLimits, Kinds } from '../../../../controlplane/model/allocation-kind.js';
import { areAlike, asKept, changed } from '../../../../controlplane/model/held-allocation.js';
import { requestFor } from '../../../../controlplane/model/request.js';
import { SharedTexts } from '../../../../controlplane/model/shared-texts.js';
import { Writer } from '../../../../controlplane/store/group-commit.js';
import { MemoryStore } from '../../../../controlplane/store/memory.js';
import type { Allocation, AllocationInput } from '../../../../proto/gen/drover/v1/Allocation.js';
import { codec } from '../../../../proto/wire/load.js';
import { asRecords, stored } from '../../../support/stored.js';

const messages = codec('Allocation');

/** An allocation as it is decoded. */
function decoded(input: AllocationInput): Allocation {
  return messages.decode(messages.encode(input));
}

const full: AllocationInput = {
  ...{ id: 'a', hostId: 'h', hostName: 'kvm', vcpus: 2, memoryMb: 2 ** 33, diskMb: 20, idempotencyKey: 'k' },
  ...{ createdUnixMs: 1_700_000_000_001, instanceUuid: 'u', extraSpecs: { x: 'y' }, createdBy: 'me' },
  ...{
    availabilityZone: 'az',
    state: 'claimed',
    lapsesUnixMs: 1_700_000_120_001,
    flavor: 'm1',
    projectId: 'p',
  },
  ...{ serverGroupId: 'g', alternates: ['b', 'c'], attempts: 2, revision: 2 ** 40, seed: 2 ** 52 + 1 },
  ...{ hostGeneration: 7, movedFrom: 'kvm-2', moveKey: 'mk' },
  cells: [{ guestCell: 1, hostCell: 1, memoryMb: 512, pinning: { 0: 4 } }],
  devices: [{ address: '0000:3b:00.1', vendorId: '8086', productId: '154d', numaCell: 0, tags: { a: 'b' } }],
  requestRest: {
    image: { id: 'i', properties: { hw_architecture: 'x86_64' } },
    schedulerHints: { different_host: { values: ['u1', 'u2'] } },
    pciRequests: [{ count: 1, specs: [{ keys: { vendor_id: '8086' } }], numaPolicy: 'socket' }],
    network: { physnets: ['p'], tunneled: true },
    bootsFromVolume: true,
  },
};

t.test('an allocation that is held has every field that was stored', (t) => {
  const kept = asKept(decoded(full), new SharedTexts());
  t.same(decoded(kept), decoded(full), 'all of them given');
  const bare = asKept(decoded({ id: 'a' }), new SharedTexts());
  t.same(decoded(bare), decoded({ id: 'a', state: 'confirmed' }), 'none of them given');
  for (const name of Object.keys(decoded(full)) as (keyof Allocation)[])
    t.ok(bare[name] !== undefined && kept[name] !== undefined, `${name} can be read`);
  const more = { movedFrom: '', alternates: [], seed: 3, projectId: 'q' };
  t.same(decoded(changed(kept, more)), decoded({ ...full, ...more }), 'what is changed, and the rest');
  t.same(decoded(confirmed(kept)), decoded({ ...full, state: 'confirmed', lapsesUnixMs: 0, alternates: [] }));
  t.same(decoded(kept), decoded(full), 'the one before is as it was');
  t.same(
    asKept(decoded({ id: 'c' }), new SharedTexts()).extraSpecs,
    {},
    'no allocation writes to what all share',
  );
  t.end();
});

const moment = fc.oneof(fc.constant(0), fc.nat(2 ** 53 - 1));
const name = fc.oneof(
  fc.constant(''),
  fc.constantFrom('a', 'b'),
  fc.string({ unit: 'grapheme', maxLength: 70 }),
);
/** Few values for what many have alike, so that some have. */
const anyAllocation = fc.record({
  ...{ id: name, hostId: name, hostName: name, idempotencyKey: name, instanceUuid: fc.constantFrom('', 'u') },
  ...{ vcpus: fc.nat(2), memoryMb: fc.constantFrom(0, 1, 2 ** 40), diskMb: fc.nat(1), attempts: fc.nat(2) },
  ...{ createdUnixMs: moment, lapsesUnixMs: moment, seed: moment, revision: moment, hostGeneration: moment },
  extraSpecs: fc.constantFrom({}, { x: 'y' }, { x: 'z' }, { x: 'y', z: '' }),
  ...{ createdBy: fc.constantFrom('', 'me'), state: fc.constantFrom('claimed', 'confirmed') },
  ...{ availabilityZone: name, flavor: fc.constantFrom('', 'm1'), projectId: name, serverGroupId: name },
  alternates: fc.array(fc.constantFrom('b', 'c', 'kvm-3'), { maxLength: 4 }),
  ...{ movedFrom: fc.constantFrom('', 'kvm-2'), moveKey: fc.constantFrom('', 'mk') },
  cells: fc.array(fc.record({ guestCell: fc.nat(3), memoryMb: fc.nat(512) }), { maxLength: 2 }),
  devices: fc.array(fc.constantFrom({ address: 'a', numaCell: 0 }, { address: 'b', tags: { x: 'y' } }), {
    maxLength: 2,
  }),
  requestRest: fc.constantFrom(
    null,
    {},
    { image: { id: 'i' } },
    { image: { id: 'j' }, bootsFromVolume: true },
  ),
});

t.test('whatever allocations say is held, written and read again', async (t) => {
  const writer = new RecordWriter();
  let alike = 0;
  fc.assert(
    fc.property(fc.array(anyAllocation, { minLength: 1, maxLength: 8 }), fc.nat(), (inputs, pick) => {
      const kept = inputs.map((input) => asKept(decoded(input), new SharedTexts()));
      for (const [place, one] of [...kept, ...kept].entries()) {
        const wanted = decoded(inputs[place % inputs.length] as AllocationInput);
        deepStrictEqual(decoded(one), wanted);
        deepStrictEqual(messages.decode(Buffer.from(writer.put(one).value)), wanted);
      }
      const [one, other] = [kept[0] as Allocation, kept[pick % kept.length] as Allocation];
      const later = changed(one, { createdUnixMs: other.createdUnixMs, lapsesUnixMs: other.lapsesUnixMs });
      if (areAlike(later, other)) alike++;
    }),
    { numRuns: 200 },
  );
  t.ok(alike > 20, `${alike} pairs were alike`);
  t.same(
    [...alikeFields, ...ownFields].toSorted(),
    Object.keys(decoded({})).toSorted(),
    'no field of the contract is left out, and none written twice',
  );
});

t.test('what many allocations say is held once, and what is found again has a bound', (t) => {
  const kinds = new Kinds(3);
  const kindOf = (vcpus: number): Kind => ({
    ...{ vcpus, memoryMb: 1, diskMb: 0, createdBy: '', availabilityZone: '', state: 'claimed', attempts: 1 },
    ...{ flavor: '', projectId: '', serverGroupId: '', extraSpecs: { a: String(vcpus) }, requestRest: null },
  });
  const [first, second] = [kinds.of(kindOf(1)), kinds.of(kindOf(2))];
  t.not(first, second);
  t.equal(kinds.of(kindOf(1)), first, 'found again by what it says');
  t.equal(kinds.of(kindOf(2)), second);
  t.not(kinds.of({ ...kindOf(2), extraSpecs: {} }), second, 'extra specs count');
  const long = { ...kindOf(9), flavor: 'x'.repeat(kindLimits.text) };
  t.same(kinds.of(long), long);
  t.equal(kinds.size, 3, 'a long text is not kept');
  for (let vcpus = 0; vcpus < 20; vcpus++) {
    t.same(kinds.of(kindOf(vcpus)), kindOf(vcpus));
    if (kinds.size > 3) t.fail(`${kinds.size} kinds`);
  }
  t.end();
});

t.test('texts are shared up to a bound', (t) => {
  const texts = new SharedTexts(2);
  for (const text of ['a', 'b', 'c', '', 'a']) t.equal(texts.of(text), text);
  t.equal(texts.size, 2);
  t.end();
});

t.test('an index answers as a map does', (t) => {
  let state = 1;
  const random = (most: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % most;
  };
  const index = new TextIndex<{ readonly text: string }>((value, text) => value.text === text);
  const map = new Map<string, { readonly text: string }>();
  const wrong: string[] = [];
  for (let turn = 0; turn < 60_000; turn++) {
    // More are put in than taken out at first, then the other way round.
    const text = `key-${random(3_000)}`;
    const known = map.get(text);
    if (index.get(text) !== known) wrong.push(text);
    if (random(10) < (turn < 30_000 ? 6 : 3)) {
      const value = { text };
      index.set(text, value);
      map.set(text, value);
    } else if (known) {
      if (index.remove(text, { text })) wrong.push(`${text}: another value`);
      if (!index.remove(text, known)) wrong.push(`${text}: not in`);
      map.delete(text);
    }
    if (index.size !== map.size) wrong.push(`size ${index.size}`);
  }
  t.same(wrong.slice(0, 5), []);
  t.ok(map.size > 100, 'something is left');
  t.same(new Set(index.values()), new Set(map.values()));
  t.end();
});

t.test('a host knows its virtual machines, few and many', (t) => {
  const book = new HostBook('h', 'kvm');
  const of = (number: number) =>
    asKept(decoded({ id: `a${number}`, instanceUuid: `ABC-${number}` }), new SharedTexts());
  const held = Array.from({ length: 100 }, (_, number) => of(number));
  for (const [number, allocation] of held.entries()) {
    if (number % 2 === 0) book.hold(allocation);
    else book.mark(allocation);
    if (book.countOf(`abc-${number}`) !== 1 || book.holdsInstance(`abc-${number + 1}`))
      t.fail(`wrong at ${number}`);
  }
  const again = of(99);
  book.mark(again);
  t.same([book.countOf('Abc-99'), book.countOf('abc-0'), book.countOf('')], [2, 1, 0]);
  book.unmark(again);
  for (const [number, allocation] of held.entries()) {
    if (number % 2 === 0) book.drop(allocation);
    else book.unmark(allocation);
    if (book.holdsInstance(`abc-${number}`)) t.fail(`${number} is still there`);
  }
  t.same([book.totals.count, book.ids().size], [0, 0]);
  t.end();
});

t.test('ECUs of allocations are counted on their host, also after a restart', async (t) => {
  const registry = new Registry();
  registry.upsert({
    ...{ id: 'h', name: 'kvm', availabilityZone: '', labels: {}, overcommit: null, simulated: true },
    ...{ disabled: false, disabledReason: '', machineId: '', certificateSerial: '', enrolledUnixMs: 0 },
    ...{
      forcedDown: false,
      maintenance: null,
      lock: null,
      capacity: { vcpus: 8, memoryBytes: 64 * 2 ** 30, diskBytes: 2 ** 40 },
    },
  });
  registry.setLiveness('h', true, 1);
  const store = new MemoryStore();
  let id = 0;
  const parts = { registry, commits: new Writer(store, 0), now: () => 1, newId: () => `a${id++}` };
  const claims = new Claims(parts);
  const used = (): number => registry.columns.ecusUsed.values[0] as number;
  const claim = (ecus: string) =>
    claims.claim(requestFor({ vcpus: 1, memoryMb: 1, extraSpecs: { 'drover:ecu': ecus } }), '');
  const first = claim('6.5');
  t.equal(used(), 6.5, 'from when it is marked');
  const [{ allocation }] = await Promise.all([first, claim('0.1'), claim('0.2'), claim('all of them')]);
  t.equal(used(), 6.8, 'what is no number counts as nothing');
  registry.setCounts('h', { ecusUsed: 0 });
  const { records } = await stored(store);
  t.equal(readRecords(asRecords(records)).allocations.length, 4);
  new Claims(parts).load(asRecords(records));
  t.equal(used(), 6.8);
  await claims.release(allocation.id);
  t.equal(used(), 0.3, 'given back exactly');
});
