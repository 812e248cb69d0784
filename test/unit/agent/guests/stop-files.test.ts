/** The stage on disk and its lock: crashes, damage, clocks that are set, and processes that come at the same moment. */
import { fork, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { GuestStanding, Stage } from '../../../../agent/guests/guest.js';
import { steadyClock } from '../../../../agent/guests/stop/clock.js';
import { StageFile, type StageFileOptions, writeEveryMs } from '../../../../agent/guests/stop/stage-file.js';
import { stageOwner, takeStageLock } from '../../../../agent/guests/stop/stage-lock.js';
import { HostRoot } from '../../../../agent/kernel/root.js';
import { until } from '../../../support/poll.js';
import { VirtualClock } from '../../../support/virtual-clock.js';

const kernel = new HostRoot();

function directory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'drover-stage-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const standing: GuestStanding = {
  ...{ uuid: 'u', name: 'n', id: 3, wave: 1, state: 'asked', message: 'asked by acpi', sinceMs: 5_000 },
};
const stage: Stage = {
  ...{ id: 's', kind: 'stop', cause: 'host-shutdown', state: 'running', startedMs: 1_000, endedMs: 0 },
  ...{ waves: 2, message: '', guests: [standing] },
};

function options(file: string, more: Partial<StageFileOptions> = {}): StageFileOptions {
  return { file, bootId: 'boot', clock: new VirtualClock(100_000), monotonicMs: () => 60_000, ...more };
}

void t.test('the stage on disk', async (t) => {
  await t.test('is there as it was put, in a private file', async (t) => {
    const file = join(directory(t), 'state', 'guest-stop.json');
    const one = new StageFile(options(file));
    t.equal(await one.load(), undefined);
    one.put(stage);
    await one.flush();
    t.same(await new StageFile(options(file)).load(), { stage, isOfThisBoot: true });
    t.equal(statSync(file).mode & 0o777, 0o600);
    t.same(await new StageFile(options(file, { bootId: 'next' })).load(), { stage, isOfThisBoot: false });
  });

  await t.test('times are moved with the time of day that was set meanwhile', async (t) => {
    const file = join(directory(t), 'guest-stop.json');
    const one = new StageFile(options(file));
    one.put({ ...stage, endedMs: 9_000 });
    await one.flush();
    // 10 s later by the monotonic clock, an hour and 10 s by the time of day.
    const later = options(file, { clock: new VirtualClock(3_710_000), monotonicMs: () => 70_000 });
    const moved = await new StageFile(later).load();
    t.match(moved?.stage, { startedMs: 3_601_000, endedMs: 3_609_000, guests: [{ sinceMs: 3_605_000 }] });
    const near = options(file, { clock: new VirtualClock(110_003), monotonicMs: () => 70_000 });
    t.match(
      (await new StageFile(near).load())?.stage,
      { endedMs: 9_000 },
      'an end that was told is known again',
    );
    const rebooted = await new StageFile({ ...later, bootId: 'next' }).load();
    t.match(
      rebooted?.stage,
      { startedMs: 1_000, guests: [{ sinceMs: 5_000 }] },
      'of another boot: as they were',
    );
  });

  await t.test('is written twice a second at most, the newest wins, and the end at once', async (t) => {
    const file = join(directory(t), 'guest-stop.json');
    const begun: number[] = [];
    const clock = steadyClock();
    const counting = {
      now: clock.now,
      sleep: (ms: number, signal?: AbortSignal) => (begun.push(ms), clock.sleep(ms, signal)),
    };
    const one = new StageFile(options(file, { clock: counting }));
    for (let turn = 0; turn < 200; turn++) one.put({ ...stage, message: `${turn}` });
    await until(() => readMessage(file) === '0', 5_000, 'the first is written at once');
    await until(() => readMessage(file) === '199', 5_000, 'the newest follows');
    t.ok(begun.length <= 3, `${begun.length} writes of 200`);
    t.ok(begun.every((ms) => ms === writeEveryMs));
    one.put({ ...stage, state: 'done', endedMs: 7, message: 'end' });
    await one.flush();
    t.equal(readMessage(file), 'end');
  });

  await t.test('damage counts as none and is logged; a newer stage takes its place', async (t) => {
    const file = join(directory(t), 'guest-stop.json');
    const warned: object[] = [];
    const log = { warn: (fields: object) => void warned.push(fields) };
    const wrong = ['', '{', '{}', '[]', JSON.stringify({ version: 2, bootId: 'boot', zeroMs: 0, stage })];
    wrong.push(JSON.stringify({ version: 1, bootId: 'boot', zeroMs: 0, stage: { ...stage, state: 'odd' } }));
    wrong.push(
      ' '.repeat(16 * 2 ** 20 + 1) + JSON.stringify({ version: 1, bootId: 'boot', zeroMs: 0, stage }),
    );
    for (const text of wrong) {
      writeFileSync(file, text);
      t.equal(await new StageFile(options(file, { log })).load(), undefined, text.slice(0, 60));
    }
    t.equal(warned.length, wrong.length);
    const one = new StageFile(options(file));
    one.put(stage);
    await one.flush();
    t.match(await one.load(), { stage: { id: 's' } });
  });

  await t.test('a disk that fails holds up nobody, and is told of at the end', async (t) => {
    const path = directory(t);
    writeFileSync(join(path, 'plain'), '');
    const one = new StageFile(options(join(path, 'plain', 'guest-stop.json')));
    t.doesNotThrow(() => one.put(stage));
    await t.rejects(one.flush(), { code: 'storage-failed' });
  });
});

function readMessage(file: string): string | undefined {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { stage: Stage }).stage.message;
  } catch {
    return undefined;
  }
}

void t.test('the lock', async (t) => {
  const clock = steadyClock();

  await t.test('one at a time; the next waits, up to its limit, or until it is told to end', async (t) => {
    const path = join(directory(t), 'stage');
    const give = await takeStageLock({ directory: path, kernel, clock, limitMs: 0 });
    t.equal(stageOwner(path, kernel), process.pid);
    const refused = {
      code: 'failed-precondition',
      message: new RegExp(`^process ${process.pid} stops or starts`),
    };
    await t.rejects(takeStageLock({ directory: path, kernel, clock, limitMs: 0 }), refused);
    const virtual = new VirtualClock();
    const began = virtual.now();
    await t.rejects(
      virtual.run(takeStageLock({ directory: path, kernel, clock: virtual, limitMs: 90_100 })),
      refused,
    );
    t.equal(virtual.now() - began, 90_100, 'waited as long as it may');
    const stop = new AbortController();
    const told = takeStageLock({ directory: path, kernel, clock, limitMs: 60_000, signal: stop.signal });
    stop.abort();
    await t.rejects(told, { code: 'unavailable' });
    const next = takeStageLock({ directory: path, kernel, clock, limitMs: 10_000 });
    give();
    const giveNext = await next;
    give();
    t.equal(stageOwner(path, kernel), process.pid, 'given back twice: it is the next one who has it');
    giveNext();
    t.equal(stageOwner(path, kernel), undefined);
    t.equal(readdirSync(path).length, 1, 'one file, however often');
    await t.rejects(takeStageLock({ directory: path, kernel, clock, limitMs: -1 }), /^limitMs: got -1/);
  });

  await t.test(
    'of a process that was killed, or whose number another has, it counts for nothing',
    async (t) => {
      const path = directory(t);
      for (const [number, content] of [
        '999999999 1',
        `${process.pid} 1`,
        '',
        'odd',
        `${2 ** 40} 7`,
      ].entries()) {
        writeFileSync(join(path, `owner.${number + 5}`), content);
        t.equal(stageOwner(path, kernel), undefined, content);
        const give = await takeStageLock({ directory: path, kernel, clock, limitMs: 0 });
        t.equal(stageOwner(path, kernel), process.pid);
        give();
      }
    },
  );

  await t.test('a directory that cannot be', async (t) => {
    const path = join(directory(t), 'plain');
    writeFileSync(path, '');
    await t.rejects(takeStageLock({ directory: join(path, 'x'), kernel, clock, limitMs: 0 }), {
      code: 'storage-failed',
    });
  });

  await t.test(
    'several processes that come at the same moment, and one that is killed with it',
    async (t) => {
      const path = directory(t);
      const lock = join(path, 'stage');
      const program = join(import.meta.dirname, '../../../support/stage-lock-child.js');
      const killed = spawn(process.execPath, [program, lock, join(path, 'inside'), 'hold'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await new Promise((resolve) => killed.stdout.once('data', resolve));
      t.equal(stageOwner(lock, kernel), killed.pid);
      const children = Array.from({ length: 3 }, () => fork(program, [lock, join(path, 'inside'), '25']));
      const ends = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
      killed.kill('SIGKILL');
      t.same(await Promise.all(ends), [0, 0, 0], 'nobody met anybody inside');
      t.equal(stageOwner(lock, kernel), undefined);
    },
  );
});
