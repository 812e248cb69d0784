/** One look at a time, shared by all who ask while another one runs. */
import t from 'tap';
import { SharedLook } from '../../../../agent/libvirt/shared-look.js';

interface Looking {
  readonly looks: SharedLook<number>;
  /** Ends of the looks that began, in order. */
  readonly ends: { done(): void; fail(): void }[];
  nowMs: number;
}

function looking(): Looking {
  const ends: Looking['ends'] = [];
  const state = { ends, nowMs: 0 } as { -readonly [Key in keyof Looking]: Looking[Key] };
  const look = () =>
    new Promise<number>((resolve, reject) => {
      const number = ends.length + 1;
      ends.push({ done: () => resolve(number), fail: () => reject(new Error(`look ${number}`)) });
    });
  state.looks = new SharedLook(look, () => state.nowMs);
  return state;
}

const turn = (): Promise<void> => new Promise(setImmediate);

t.test('who asks meanwhile shares the look after it', async (t) => {
  const { looks, ends } = looking();
  const first = looks.read();
  const others = [looks.read(), looks.read(), looks.read()];
  t.equal(ends.length, 1);
  ends[0]?.done();
  await turn();
  t.equal(ends.length, 2, 'one more for three');
  ends[1]?.done();
  t.strictSame([await first, ...(await Promise.all(others))], [1, 2, 2, 2]);
});

t.test('a look that fails fails those who wait, and no later ones', async (t) => {
  const { looks, ends } = looking();
  const waiting = [looks.read(), looks.read()];
  ends[0]?.fail();
  for (const each of waiting) await t.rejects(each, { message: 'look 1' });
  t.equal(ends.length, 1, 'without a second wait');
  const later = looks.read();
  ends[1]?.done();
  t.equal(await later, 2);
});

t.test('an old look will do for who says so', async (t) => {
  const state = looking();
  const first = state.looks.read();
  state.ends[0]?.done();
  await first;
  state.nowMs = 100;
  t.equal(await state.looks.read(100), 1);
  const fresh = state.looks.read(99);
  state.ends[1]?.done();
  t.equal(await fresh, 2);
});
