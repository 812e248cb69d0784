import t from 'tap';
import { Pacing } from '../../../../agent/host/pacing.js';
import { parseGuests } from '../../../../proto/wire/profile.js';

const paced = parseGuests('{"start":{"pace_others":true}}');
const free = parseGuests('{}');
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };

/** Spools that note what is done to them; those whose number is among `broken` cannot begin. */
function spools(broken: readonly number[] = []) {
  const said: string[] = [];
  let made = 0;
  const make = () => {
    const number = ++made;
    return {
      start: async () => {
        said.push(`start ${number}`);
        if (broken.includes(number)) throw new Error('no room');
      },
      stop: async () => void said.push(`stop ${number}`),
      own: async (name: string) => {
        said.push(`own ${name} ${number}`);
        return async () => void said.push(`disown ${name} ${number}`);
      },
    };
  };
  return { said, make };
}

t.test('each time that the profile turns pacing on it is another spool', async (t) => {
  const { said, make } = spools();
  const pacing = new Pacing(make, quiet);
  for (const settings of [undefined, free, paced, paced, free, paced]) pacing.follow(settings);
  await pacing.end();
  await pacing.end();
  t.same(said, ['start 1', 'stop 1', 'start 2', 'stop 2']);
});

t.test('starts of its own are marked while others are paced, and only then', async (t) => {
  const { said, make } = spools();
  const pacing = new Pacing(make, quiet);
  await (
    await pacing.own('early')
  )();
  pacing.follow(paced);
  await (
    await pacing.own('web')
  )(); // waits for the spool to begin
  t.same(said, ['start 1', 'own web 1', 'disown web 1']);
  await pacing.end();
});

t.test('a spool that could not begin is tried again', async (t) => {
  const { said, make } = spools([1]);
  const pacing = new Pacing(make, quiet);
  pacing.follow(paced);
  await (
    await pacing.own('web')
  )();
  pacing.follow(paced);
  await pacing.end();
  t.same(said, ['start 1', 'start 2', 'stop 2']);
});
