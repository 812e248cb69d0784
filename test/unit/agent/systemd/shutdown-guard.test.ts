/** agent/systemd/shutdown-guard: when the lock is held, tried again and given back. */
import t from 'tap';
import type { DelayLock } from '../../../../agent/systemd/inhibitor.js';
import { guardShutdown, type GuardOptions } from '../../../../agent/systemd/shutdown-guard.js';
import { until } from '../../../support/poll.js';

type Handlers = Parameters<GuardOptions['watch']>[0];

/** A guard with locks that are numbers, and a logind that says what the test says. */
function bed(more: Partial<GuardOptions> = {}) {
  const told: string[] = [];
  const held = new Set<number>();
  let taken = 0;
  let handlers: Handlers | undefined;
  let goesDown = false;
  const takeLock = async (): Promise<DelayLock> => {
    const descriptor = ++taken;
    held.add(descriptor);
    return { descriptor, release: () => void held.delete(descriptor) };
  };
  const guard = guardShutdown({
    takeLock,
    watch: (given) => {
      handlers = given;
      return {
        isListening: true,
        get goesDown() {
          return goesDown;
        },
        stop: async () => void told.push('watch stopped'),
      };
    },
    goDown: async () => void told.push('down'),
    stayUp: () => void told.push('up'),
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: (fields) => void told.push(JSON.stringify(fields)),
    },
    firstPauseMs: 1,
    longestPauseMs: 4,
    ...more,
  });
  const say = (value: boolean) => {
    goesDown = value;
    handlers?.onShutdown(value);
  };
  return { guard, told, held, takeLock, say, logind: () => handlers?.onLogind() };
}

t.test('one lock, and a new one before the old one goes', async (t) => {
  const { guard, held, logind } = bed();
  t.notOk(guard.holdsLock);
  logind();
  await until(() => guard.holdsLock, 1_000, 'no lock');
  t.same([...held], [1]);
  logind();
  await until(() => held.has(2), 1_000, 'no new lock');
  await until(() => !held.has(1), 1_000, 'the old one stays');
  await guard.stop();
  t.same([[...held], guard.holdsLock], [[], false]);
});

t.test('many new loginds at once: one attempt at a time', async (t) => {
  let asking = 0;
  let most = 0;
  const lock = { descriptor: 1, release: () => undefined };
  const { guard, logind } = bed({
    takeLock: async () => {
      most = Math.max(most, ++asking);
      await new Promise((resolve) => setTimeout(resolve, 5));
      asking--;
      return lock;
    },
  });
  for (let n = 0; n < 100; n++) logind();
  await until(() => guard.holdsLock, 1_000, 'no lock');
  t.equal(most, 1);
  await guard.stop();
});

t.test('what fails is tried again, with pauses that grow to the longest', async (t) => {
  const at: number[] = [];
  const { guard, told, logind } = bed({
    takeLock: async () => {
      at.push(performance.now());
      if (at.length < 8) throw new Error('no bus yet');
      return { descriptor: 1, release: () => undefined };
    },
  });
  logind();
  await until(() => guard.holdsLock, 2_000, 'not tried again');
  t.equal(at.length, 8);
  t.equal(told.filter((line) => line.includes('no bus yet')).length, 7);
  const pauses = at.slice(1).map((time, n) => time - (at[n] as number));
  t.ok(
    pauses.slice(-1).every((ms) => ms >= 3),
    `the last pause is the longest: ${pauses.join(' ')}`,
  );
  await guard.stop();
});

t.test('held while guests stop, given back when they are', async (t) => {
  let guestsAreDown: () => void = () => undefined;
  const { guard, held, say, logind } = bed({
    goDown: () => new Promise((resolve) => (guestsAreDown = resolve)),
  });
  logind();
  await until(() => guard.holdsLock, 1_000, 'no lock');
  say(true);
  await new Promise(setImmediate);
  t.same([...held], [1], 'held');
  t.ok(guard.goesDown);
  logind();
  await new Promise(setImmediate);
  t.same([...held], [1], 'no other one is asked for');
  guestsAreDown();
  await until(() => held.size === 0, 1_000, 'not given back');
  t.notOk(guard.holdsLock);
  await guard.stop();
});

t.test('a stage that fails gives it back too', async (t) => {
  for (const goDown of [
    () => Promise.reject(new Error('no libvirt')),
    () => {
      throw new Error('no libvirt');
    },
  ]) {
    const { guard, held, told, say, logind } = bed({ goDown });
    logind();
    await until(() => guard.holdsLock, 1_000, 'no lock');
    say(true);
    await until(() => held.size === 0, 1_000, 'not given back');
    t.match(told.join(), /no libvirt/);
    await guard.stop();
  }
});

t.test('a shutdown that is called off', async (t) => {
  let end: () => void = () => undefined;
  const { guard, held, told, say, logind } = bed({ goDown: () => new Promise((resolve) => (end = resolve)) });
  logind();
  await until(() => guard.holdsLock, 1_000, 'no lock');
  say(true);
  await new Promise(setImmediate);
  say(false);
  t.same(told, ['up']);
  await until(() => held.has(2) && !held.has(1), 1_000, 'no new lock');
  end(); // of the stage before: it has no say over the new lock
  await new Promise(setImmediate);
  t.same([[...held], guard.holdsLock], [[2], true]);
  await guard.stop();
  t.same(told, ['up', 'watch stopped']);
});

t.test('a lock that comes when all is over is given back', async (t) => {
  for (const over of ['stage', 'guard'] as const) {
    let come: () => void = () => undefined;
    const { guard, held, takeLock, say, logind } = bed({
      takeLock: async () => {
        await new Promise<void>((resolve) => (come = resolve));
        return takeLock();
      },
    });
    logind();
    if (over === 'stage') say(true);
    else await guard.stop();
    await new Promise(setImmediate);
    come();
    await new Promise(setImmediate);
    t.same([...held], [], over);
    t.notOk(guard.holdsLock);
    await guard.stop();
  }
});
