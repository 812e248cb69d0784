/* oxlint-disable unicorn/no-thenable -- `then` is a word of profiles and metadata; nobody awaits one */
/** The stop of guests, situation by situation; test/property/guest-stop.test.ts goes through the rest of them. */
import t from 'tap';
import type { GuestPolicy, Stage, StageCause } from '../../../../agent/guests/guest.js';
import { steadyClock } from '../../../../agent/guests/stop/clock.js';
import { describePlan, durationText } from '../../../../agent/guests/stop/describe.js';
import { begunOf, keptForMs } from '../../../../agent/guests/stop/kept-grace.js';
import { parallelWithin, planStop, remainingMs, type StopPlan } from '../../../../agent/guests/stop/plan.js';
import { runStop, type StopEnd, type StopOptions } from '../../../../agent/guests/stop/run.js';
import { activeGuests, saveMs, type StopGuest, worstMs } from '../../../../agent/guests/stop/stop-guest.js';
import { emptyXmlPart } from '../../../../agent/libvirt/domain-xml-view.js';
import type { DomainView } from '../../../../agent/libvirt/hypervisor.js';
import { guestsSection } from '../../../../proto/wire/guest-settings.js';
import { type FakeGuest, FakeGuests, type FakeGuestsOptions } from '../../../support/fake-guests.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

const policy: GuestPolicy = {
  ...{ order: 1000, after: [], graceMs: 60_000, ask: ['acpi', 'agent'] },
  ...{ then: 'power-off', resume: true },
};
let nextId = 1;

function guest(name: string, more: Partial<GuestPolicy> = {}, memoryBytes = 2 ** 30): StopGuest {
  return { uuid: `u-${name}`, name, id: nextId++, policy: { ...policy, ...more }, memoryBytes };
}

const settings = (parallel: number, over_budget: 'warn' | 'refuse' = 'warn') => ({ parallel, over_budget });

t.test('the longest that one guest takes', async (t) => {
  const cases: [Partial<GuestPolicy>, number][] = [
    [{}, 5_000 + 60_000 + 15_000],
    [{ ask: ['agent'] }, 2_500 + 60_000 + 15_000],
    [{ then: 'leave', graceMs: 1_000 }, 5_000 + 1_000],
    [{ then: 'managed-save' }, 5_000 + 60_000 + (10_000 + 20_000) + 15_000],
  ];
  for (const [more, want] of cases) t.equal(worstMs(guest('a', more, 2e9), 1), want, JSON.stringify(more));
  t.equal(saveMs({ memoryBytes: 0 }, 3), 10_000);
  t.equal(saveMs({ memoryBytes: 1e9 }, 3), 40_000, 'three share the disk');
  const domains = [7, -1].map((id) => ({
    ...emptyXmlPart,
    id,
    name: `n${id}`,
    uuid: `u${id}`,
    memoryBytes: 5,
  }));
  const active = activeGuests(domains as unknown as DomainView[], guestsSection.parse({}));
  t.match(active, [{ uuid: 'u7', name: 'n7', id: 7, memoryBytes: 5, policy: { graceMs: 60_000 } }]);
  t.equal(active.length, 1, 'a domain that is off needs no stop');
});

t.test('a plan that fits: latest begin and end of each wave, longest guests first', async (t) => {
  const guests = [
    ...['w1', 'w2', 'w3'].map((name) => guest(name, { order: 20 })),
    guest('w4', { order: 20, graceMs: 120_000 }),
    guest('db', { order: 10, then: 'leave' }),
  ];
  const plan = planStop(guests, settings(2), 300_000);
  t.match(plan, { verdict: 'fits', totalMs: 285_000, overMs: 0, parallel: 2, budgetMs: 300_000 });
  t.notOk(plan.advice);
  const shown = plan.waves.map(({ number, beginMs, endMs, guests: ones }) => [
    ...[number, beginMs, endMs],
    ...ones.map((one) => `${one.guest.name} ${one.beginMs}-${one.endMs}`),
  ]);
  t.same(shown, [
    [1, 0, 220_000, 'w4 0-140000', 'w1 0-80000', 'w2 80000-160000', 'w3 140000-220000'],
    [2, 220_000, 285_000, 'db 220000-285000'],
  ]);
  t.equal(remainingMs(plan, 1, 1), 65_000);
  t.equal(remainingMs(plan, 0, 4), 140_000 + 65_000);
  t.same(describePlan(plan), [
    '5 guests in 2 waves, 2 at once: at most 4 min 45 s of 5 min: fits',
    'wave 1, from 0 s to 3 min 40 s: w4, w1, w2, w3',
    'wave 2, from 3 min 40 s to 4 min 45 s: db',
    'left running if they do not obey, so their ports may stay behind: db',
  ]);
  t.match(planStop([], settings(1), 1_000), { waves: [], totalMs: 0, verdict: 'fits' });
});

t.test('a plan that does not fit says what would', async (t) => {
  const many = Array.from({ length: 20 }, (_, at) => guest(`w${at}`));
  const plan = planStop(
    [...many, guest('db', { order: 1, graceMs: 100_000 })],
    settings(4, 'refuse'),
    300_000,
  );
  t.match(plan, { verdict: 'refuse', totalMs: 5 * 80_000 + 120_000, overMs: 220_000 });
  t.match(plan.advice, { parallel: 10, budgetSeconds: 520 });
  t.equal(
    planStop([...many, guest('db', { order: 1, graceMs: 100_000 })], settings(10), 300_000).verdict,
    'fits',
  );
  t.same(describePlan(plan), [
    '21 guests in 2 waves, 4 at once: at most 8 min 40 s of 5 min: does not fit, by 3 min 40 s',
    'wave 1, from 0 s to 6 min 40 s: w0, w1, w10, w11, w12, w13, 14 more',
    'wave 2, from 6 min 40 s to 8 min 40 s: db',
    'it fits with parallel 10 instead of 4',
    'it fits with budget_seconds 520',
    'longest of their waves: db 2 min, w0 1 min 20 s',
  ]);
  const alone = planStop([guest('db', { graceMs: 600_000 })], settings(4), 300_000);
  t.match(alone, { verdict: 'warn', advice: { parallel: undefined, budgetSeconds: 620 } });
  t.match(describePlan(alone)[2], /^no parallelism makes it fit/);
  t.equal(parallelWithin(plan, 0, 300_000), 10);
  t.equal(parallelWithin(plan, 0, 900_000), 4, 'never less than is set');
  t.ok(parallelWithin(plan, 0, 1_000) >= 20, 'all at once where nothing fits');
  t.equal(planStop([guest('a', { after: ['a'] })], settings(1), 1e6).warnings.length, 1);
  t.same([0, 999, 61_000, 3_600_000].map(durationText), ['0 s', '1 s', '1 min 1 s', '1 h']);
});

t.test('guests that are saved at once share the disk, so that more at once gain nothing', async (t) => {
  const savers = ['a', 'b', 'c', 'd'].map((name) =>
    guest(name, { graceMs: 1_000, ask: ['acpi'], then: 'managed-save' }, 1e10),
  );
  const alone = 2_500 + 1_000 + 10_000 + 15_000;
  t.equal(planStop(savers, settings(1), 1e6).totalMs, 4 * (alone + 100_000));
  t.equal(planStop(savers, settings(4), 1e6).totalMs, alone + 400_000);
  const beside = planStop([savers[0] as StopGuest, guest('w')], settings(4), 1e6);
  t.equal(beside.totalMs, alone + 100_000, 'one that is saved has the disk to itself');
  t.match(planStop(savers, settings(1), 420_000).advice, { parallel: undefined });
  t.match(planStop(savers, settings(1), 450_000).advice, { parallel: 4 });
});

t.test('what cannot be planned', async (t) => {
  for (const budget of [0, -1, Number.NaN])
    t.throws(() => planStop([], settings(1), budget), /guests.stop.budget_seconds: got/);
  for (const parallel of [0, 1.5])
    t.throws(() => planStop([], settings(parallel), 1), /guests.stop.parallel: got/);
});

/** A host, a stop of it, and all that was said of it. */
class Stopping {
  readonly clock = new VirtualClock();
  readonly host: FakeGuests;
  readonly stages: Stage[] = [];
  plan: StopPlan;

  constructor(
    guests: readonly FakeGuest[],
    options: Omit<FakeGuestsOptions, 'clock'> & { parallel?: number } = {},
  ) {
    this.host = new FakeGuests(guests, { clock: this.clock, ...options });
    this.plan = planStop(this.host.active(), settings(options.parallel ?? 8), 600_000);
  }

  stop(more: Partial<StopOptions> = {}): Promise<StopEnd> {
    const { host, clock, plan } = this;
    const onStage = (stage: Stage) => void this.stages.push(stage);
    const cause: StageCause = 'host-shutdown';
    return clock.run(
      runStop({ ...host.parts(), id: 'x', cause, plan, power: host, clock, onStage, ...more }),
    );
  }

  /** `CALL NAME WAY? SECONDS` of every call, in order. */
  calls(): string[] {
    return this.host.calls.map(({ call, name, way, ms }) =>
      [call, name, way, ms / 1000].filter((part) => part !== undefined).join(' '),
    );
  }

  states(name: string): string[] {
    const all = this.stages.map(({ guests }) => guests.find((one) => one.name === name)?.state ?? '');
    return all.filter((state, at) => state !== '' && state !== all[at - 1]);
  }
}

function namesOf({ waves }: StopPlan): string[][] {
  return waves.map(({ guests }) => guests.map(({ guest: { name } }) => name));
}

t.test('three waves: one obeys, one is slow, one is deaf', async (t) => {
  const scene = new Stopping([
    { guest: guest('web', { order: 30 }), obeysMs: { acpi: 500 } },
    { guest: guest('app', { order: 20, graceMs: 2_000, ask: ['acpi'] }) },
    { guest: guest('db', { order: 10 }), obeysMs: { acpi: 25_000 } },
  ]);
  const { stage, remained } = await scene.stop();
  t.same(scene.calls(), [
    ...['ask web acpi 0', 'delivered web acpi 0', 'off web 0.5'],
    ...['ask app acpi 0.5', 'delivered app acpi 0.5', 'power-off app 2.5', 'off app 2.6'],
    ...['ask db acpi 2.6', 'delivered db acpi 2.6', 'ask db acpi 12.6', 'delivered db acpi 12.6'],
    ...['ask db acpi 22.6', 'delivered db acpi 22.6', 'off db 27.6'],
  ]);
  t.match(stage, {
    id: 'x',
    kind: 'stop',
    cause: 'host-shutdown',
    state: 'done',
    waves: 3,
    message: '3 stopped',
  });
  t.same(
    stage.guests.map(({ name, wave, state, message }) => [name, wave, state, message]),
    [
      ['web', 1, 'stopped', 'shutdown'],
      ['app', 2, 'stopped', 'destroyed'],
      ['db', 3, 'stopped', 'shutdown'],
    ],
  );
  t.same(remained, []);
  t.same(scene.states('app'), ['waiting', 'asked', 'powering-off', 'stopped']);
  t.equal(stage.endedMs - stage.startedMs, 27_600);
  t.equal(scene.stages.at(-1), stage, 'the last that is said is the end');
});

t.test('ways in turn: each has its share of the grace, and what is refused is not waited for', async (t) => {
  const cases: [string, FakeGuest, string[]][] = [
    [
      'power button, then agent',
      { guest: guest('a', { graceMs: 30_000 }) },
      ['acpi 0', 'acpi 10', 'agent 15', 'agent 25'],
    ],
    [
      'no agent',
      { guest: guest('a', { graceMs: 30_000 }), asks: { agent: 'refused' } },
      ['acpi 0', 'acpi 10', 'agent 15', 'acpi 15', 'agent 25', 'acpi 25'],
    ],
    [
      'no agent, first',
      { guest: guest('a', { graceMs: 12_000, ask: ['agent', 'acpi'] }), asks: { agent: 'refused' } },
      ['agent 0', 'acpi 0', 'acpi 6'],
    ],
    ['short', { guest: guest('a', { graceMs: 2_000 }) }, ['acpi 0', 'agent 1']],
    // The agent's call comes back when the guest is off: it is not made again, and the button is pressed meanwhile.
    [
      'agent in hand',
      { guest: guest('a', { graceMs: 30_000, ask: ['agent', 'acpi'] }), asks: { agent: 'late' } },
      ['agent 0', 'acpi 2', 'acpi 12', 'acpi 17', 'acpi 27'],
    ],
  ];
  for (const [what, fake, want] of cases) {
    const scene = new Stopping([fake]);
    await scene.stop();
    const asks = scene.host.calls.filter(({ call }) => call === 'ask');
    t.same(
      asks.map(({ way, ms }) => `${way} ${ms / 1000}`),
      want,
      what,
    );
  }
});

t.test(
  'a guest whose QEMU hangs is not asked, has its grace all the same, and delays nobody beyond it',
  async (t) => {
    const scene = new Stopping([
      { guest: guest('hung', { order: 2, graceMs: 20_000 }), asks: { acpi: 'hangs', agent: 'hangs' } },
      { guest: guest('next', { order: 1 }), obeysMs: { acpi: 0 } },
    ]);
    const { stage } = await scene.stop();
    const off = scene.host.calls.find(({ call }) => call === 'power-off');
    t.equal(off?.ms, 4_000 + 20_000, 'two ways of 2 s, and its grace');
    t.equal(scene.host.calls.find(({ name }) => name === 'next')?.ms, 24_100);
    t.match(
      scene.stages.find(({ guests }) => guests[0]?.state === 'asked')?.guests[0]?.message,
      /acpi: no answer/,
    );
    t.equal(stage.state, 'done');
  },
);

t.test('managed save: in time, not in time, and refused', async (t) => {
  const saved = { order: 1, graceMs: 1_000, ask: ['acpi'], then: 'managed-save' } as const;
  const cases: [string, Pick<FakeGuest, 'save'>, string[], string][] = [
    ['in time', { save: 9_000 }, ['save a 1', 'off a 10'], 'saved'],
    ['not in time', { save: 60_000 }, ['save a 1', 'power-off a 21', 'off a 21.1'], 'destroyed'],
    ['refused', { save: 'fails' }, ['save a 1', 'power-off a 1', 'off a 1.1'], 'destroyed'],
  ];
  for (const [what, fate, want, message] of cases) {
    const scene = new Stopping([{ guest: guest('a', saved, 1e9), ...fate }]);
    const { stage } = await scene.stop();
    t.same(scene.calls().slice(2), want, what);
    t.match(stage, { state: 'done', guests: [{ state: 'stopped', message }] }, what);
  }
});

t.test('left as told: it runs on, and nobody waits longer for it', async (t) => {
  const scene = new Stopping([
    { guest: guest('vip', { order: 2, graceMs: 5_000, then: 'leave' }) },
    { guest: guest('next', { order: 1 }), obeysMs: { acpi: 0 } },
  ]);
  const { stage, remained } = await scene.stop();
  t.same(
    scene
      .calls()
      .filter((call) => /power|save|next/.test(call))
      .slice(0, 1),
    ['ask next acpi 5'],
  );
  t.match(stage, { state: 'done', message: '1 stopped; 1 remain: vip' });
  t.match(remained, [{ name: 'vip', state: 'left' }]);
});

t.test(
  'a guest that cannot be powered off has failed after its time, and is tried once more at the end',
  async (t) => {
    const scene = new Stopping([
      { guest: guest('stuck', { order: 2, graceMs: 1_000 }), powerOffMs: 'never' },
      { guest: guest('next', { order: 1 }), obeysMs: { acpi: 0 } },
    ]);
    const { stage, remained } = await scene.stop();
    t.equal(scene.host.calls.find(({ name }) => name === 'next')?.ms, 16_000);
    t.equal(
      scene.calls().filter((call) => call.startsWith('ask stuck')).length,
      2,
      'no second grace at the end',
    );
    t.match(stage, { state: 'failed', waves: 3, message: '1 stopped; 1 remain: stuck' });
    t.match(remained, [
      { state: 'failed', wave: 3, message: /not off 15 s after the end of its grace: no answer/ },
    ]);
  },
);

t.test('lost events, a guest that goes by itself, one that is gone already', async (t) => {
  const [lost, early, absent] = [guest('lost'), guest('early', { order: 2 }), guest('absent', { order: 3 })];
  const scene = new Stopping(
    [
      { guest: lost, obeysMs: { acpi: 3_500 } },
      { guest: early, leavesMs: 1_000 },
    ],
    { losesEvents: true, parallel: 1 },
  );
  scene.plan = planStop([lost, early, absent], settings(1), 600_000);
  const { stage } = await scene.stop();
  t.same(
    scene.calls().filter((call) => call.startsWith('ask')),
    ['ask lost acpi 0'],
  );
  t.equal(stage.endedMs - stage.startedMs, 4_000, 'seen by the look after 4 s');
  t.match(stage, { state: 'done', message: '3 stopped' });
});

t.test('guests that start meanwhile are stopped in one round more, and no more than one', async (t) => {
  const again = (name: string): FakeGuest => ({ guest: guest(name), obeysMs: { acpi: 1_000 } });
  const scene = new Stopping([again('a')]);
  const unsubscribe = scene.host.onDomainEvent(({ name, kind }) => {
    if (kind === 'stopped') scene.host.start(again(name));
  });
  const { stage, remained } = await scene.stop();
  unsubscribe();
  t.same(
    scene.calls().filter((call) => /^(ask|off)/.test(call)),
    ['ask a acpi 0', 'off a 1', 'ask a acpi 1', 'off a 2'],
  );
  t.match(stage, { state: 'failed', waves: 2 });
  t.match(remained, [{ name: 'a', state: 'failed', message: 'runs, though the others are stopped' }]);
});

t.test('a silent libvirt: nobody counts as stopped, nobody is killed unasked, and it ends', async (t) => {
  const fakes = (): FakeGuest[] => [
    { guest: guest('a', { order: 2, graceMs: 30_000 }), obeysMs: { acpi: 20_000 } },
    { guest: guest('b', { order: 1, graceMs: 30_000 }), obeysMs: { acpi: 20_000 } },
  ];
  await t.test('for a while', async (t) => {
    const scene = new Stopping(fakes(), { silent: [[0, 25_000]] });
    const { stage } = await scene.stop();
    t.match(stage, { state: 'done', message: '2 stopped' });
    t.same(
      scene.calls().filter((call) => call.startsWith('power')),
      [],
      'both had their time',
    );
  });
  await t.test('for ever', async (t) => {
    const scene = new Stopping(fakes(), { silent: [[0, 1e9]] });
    const { stage, remained } = await scene.stop();
    t.match(stage, {
      state: 'failed',
      message: '0 stopped; 2 remain: a, b; libvirt did not answer the last look',
    });
    t.match(remained, [{ message: /^could not be asked: acpi: no answer/ }, { state: 'failed' }]);
    const lasted = stage.endedMs - stage.startedMs;
    t.ok(lasted >= 120_000 && lasted <= 160_000, `given up after two minutes: ${lasted} ms`);
    t.same(
      scene.calls().filter((call) => !call.startsWith('ask')),
      [],
    );
  });
});

t.test('where the host goes down sooner, more stop at once; order and graces stay', async (t) => {
  const fakes = ['a', 'b', 'c', 'd'].map((name) => ({ guest: guest(name, { order: 2, graceMs: 10_000 }) }));
  const last = { guest: guest('z', { order: 1, graceMs: 10_000 }) };
  const begins = async (endMs?: number): Promise<number[]> => {
    const scene = new Stopping([...fakes, last], { parallel: 1 });
    await scene.stop(endMs === undefined ? {} : { endMs: scene.clock.now() + endMs });
    return ['a', 'b', 'c', 'd', 'z'].map(
      (name) => scene.host.calls.find((one) => one.name === name)?.ms ?? -1,
    );
  };
  t.same(await begins(), [0, 10_100, 20_200, 30_300, 40_400]);
  t.same(await begins(90_000), [0, 0, 10_100, 10_100, 20_200], 'two at once fit');
  t.same(await begins(1_000), [0, 0, 0, 0, 10_100], 'nothing fits: all of a wave');
});

t.test('cancelled: nobody else is asked, those asked are left; gone on with: graces are kept', async (t) => {
  const scene = new Stopping([
    { guest: guest('a', { order: 3, graceMs: 10_000 }), obeysMs: { acpi: 1_000 } },
    { guest: guest('b', { order: 2, graceMs: 100_000 }) },
    { guest: guest('c', { order: 1, graceMs: 10_000 }) },
  ]);
  const cancel = new AbortController();
  void scene.clock.sleep(31_000).then(() => cancel.abort(new Error('told to end')));
  const first = await scene.stop({ signal: cancel.signal });
  t.match(first.stage, { state: 'cut-off', message: '1 stopped; 2 remain: b, c; cancelled: told to end' });
  t.match(first.remained, [
    { name: 'b', state: 'asked' },
    { name: 'c', state: 'waiting' },
  ]);
  scene.plan = planStop(scene.host.active(), settings(8), 600_000);
  const { stage } = await scene.stop({ earlier: JSON.parse(JSON.stringify(first.stage)) as Stage });
  t.equal(
    scene.host.calls.find(({ call }) => call === 'power-off')?.ms,
    101_000,
    'asked at 1 s, 100 s of grace',
  );
  t.match(stage, { state: 'done', waves: 3, startedMs: first.stage.startedMs, message: '3 stopped' });
  t.same(
    stage.guests.map(({ name, wave }) => [name, wave]),
    [
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ],
  );
});

t.test(
  'gone on with, where the order puts somebody else first now: the last resort waits its turn',
  async (t) => {
    const short = { graceMs: 10_000, ask: ['acpi'] as const };
    const scene = new Stopping([
      { guest: guest('base', short) },
      { guest: guest('middle', { ...short, after: ['base'] }), leavesMs: 0 },
      { guest: guest('asked', { ...short, after: ['middle'] }) },
      { guest: guest('other', { ...short, after: ['base'] }) },
    ]);
    t.same(namesOf(scene.plan), [['asked'], ['middle', 'other'], ['base']]);
    const cut = new AbortController();
    void scene.clock.sleep(4_000).then(() => cut.abort(new Error('cut')));
    const { stage: earlier } = await scene.stop({ signal: cut.signal });
    scene.plan = planStop(scene.host.active(), settings(8), 600_000);
    t.same(namesOf(scene.plan), [['other'], ['asked', 'base']], 'what it needed has gone by itself');
    const { stage } = await scene.stop({ earlier });
    const ends = scene.calls().filter((call) => call.startsWith('power-off'));
    t.same(ends, ['power-off other 14', 'power-off asked 14.1', 'power-off base 24.1']);
    t.same(
      scene.calls().filter((call) => call.startsWith('ask asked')),
      ['ask asked acpi 0'],
      'no second grace',
    );
    t.match(stage, { state: 'done', message: '4 stopped' });
  },
);

t.test('an answer that comes after the end is not told', async (t) => {
  const late = { policy: { graceMs: 5_000, ask: ['agent'] as const }, asks: { agent: 'late' as const } };
  const scene = new Stopping([{ guest: guest('a', late.policy), asks: late.asks }]);
  const cut = new AbortController();
  void scene.clock.sleep(3_000).then(() => cut.abort(new Error('cut')));
  const { stage: earlier } = await scene.stop({ signal: cut.signal });
  t.match(earlier, { state: 'cut-off', guests: [{ state: 'asked', message: 'agent: no answer yet' }] });
  const told = scene.stages.length;
  await scene.stop({ earlier });
  const later = scene.stages.slice(told).map(({ state }) => state);
  t.same([...new Set(later)], ['running', 'done'], 'only the stop that goes on says where it stands');
});

t.test('what is kept of an earlier stage', async (t) => {
  const one = guest('a', { graceMs: 60_000 });
  const at = (state: string, sinceMs: number, id = one.id, kind = 'stop'): Stage =>
    ({ kind, guests: [{ ...one, id, state, sinceMs }] }) as unknown as Stage;
  const now = 1_000_000;
  const cases: [string, Stage | undefined, object | undefined][] = [
    ['no earlier stage', undefined, undefined],
    ['asked', at('asked', now - 9_000), { step: 'asked', sinceMs: now - 9_000 }],
    ['its grace is over, but not for long', at('asked', now - 60_000 - keptForMs), { step: 'asked' }],
    ['long over', at('asked', now - 60_001 - keptForMs), undefined],
    ['another start', at('asked', now, one.id + 1), undefined],
    ['not asked yet', at('waiting', now), undefined],
    ['failed', at('failed', now), undefined],
    ['saving', at('saving', now - 5), { step: 'saving', sinceMs: now - 5 }],
    ['powering off', at('powering-off', now - 5), { step: 'powering-off' }],
    ['left', at('left', now - 5), { step: 'left' }],
    ['a clock that was set back', at('asked', now + 50_000), { step: 'asked', sinceMs: now }],
    ['a start', at('asked', now, one.id, 'start'), undefined],
  ];
  for (const [what, earlier, want] of cases) {
    const begun = begunOf(one, earlier, now);
    if (want) t.match(begun, want, what);
    else t.equal(begun, undefined, what);
  }
});

t.test('cut off in a save, a power-off and after a leave', async (t) => {
  const saver = guest('saver', { then: 'managed-save', graceMs: 1_000, order: 3 }, 1e9);
  const stuck = guest('stuck', { graceMs: 1_000, order: 2 });
  const left = guest('left', { then: 'leave', graceMs: 1_000, order: 1 });
  const scene = new Stopping([{ guest: saver, save: 60_000 }, { guest: stuck }, { guest: left }]);
  const sinceMs = scene.clock.now();
  const kept = ([one, state]: [StopGuest, string]) => ({
    ...one,
    wave: 1,
    state,
    message: '',
    sinceMs: sinceMs - 5_000,
  });
  const states: [StopGuest, string][] = [
    [saver, 'saving'],
    [stuck, 'powering-off'],
    [left, 'left'],
  ];
  const earlier = {
    kind: 'stop',
    waves: 3,
    startedMs: sinceMs,
    guests: states.map(kept),
  } as unknown as Stage;
  const { remained } = await scene.stop({ earlier });
  t.same(
    scene.calls(),
    ['save saver 0', 'power-off saver 15', 'off saver 15.1', 'power-off stuck 15.1', 'off stuck 15.2'],
    'the save has what is left of its 20 s, and nobody is asked again',
  );
  t.match(remained, [{ name: 'left', state: 'left' }]);
});

t.test('the clock of the host', async (t) => {
  const clock = steadyClock();
  t.ok(Math.abs(clock.now() - Date.now()) < 1_000, 'Unix milliseconds');
  const began = clock.now();
  const stop = new AbortController();
  const slept = clock.sleep(60_000, stop.signal);
  stop.abort();
  await slept;
  await clock.sleep(60_000, stop.signal);
  await clock.sleep(20);
  const lasted = clock.now() - began;
  t.ok(lasted >= 19 && lasted < 10_000, `${lasted} ms`);
});
