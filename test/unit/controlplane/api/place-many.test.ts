/** PlaceMany in turns: others are answered meanwhile, a call has a budget, and every claim has its outcome in its place. */
import t from 'tap';
import type { PlaceOutcome, WantedClaim } from '../../../../controlplane/allocations/claims.js';
import { mostQueryBytes, placeInTurns } from '../../../../controlplane/api/place-many.js';
import { requestFor } from '../../../../controlplane/model/request.js';
import { DroverError } from '../../../../proto/wire/errors.js';

const plain = (key: number): WantedClaim => ({ request: requestFor({}), key: `k${key}`, by: 'x' });
const queried = (key: number): WantedClaim => ({
  ...plain(key),
  request: requestFor({}, { hints: { query: ['["=", 1, 1]'] } }),
});

/** Claims that take `costMs` each of a clock of their own, and refuse under their key. */
function slowly(costMs: number) {
  let nowMs = 0;
  let pauses = 0;
  const calls: number[] = [];
  const claims = {
    placeMany: async (wanted: readonly (WantedClaim | DroverError)[]): Promise<PlaceOutcome[]> => {
      nowMs += costMs * wanted.length;
      calls.push(wanted.length);
      return wanted.map((one) => ({
        error: new DroverError('no-valid-host', one instanceof DroverError ? 'unread' : one.key),
      }));
    },
  };
  const pause = async (): Promise<void> => void pauses++;
  const turns = { now: () => nowMs, pause, turnMs: 10, budgetMs: 100 };
  return { claims, turns, calls, pauses: () => pauses };
}

const said = (outcomes: readonly PlaceOutcome[]) =>
  outcomes.map((one) => ('error' in one ? `${one.error.code} ${one.error.message.slice(0, 10)}` : 'placed'));

t.test('outcomes keep their places, whatever the turns', async (t) => {
  const wanted = Array.from({ length: 200 }, (_, key) => (key % 7 === 0 ? queried(key) : plain(key)));
  const run = slowly(0.1);
  const outcomes = await placeInTurns(run.claims, wanted, false, 10, run.turns);
  t.same(
    said(outcomes),
    wanted.map(({ key }) => `no-valid-host ${key}`),
  );
  t.ok(Math.max(...run.calls) <= 32);
  t.ok(run.calls.includes(1), 'what asks each host something is placed alone');
  t.ok(run.pauses() > 0);
});

t.test('turns shrink to what they cost, and the budget ends them', async (t) => {
  const run = slowly(4);
  const outcomes = await placeInTurns(
    run.claims,
    Array.from({ length: 200 }, (_, key) => plain(key)),
    false,
    10,
    run.turns,
  );
  t.equal(outcomes.length, 200);
  t.same(run.calls, [32], 'the first turn is over the budget already');
  t.match(outcomes[199], {
    error: { code: 'resource-exhausted', field: 'claims', message: /more than 100 ms/ },
  });
  const cheaper = slowly(1);
  await placeInTurns(
    cheaper.claims,
    Array.from({ length: 200 }, (_, key) => plain(key)),
    false,
    10,
    cheaper.turns,
  );
  t.same(cheaper.calls.slice(0, 3), [32, 10, 10]);
});

t.test('all or nothing is one turn, and may not ask for too much', async (t) => {
  const run = slowly(0);
  const wanted = Array.from({ length: 100 }, (_, key) => queried(key));
  await placeInTurns(run.claims, wanted, true, 10, run.turns);
  t.same(run.calls, [100]);
  const hosts = Math.floor(mostQueryBytes / (100 * 11)) + 1;
  await t.rejects(placeInTurns(run.claims, wanted, true, hosts, run.turns), {
    code: 'resource-exhausted',
    field: 'claims',
  });
  await placeInTurns(
    run.claims,
    Array.from({ length: 1_001 }, (_, key) => plain(key)),
    false,
    10,
    run.turns,
  );
  t.equal(run.calls.at(-1), 1_001, 'too many: the claims themselves say so');
});
