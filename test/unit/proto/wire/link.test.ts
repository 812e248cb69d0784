import t from 'tap';
import fc from 'fast-check';
import { backoffMs } from '../../../../proto/wire/backoff.js';
import { Link } from '../../../../proto/wire/link.js';
import { Outbox } from '../../../../proto/wire/outbox.js';

t.test('outbox', async (t) => {
  const outbox = new Outbox<string>(3);
  outbox.put('facts', 'f1', true);
  outbox.put('result', 'r1', false);
  outbox.put('facts', 'f2', true);
  t.same(
    outbox.waiting().map((message) => message.body),
    ['r1', 'f2'],
    'a newer report replaces the older of its kind',
  );
  t.same(
    outbox.waiting().map((message) => message.sequence),
    [2, 3],
  );
  outbox.put('result', 'r2', false);
  outbox.put('result', 'r3', false);
  t.same(
    outbox.waiting().map((message) => message.body),
    ['f2', 'r2', 'r3'],
    'at the limit the oldest is dropped',
  );
  t.equal(outbox.dropped, 1, 'and counted');
  outbox.acknowledge(4);
  t.same(
    outbox.waiting().map((message) => message.body),
    ['r3'],
  );
  outbox.renumber();
  t.same(
    outbox.waiting().map((message) => message.sequence),
    [1],
  );
  t.equal(outbox.put('result', 'r4', false).sequence, 2);
  t.same([outbox.holds('result'), outbox.holds('facts')], [true, false], 'what kinds wait');
});

/** Two links joined by a stream that can be cut, or full. */
class Wire {
  up = false;
  full = false;
  readonly got: string[] = [];
  readonly a = new Link<string>(64, 'ack');
  readonly b = new Link<string>(64, 'ack');

  connect(resumed: boolean): void {
    this.up = true;
    if (!resumed) this.b.reset();
    this.b.attach(
      (sequence, acknowledged, body) => this.#deliver(this.a, sequence, acknowledged, body),
      this.a.received,
    );
    this.a.attach(
      (sequence, acknowledged, body) => this.#deliver(this.b, sequence, acknowledged, body, this.got),
      this.b.received,
    );
  }

  cut(): void {
    this.up = false;
    this.a.detach();
    this.b.detach();
  }

  #deliver(to: Link<string>, sequence: number, acknowledged: number, body: string, into?: string[]): boolean {
    if (!this.up) return true; // lost on the way
    if (to.accept(sequence, acknowledged)) {
      if (body !== 'ack') into?.push(body);
      to.handled(sequence);
    }
    return !this.full;
  }
}

t.test('a link repeats what was lost, and only that', async (t) => {
  const wire = new Wire();
  wire.connect(true);
  wire.a.send('result', 'one', false);
  wire.up = false; // the stream is dead and nobody knows yet
  wire.a.send('result', 'two', false);
  wire.a.send('result', 'three', false);
  t.same(wire.got, ['one']);
  wire.cut();
  wire.connect(true);
  t.same(wire.got, ['one', 'two', 'three']);
  t.equal(wire.a.waiting, 0, 'all acknowledged');
});

t.test('a full stream is not written to until it drains', async (t) => {
  const wire = new Wire();
  wire.full = true;
  wire.connect(true);
  for (const body of ['one', 'two', 'three']) wire.a.send('result', body, false);
  t.same(wire.got, ['one'], 'the first write said full');
  wire.full = false;
  wire.a.drained();
  t.same(wire.got, ['one', 'two', 'three']);
});

t.test('no message is handled twice or out of order, however often the stream breaks', async (t) => {
  const steps = fc.array(fc.constantFrom('send', 'die', 'reconnect'), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (plan) => {
      const wire = new Wire();
      wire.connect(true);
      let sent = 0;
      for (const step of plan) {
        if (step === 'send') wire.a.send('result', `${sent++}`, false);
        if (step === 'die') wire.up = false;
        if (step === 'reconnect') {
          wire.cut();
          wire.connect(true);
        }
      }
      wire.cut();
      wire.connect(true);
      return wire.got.join() === Array.from({ length: sent }, (_, index) => `${index}`).join();
    }),
    { numRuns: 300 },
  );
  t.pass();
});

t.test('backoff doubles to its longest, with a quarter of jitter', async (t) => {
  const limits = { firstMs: 500, longestMs: 10_000 };
  t.same(
    [0, 1, 2, 10, 10_000].map((attempt) => backoffMs(attempt, limits, 0.5)),
    [500, 1000, 2000, 10_000, 10_000],
  );
  t.equal(backoffMs(0, limits, 0), 375);
  t.ok(backoffMs(3, limits, 0.999) < 5000);
});
