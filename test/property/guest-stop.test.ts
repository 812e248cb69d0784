/* oxlint-disable unicorn/no-thenable -- `then` is a word of profiles and metadata; nobody awaits one */
/**
 * Whatever guests do and libvirt does: the order is kept, nobody's last resort comes before its grace ends, waves do not
 * overlap, and as long as libvirt answers a stop takes no longer than was proved beforehand; also over a cut in the middle.
 */
import fc from 'fast-check';
import t from 'tap';
import type { Stage } from '../../agent/guests/guest.js';
import { planStop, type StopPlan } from '../../agent/guests/stop/plan.js';
import { runStop, type StopEnd } from '../../agent/guests/stop/run.js';
import { type FakeGuest, FakeGuests } from '../support/fake-guests.js';
import { VirtualClock } from '../support/virtual-clock.js';

const seed = Number(process.env['DROVER_SEED'] ?? Date.now() % 2 ** 31);
const runs = Number(process.env['DROVER_RUNS'] ?? 40);
const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
const opt = { requiredKeys: [] as [] };

const fate = fc.constantFrom('delivered', 'delivered', 'refused', 'hangs', 'late');
const delay = fc.option(fc.integer({ min: 0, max: 200_000 }), { nil: undefined });
const policy = fc.record({
  order: fc.integer({ min: 0, max: 3 }),
  after: fc.array(fc.constantFrom(...names), { maxLength: 2 }),
  graceMs: fc.integer({ min: 1, max: 120 }).map((seconds) => seconds * 1000),
  ask: fc.constantFrom(['acpi'], ['agent'], ['acpi', 'agent'], ['agent', 'acpi']),
  then: fc.constantFrom('power-off', 'power-off', 'managed-save', 'leave'),
  resume: fc.constant(true),
});
const fake = fc.record(
  {
    policy,
    memoryBytes: fc.integer({ min: 2 ** 26, max: 2 ** 34 }),
    obeysMs: fc.record({ acpi: delay, agent: delay }),
    asks: fc.record({ acpi: fate, agent: fate }, opt),
    powerOffMs: fc.integer({ min: 0, max: 14_000 }),
    save: fc.oneof(fc.integer({ min: 0, max: 400_000 }), fc.constant('fails')),
    leavesMs: fc.integer({ min: 0, max: 300_000 }),
  },
  { requiredKeys: ['policy', 'memoryBytes', 'obeysMs'] },
);
const shape = fc.record({
  fakes: fc.array(fake, { minLength: 1, maxLength: names.length }),
  parallel: fc.integer({ min: 1, max: 4 }),
  lookMs: fc.integer({ min: 0, max: 100 }),
  losesEvents: fc.boolean(),
});
const window = fc.tuple(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 0, max: 200_000 }));

type Shape = typeof shape extends fc.Arbitrary<infer Made> ? Made : never;

interface Moment {
  readonly ms: number;
  readonly stage: Stage;
}

class Scene {
  readonly clock = new VirtualClock();
  readonly host: FakeGuests;
  readonly guests: readonly FakeGuest[];
  readonly plan: StopPlan;
  readonly moments: Moment[] = [];
  readonly faults: string[] = [];
  readonly made: Shape;

  constructor(made: Shape, silent: readonly (readonly [number, number])[] = []) {
    this.made = made;
    this.guests = made.fakes.map(({ policy: said, memoryBytes, ...fates }, index) => ({
      guest: { uuid: `u-${index}`, name: names[index] as string, id: index + 1, policy: said, memoryBytes },
      ...fates,
    })) as unknown as FakeGuest[];
    const { lookMs, losesEvents } = made;
    this.host = new FakeGuests(this.guests, { clock: this.clock, lookMs, losesEvents, silent });
    this.plan = this.planNow();
  }

  planNow(): StopPlan {
    return planStop(this.host.active(), { parallel: this.made.parallel, over_budget: 'warn' }, 60_000);
  }

  stop(plan: StopPlan, more: { signal?: AbortSignal; earlier?: Stage | undefined } = {}): Promise<StopEnd> {
    const { host, clock } = this;
    const onStage = (stage: Stage) => this.#see({ ms: host.nowMs(), stage });
    return runStop({
      ...host.parts(),
      id: 's',
      cause: 'command',
      plan,
      power: host,
      clock,
      onStage,
      ...more,
    });
  }

  /** Nobody is said to be stopped who runs. */
  #see(moment: Moment): void {
    this.moments.push(moment);
    for (const { uuid, name, state, id } of moment.stage.guests)
      if (state === 'stopped' && this.host.runs({ uuid, id })) this.faults.push(`${name} is not stopped`);
  }

  first(call: string, name: string): number | undefined {
    return this.host.calls.find((one) => one.call === call && one.name === name)?.ms;
  }

  /** Where a guest stood just before it was asked first. */
  isOver(name: string, ms: number): boolean {
    const last = this.moments.findLast((moment) => moment.ms <= ms);
    const state = last?.stage.guests.find((one) => one.name === name)?.state;
    return state === undefined || ['stopped', 'left', 'failed'].includes(state);
  }

  /** Every last resort comes after the whole grace, from the first asking that libvirt took where there was one. */
  checkGraces(): void {
    for (const { guest } of this.guests)
      for (const call of ['save', 'power-off']) {
        const ms = this.first(call, guest.name);
        const asked = this.first('delivered', guest.name) ?? this.first('ask', guest.name) ?? Infinity;
        const delivered =
          ms !== undefined && asked > ms ? (this.first('ask', guest.name) ?? Infinity) : asked;
        if (ms !== undefined && ms < delivered + guest.policy.graceMs)
          this.faults.push(`${guest.name}: ${call} at ${ms}, asked at ${delivered}`);
      }
  }

  /** Each is asked after everybody of the waves before has ended; numbers and needs count where no fault was reported. */
  checkOrder(plan: StopPlan, fromMs = 0): void {
    const waves = plan.waves.map(({ guests }) => guests.map(({ guest }) => guest));
    for (const [index, wave] of waves.entries())
      for (const guest of wave) {
        const asked = this.first('ask', guest.name);
        if (asked === undefined || asked < fromMs) continue;
        for (const before of waves.slice(0, index).flat())
          if (!this.isOver(before.name, asked)) this.faults.push(`${guest.name} before ${before.name}`);
      }
    const isPlain = [this.plan, plan].every(({ warnings }) => !warnings.some((one) => one.includes('needs')));
    if (!isPlain) return;
    for (const { guest } of this.guests) {
      const asked = this.first('ask', guest.name);
      for (const { guest: other } of this.guests) {
        const comesFirst =
          other.policy.after.includes(guest.name) ||
          (other.policy.order > guest.policy.order &&
            this.guests.every((one) => one.guest.policy.after.length === 0));
        if (asked !== undefined && asked >= fromMs && comesFirst && !this.isOver(other.name, asked))
          this.faults.push(`${guest.name} is asked while ${other.name} has not ended`);
      }
    }
  }

  checkParallel(): void {
    for (const { ms, stage } of this.moments) {
      const busy = stage.guests.filter(({ state }) => ['asked', 'saving', 'powering-off'].includes(state));
      if (busy.length > this.made.parallel) this.faults.push(`${busy.length} at once at ${ms}`);
    }
  }

  /** No wave begins, and the stop does not end, later than proved beforehand; each guest is asked in time. */
  checkBound(endedMs: number): void {
    const looks = 2 * this.made.lookMs + 1;
    for (const { guests } of this.plan.waves)
      for (const { guest, beginMs, endMs } of guests) {
        const asked = this.first('ask', guest.name) ?? 0;
        const over =
          this.moments.find(({ ms }) => ms >= asked && this.isOver(guest.name, ms))?.ms ?? Infinity;
        if (asked > beginMs) this.faults.push(`${guest.name} asked at ${asked}, by plan at ${beginMs}`);
        if (over > endMs) this.faults.push(`${guest.name} ended at ${over}, by plan at ${endMs}`);
      }
    if (endedMs > this.plan.totalMs + looks) this.faults.push(`ended at ${endedMs} of ${this.plan.totalMs}`);
  }

  checkEnd({ stage, remained }: StopEnd): void {
    const told = remained.map(({ name }) => name).toSorted();
    const really = this.host
      .active()
      .map(({ name }) => name)
      .toSorted();
    if (JSON.stringify(told) !== JSON.stringify(really))
      this.faults.push(`remained: ${told.join(' ')} but ${really.join(' ')}`);
    const wrong = remained.filter(({ state }) => state !== 'left');
    if (wrong.length > 0 || stage.state !== 'done') this.faults.push(`${stage.state}: ${stage.message}`);
  }

  verdict(): void {
    if (this.faults.length > 0) throw new Error(this.faults.join('\n'));
  }
}

const check = async (property: fc.IAsyncProperty<unknown[]>): Promise<void> =>
  fc.assert(property as fc.IAsyncProperty<unknown>, { seed, numRuns: runs });

t.setTimeout(120_000);

t.test(`as long as libvirt answers (seed ${seed})`, async () => {
  await check(
    fc.asyncProperty(shape, async (made) => {
      const scene = new Scene(made);
      const end = await scene.clock.run(scene.stop(scene.plan));
      scene.checkGraces();
      scene.checkOrder(scene.plan);
      scene.checkParallel();
      scene.checkBound(scene.host.nowMs());
      scene.checkEnd(end);
      scene.verdict();
    }),
  );
});

t.test(`libvirt is silent for a while, once or twice (seed ${seed})`, async () => {
  await check(
    fc.asyncProperty(shape, fc.array(window, { minLength: 1, maxLength: 2 }), async (made, windows) => {
      const silent = windows.map(([from, lasts]) => [from, from + lasts] as const);
      const scene = new Scene(made, silent);
      await scene.clock.run(scene.stop(scene.plan));
      scene.checkGraces();
      scene.checkOrder(scene.plan);
      scene.verdict();
    }),
  );
});

t.test(`cut off anywhere and gone on with (seed ${seed})`, async () => {
  const pause = fc.integer({ min: 0, max: 60_000 });
  await check(
    fc.asyncProperty(shape, fc.integer({ min: 0, max: 400_000 }), pause, async (made, cutMs, pauseMs) => {
      const scene = new Scene(made);
      const cut = new AbortController();
      const { clock, host } = scene;
      const timer = clock.sleep(cutMs, cut.signal).then(() => cut.abort(new Error('cut')));
      const first = await clock.run(scene.stop(scene.plan, { signal: cut.signal }));
      cut.abort();
      await timer;
      const asksBefore = host.calls.filter(({ call }) => call === 'ask').length;
      const earlier = JSON.parse(JSON.stringify(first.stage)) as Stage;
      await clock.run(clock.sleep(pauseMs));
      if (host.calls.filter(({ call }) => call === 'ask').length > asksBefore)
        scene.faults.push('asked after the cut');
      const again = scene.planNow();
      const beganMs = host.nowMs();
      const end = await clock.run(scene.stop(again, { earlier }));
      scene.checkGraces();
      scene.checkOrder(again, beganMs);
      // Who goes by himself takes along what he needed, so that others may stand elsewhere in the second plan.
      if (made.fakes.every(({ leavesMs }) => leavesMs === undefined)) scene.checkOrder(scene.plan);
      scene.checkEnd(end);
      checkKept(scene, first.stage, again, beganMs);
      scene.verdict();
    }),
  );
});

/**
 * Who had been asked before the cut gets no second grace. One whom the second plan puts behind others (who needed it has gone
 * meanwhile) gets its last resort in its turn, as the order says.
 */
function checkKept(scene: Scene, before: Stage, again: StopPlan, beganMs: number): void {
  const first = new Set(again.waves[0]?.guests.map(({ guest }) => guest.uuid));
  for (const standing of before.guests.filter(({ state }) => state === 'asked')) {
    const guest = scene.guests.find((one) => one.guest.uuid === standing.uuid)?.guest;
    const began = scene.moments[0]?.stage.startedMs ?? 0;
    const latest = Math.max(beganMs, standing.sinceMs - began + (guest?.policy.graceMs ?? 0));
    if (!first.has(standing.uuid)) continue;
    for (const call of ['save', 'power-off']) {
      const ms = scene.first(call, standing.name);
      if (call === 'power-off' && guest?.policy.then === 'managed-save') continue;
      if (ms !== undefined && ms > latest + 1)
        scene.faults.push(`${standing.name}: ${call} at ${ms}, not ${latest}`);
    }
  }
}
