/* oxlint-disable unicorn/no-thenable -- `then` is a word of profiles and metadata; nobody awaits one */
/** Policy of a guest, and what stops and starts before what. */
import t from 'tap';
import type { Guest, GuestPolicy } from '../../../../agent/guests/guest.js';
import { guestOf, matches, policyOf } from '../../../../agent/guests/policy.js';
import { wavesOf } from '../../../../agent/guests/waves.js';
import { emptyXmlPart } from '../../../../agent/libvirt/domain-xml-view.js';
import type { DomainView } from '../../../../agent/libvirt/hypervisor.js';
import { guestsSection } from '../../../../proto/wire/guest-settings.js';

const none = guestsSection.parse({});

t.test('metadata goes over the first rule that fits, and that over the defaults, key by key', async (t) => {
  const settings = guestsSection.parse({
    stop: { grace_seconds: 90, ask: ['agent'], then: 'managed-save' },
    rules: [
      { domains: ['db?', 'sql*'], order: 10, grace_seconds: 300, ask: ['acpi', 'acpi'] },
      { domains: ['db1'], order: 20, after: ['never'], resume: false },
    ],
  });
  const cases: [string, DomainView['guest'], Partial<GuestPolicy>][] = [
    [
      'web',
      {},
      { order: 1000, after: [], graceMs: 90_000, ask: ['agent'], then: 'managed-save', resume: true },
    ],
    [
      'db1',
      {},
      { order: 10, after: [], graceMs: 300_000, ask: ['acpi'], then: 'managed-save', resume: true },
    ],
    ['db10', {}, { order: 1000 }],
    [
      'sql-x',
      { order: 0, after: ['nfs'], graceSeconds: 5, ask: ['agent', 'acpi'], then: 'leave', resume: false },
      { order: 0, after: ['nfs'], graceMs: 5_000, ask: ['agent', 'acpi'], then: 'leave', resume: false },
    ],
    ['sql-y', { then: 'power-off' }, { order: 10, graceMs: 300_000, then: 'power-off' }],
  ];
  for (const [name, guest, want] of cases) t.match(policyOf({ name, guest }, settings), want, name);
  const domain = { ...emptyXmlPart, uuid: 'u', name: 'n', id: 7 } as unknown as DomainView;
  t.match(guestOf(domain, none), { uuid: 'u', name: 'n', id: 7, policy: { order: 1000, graceMs: 60_000 } });
});

t.test('names and patterns', async (t) => {
  const yes = [
    'web1 web1',
    'web1 web?',
    'web1 *',
    'web1 w*b*',
    'a.b a.b',
    'aXbXc a*b*c',
    'web1 web1*',
    'a* a*',
  ];
  const no = [
    'web1 web',
    'web web1',
    'web1 ?web1',
    'axb a.b',
    'web1 Web1',
    'web10 web?',
    'abab a*ba',
    '[a] a',
  ];
  for (const line of yes) t.ok(matches(...(line.split(' ') as [string, string])), line);
  for (const line of no) t.notOk(matches(...(line.split(' ') as [string, string])), line);
  t.ok(matches('a b\nc', 'a*c'), 'any character');
  const began = performance.now();
  t.notOk(matches('a'.repeat(255), `${'*a'.repeat(120)}*b`), 'the worst pattern');
  t.ok(performance.now() - began < 500, 'in little time');
});

function guest(name: string, order: number, ...after: string[]): Guest {
  return {
    uuid: `uuid-${name}`,
    name,
    id: 1,
    policy: { ...policyOf({ name, guest: {} }, none), order, after },
  };
}

/** Waves as `a b | c`. */
function shown(guests: readonly Guest[], kind: 'stop' | 'start' = 'start'): string {
  return wavesOf(guests, kind)
    .waves.map((wave) => wave.map(({ name }) => name).join(' '))
    .join(' | ');
}

t.test('waves', async (t) => {
  const cases: [string, Guest[], string, string][] = [
    ['nobody', [], '', ''],
    ['by number', [guest('c', 5), guest('a', 1), guest('b', 5)], 'a | b c', 'b c | a'],
    ['needs within a number', [guest('a', 1, 'b'), guest('b', 1), guest('c', 1)], 'b c | a', 'a | b c'],
    ['by UUID', [guest('a', 1, 'uuid-b'), guest('b', 1)], 'b | a', 'a | b'],
    ['a chain', [guest('a', 1, 'b'), guest('b', 1, 'c'), guest('c', 1)], 'c | b | a', 'a | b | c'],
    ['a need over a number', [guest('a', 1, 'b'), guest('b', 2), guest('c', 3)], 'b | a | c', 'c | a | b'],
    ['needs that are not here', [guest('a', 1, 'x', 'y'), guest('b', 2)], 'a | b', 'b | a'],
    [
      'a chain keeps clear of the next number',
      [guest('a', 1, 'b'), guest('b', 1), guest('c', 2)],
      'b | a | c',
      'c | a | b',
    ],
  ];
  for (const [what, guests, start, stop] of cases) {
    t.equal(shown(guests), start, what);
    t.equal(shown(guests, 'stop'), stop, `${what}, stop`);
    t.equal(shown(guests.toReversed()), start, `${what}, in another order`);
  }
});

t.test('faults are said, and the rest of the order holds', async (t) => {
  const circle = [guest('c', 1, 'a'), guest('a', 1, 'b'), guest('b', 1, 'c'), guest('d', 1, 'd')];
  t.same(wavesOf(circle, 'start').faults, [
    'a needs b needs c needs a: the last of these needs is left out',
    'd needs itself: the last of these needs is left out',
  ]);
  t.equal(shown(circle), 'c d | b | a');
  t.equal(shown(circle.toReversed()), 'c d | b | a', 'the same need is left out in whatever order they come');
  t.same(wavesOf([guest('a', 1, 'b', 'b'), guest('b', 2)], 'stop').faults, [
    'a (order 1) needs b (order 2): the need goes over the number, so a starts later and stops earlier than its number says',
  ]);
});

t.test(
  'the most guests that a report carries, each needing the one before it, or many of them',
  async (t) => {
    const chain = Array.from({ length: 4096 }, (_, at) => guest(`g${at}`, 1, `g${at - 1}`));
    const { waves, faults } = wavesOf(chain, 'start');
    t.equal(waves.length, 4096);
    t.equal(waves[7]?.[0]?.name, 'g7');
    t.same(faults, []);
    const needs = Array.from({ length: 64 }, (_, at) => `g${at}`);
    const began = performance.now();
    const many = wavesOf(
      chain.map(({ name }) => guest(name, 1, ...needs)),
      'stop',
    );
    t.ok(performance.now() - began < 5_000);
    t.equal(many.waves[0]?.length, 4096 - 64, 'those that 64 others are needed by come first');
  },
);
