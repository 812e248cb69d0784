/** What the reconciler keeps on disk, and its queue: every crash, damage and limit. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { maximumDevices } from '../../../../agent/facts/passthrough.js';
import { Breaker } from '../../../../agent/reconcile/breaker.js';
import { CallQueue } from '../../../../agent/reconcile/call-queue.js';
import { AllocationsFile } from '../../../../agent/reconcile/allocations-file.js';
import { DesiredFile } from '../../../../agent/reconcile/desired.js';
import { DomainQueues } from '../../../../agent/reconcile/domain-queues.js';
import { Lanes, mapLimited, parallelLanes } from '../../../../agent/reconcile/lanes.js';
import { Ledger, type LedgerOptions } from '../../../../agent/reconcile/ledger.js';
import type { Knob } from '../../../../agent/tuners/tuner.js';
import { knobKey } from '../../../../agent/tuners/tuner.js';
import { DroverError, type ErrorCode } from '../../../../proto/wire/errors.js';
import { maximumToldAllocations } from '../../../../proto/wire/limits.js';
import { canonicalJson, desiredDigest } from '../../../../proto/wire/profile.js';

const options: LedgerOptions = { bootId: 'boot-1', now: () => 7 };
const hostKnob = (setting: string): Knob => ({ tuner: 'ksm', setting, source: `/sys/${setting}` });
const domainKnob: Knob = {
  tuner: 'cpu-qos',
  setting: 'cpu_shares',
  source: 'file',
  domain: { uuid: 'u', name: 'n', incarnation: '1-2' },
};

function directory(t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'drover-files-'));
  t.teardown(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

async function open(t: Test, path: string, more: Partial<LedgerOptions> = {}): Promise<Ledger> {
  const ledger = await Ledger.open(path, { ...options, ...more });
  t.teardown(() => ledger.close());
  return ledger;
}

const originals = (ledger: Ledger): string[] =>
  ledger.entries().map(({ knob, original }) => `${knob.setting}=${original}`);

void t.test('the ledger', async (t) => {
  await t.test('keeps the first original, over a new opening, in a private directory', async (t) => {
    const path = join(directory(t), 'state');
    const ledger = await open(t, path);
    await ledger.record([
      { knob: hostKnob('run'), original: 'off' },
      { knob: domainKnob, original: '1024' },
    ]);
    await ledger.record([{ knob: hostKnob('run'), original: 'on' }]);
    t.equal(statSync(path).mode & 0o777, 0o700);
    t.equal(statSync(ledger.file).mode & 0o777, 0o600);
    const again = await open(t, path);
    t.strictSame(again.entries(), ledger.entries());
    t.strictSame(originals(again), ['run=off', 'cpu_shares=1024']);
    t.match(again.get(knobKey(domainKnob)), {
      original: '1024',
      bootId: 'boot-1',
      recordedUnixMs: 7,
      knob: domainKnob,
    });
  });

  await t.test('ends released entries; a later write is recorded anew', async (t) => {
    const path = directory(t);
    const ledger = await open(t, path);
    await ledger.record([{ knob: hostKnob('run'), original: 'off' }]);
    await ledger.release(knobKey(hostKnob('run')));
    await ledger.release(knobKey(hostKnob('run')));
    t.equal((await open(t, path)).size, 0);
    await ledger.record([{ knob: hostKnob('run'), original: 'unmerge' }]);
    t.strictSame(originals(await open(t, path)), ['run=unmerge']);
  });

  await t.test('repairs a last line that a crash cut, at every length', async (t) => {
    const path = directory(t);
    const file = join(path, 'ledger.jsonl');
    const ledger = await open(t, path);
    await ledger.record([{ knob: hostKnob('run'), original: 'off' }]);
    const whole = readFileSync(file, 'utf8');
    await ledger.record([{ knob: hostKnob('pages_to_scan'), original: '100' }]);
    const line = readFileSync(file, 'utf8').slice(whole.length);
    for (let length = 1; length < line.length - 1; length += 7) {
      writeFileSync(file, whole + line.slice(0, length));
      const repaired = await open(t, path);
      t.strictSame(originals(repaired), ['run=off'], `cut after ${length} characters`);
      t.equal(readFileSync(file, 'utf8'), whole, 'the file is whole again');
      await repaired.close();
    }
    writeFileSync(file, whole + line.slice(0, -1));
    t.strictSame(
      originals(await open(t, path)),
      ['run=off', 'pages_to_scan=100'],
      'only the newline was missing',
    );
    t.equal(readFileSync(file, 'utf8'), whole + line);
  });

  const good = async (t: Test): Promise<{ path: string; file: string; text: string }> => {
    const path = directory(t);
    const ledger = await open(t, path);
    await ledger.record(['a', 'b', 'c'].map((setting) => ({ knob: hostKnob(setting), original: '1' })));
    return { path, file: ledger.file, text: readFileSync(ledger.file, 'utf8') };
  };
  const damages: [string, (text: string) => string, number][] = [
    ['a changed value', (text) => text.replace('"setting":"b"', '"setting":"B"'), 2],
    ['an empty line', (text) => `\n${text}`, 1],
    ['a line that is no JSON', (text) => text.replace(/$/, 'x\n'), 4],
    ['a line of zeros', (text) => text.replace(/\n.*\n/, `\n${'\0'.repeat(40)}\n`), 2],
  ];
  for (const [name, damage, line] of damages) {
    await t.test(`refuses ${name}, and names the line`, async (t) => {
      const { path, file, text } = await good(t);
      writeFileSync(file, damage(text));
      await t.rejects(Ledger.open(path, options), {
        code: 'storage-corrupt',
        field: file,
        value: `line ${line}`,
      });
      t.equal(readFileSync(file, 'utf8'), damage(text), 'the file stays as it is');
    });
  }

  await t.test('drops what another boot recorded, and says so', async (t) => {
    const { path } = await good(t);
    const ledger = await open(t, path, { bootId: 'boot-2' });
    t.strictSame([ledger.size, ledger.voided.map(({ knob }) => knob.setting)], [0, ['a', 'b', 'c']]);
    t.strictSame((await open(t, path, { bootId: 'boot-2' })).voided, [], 'once');
  });

  await t.test('stops at its limit, all or nothing', async (t) => {
    const ledger = await open(t, directory(t), { maximumEntries: 3 });
    const some = (...names: string[]) =>
      ledger.record(names.map((name) => ({ knob: hostKnob(name), original: '1' })));
    await some('a', 'b');
    await t.rejects(some('c', 'd'), { code: 'resource-exhausted' });
    t.equal(ledger.size, 2);
    await some('a', 'b', 'c');
    await t.rejects(some('d'), { code: 'resource-exhausted' });
    await ledger.release(knobKey(hostKnob('a')));
    await some('d');
    t.strictSame(originals(ledger), ['b=1', 'c=1', 'd=1']);
  });

  await t.test('is written anew when it holds too many dead lines', async (t) => {
    const path = directory(t);
    const ledger = await open(t, path, { maximumDeadLines: 10 });
    await ledger.record([{ knob: domainKnob, original: '1024' }]);
    let longest = 0;
    for (let round = 0; round < 20; round++) {
      await ledger.record([{ knob: hostKnob('run'), original: String(round) }]);
      await ledger.release(knobKey(hostKnob('run')));
      longest = Math.max(longest, readFileSync(ledger.file, 'utf8').split('\n').length - 1);
    }
    t.ok(longest <= 13 && longest >= 10, `at most ten dead lines and some (${longest})`);
    t.strictSame(originals(await open(t, path)), ['cpu_shares=1024']);
  });

  await t.test('goes on after it could not be written anew, and tries that again', async (t) => {
    const path = directory(t);
    const ledger = await open(t, path, { maximumDeadLines: 2 });
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const knobs = names.map(hostKnob);
    await ledger.record(knobs.map((knob) => ({ knob, original: '1' })));
    mkdirSync(`${ledger.file}.tmp`); // where the replacement would be written
    for (const knob of knobs.slice(0, 4)) await ledger.release(knobKey(knob));
    t.strictSame(originals(await open(t, path)), ['e=1', 'f=1', 'g=1', 'h=1'], 'each release is on disk');
    rmSync(`${ledger.file}.tmp`, { recursive: true });
    await ledger.record([{ knob: hostKnob('i'), original: '2' }]);
    for (const knob of knobs.slice(4, 7)) await ledger.release(knobKey(knob));
    const lines = readFileSync(ledger.file, 'utf8').split('\n').length - 1;
    t.ok(lines <= 4, `written anew when it could be (${lines} lines)`);
    await ledger.record([{ knob: hostKnob('j'), original: '3' }]);
    t.strictSame(
      originals(await open(t, path)),
      ['h=1', 'i=2', 'j=3'],
      'and what came after is in the new file',
    );
    await ledger.close();
    await t.rejects(ledger.record([{ knob: hostKnob('k'), original: '4' }]), { code: 'storage-failed' });
  });

  await t.test('takes uses side by side, one after another', async (t) => {
    const path = directory(t);
    const ledger = await open(t, path, { maximumDeadLines: 5 });
    const knobs = Array.from({ length: 60 }, (_, index) => hostKnob(`knob-${index}`));
    await Promise.all(
      knobs.map(async (knob, index) => {
        await ledger.record([{ knob, original: '1' }]);
        if (index % 3 > 0) await ledger.release(knobKey(knob));
      }),
    );
    const left = knobs.filter((_, index) => index % 3 === 0).map(({ setting }) => `${setting}=1`);
    t.strictSame(originals(await open(t, path)).toSorted(), left.toSorted());
  });

  await t.test(
    'a full disk: record fails, nothing is half written, and space makes it well',
    { skip: process.getuid?.() === 0 ? false : 'needs root to mount a small tmpfs' },
    async (t) => {
      const path = join(directory(t), 'small');
      mkdirSync(path);
      t.equal(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', path]).status, 0);
      t.teardown(() => spawnSync('umount', ['-l', path]));
      const ledger = await open(t, path);
      await ledger.record([{ knob: hostKnob('run'), original: 'off' }]);
      const whole = readFileSync(ledger.file, 'utf8');
      writeFileSync(join(path, 'filler'), Buffer.alloc(8192));
      const many = Array.from({ length: 40 }, (_, index) => ({
        knob: hostKnob(`knob-${index}`),
        original: 'x'.repeat(80),
      }));
      await t.rejects(ledger.record(many), { code: 'storage-failed', message: /ENOSPC/ });
      t.strictSame([ledger.size, readFileSync(ledger.file, 'utf8')], [1, whole]);
      rmSync(join(path, 'filler'));
      await ledger.record(many.slice(0, 2));
      t.equal((await open(t, path)).size, 3);
    },
  );

  await t.test('opened for reading, it touches nothing', async (t) => {
    const absent = join(directory(t), 'absent');
    const ledger = await Ledger.open(absent, { ...options, readOnly: true });
    await t.rejects(ledger.record([{ knob: domainKnob, original: '1' }]), { code: 'storage-failed' });
    t.throws(() => statSync(absent), { code: 'ENOENT' });
    const { path, file, text } = await good(t);
    appendFileSync(file, '{"kind":"rec');
    t.equal((await Ledger.open(path, { ...options, readOnly: true })).size, 3);
    t.equal(readFileSync(file, 'utf8'), `${text}{"kind":"rec`, 'not even a repair');
  });
});

void t.test('the desired state', async (t) => {
  const tuners = { ksm: '{"run":"on"}' };
  const trial = { trialSeconds: 30, onFailure: 'keep', guests: '' };
  const digest = desiredDigest('p', 3, tuners, trial);
  const state = { profileName: 'p', profileRevision: 3, tuners, ...trial, digest };

  await t.test('is there after a new start, until it is cleared', async (t) => {
    const file = join(directory(t), 'below', 'desired.json');
    const desired = await DesiredFile.load(file);
    t.equal(desired.current, undefined);
    await desired.save(state);
    t.strictSame((await DesiredFile.load(file)).current, state);
    await desired.clear();
    t.strictSame([desired.current, (await DesiredFile.load(file)).current], [undefined, undefined]);
    await desired.clear();
  });

  await t.test('a file of an agent that knew no trials is read', async (t) => {
    const file = join(directory(t), 'desired.json');
    const old = { profileName: 'p', profileRevision: 3, tuners, digest: desiredDigest('p', 3, tuners) };
    writeFileSync(file, JSON.stringify(old));
    t.strictSame((await DesiredFile.load(file)).current, {
      ...old,
      trialSeconds: 0,
      onFailure: '',
      guests: '',
    });
  });

  await t.test('refuses a digest that is not its own, and keeps what it had', async (t) => {
    const desired = await DesiredFile.load(join(directory(t), 'desired.json'));
    await desired.save(state);
    await t.rejects(desired.save({ ...state, digest: 'abc' }), {
      code: 'invalid-argument',
      field: 'desired_state.digest',
    });
    t.strictSame((await DesiredFile.load(desired.file)).current, state);
  });

  for (const [name, damage] of [
    ['cut', (text: string) => text.slice(0, 40)],
    ['empty', () => ''],
    ['changed', (text: string) => text.replace('\\"on\\"', '\\"off\\"')],
    ['of another shape', () => '{"profileName":"p"}'],
  ] as const) {
    await t.test(`a file that is ${name} counts as none and is kept beside`, async (t) => {
      const file = join(directory(t), 'desired.json');
      await (await DesiredFile.load(file)).save(state);
      const damaged = damage(readFileSync(file, 'utf8'));
      writeFileSync(file, damaged);
      const warned: object[] = [];
      const log = { warn: (fields: object) => void warned.push(fields) };
      const looked = await DesiredFile.load(file, { log, readOnly: true });
      t.strictSame(
        [looked.current, readFileSync(file, 'utf8')],
        [undefined, damaged],
        'who only looks moves nothing',
      );
      const desired = await DesiredFile.load(file, { log });
      t.equal(desired.current, undefined);
      t.strictSame([existsSync(file), readFileSync(`${file}.damaged`, 'utf8')], [false, damaged]);
      t.strictSame(warned, [
        { file, kept: file },
        { file, kept: `${file}.damaged` },
      ]);
      await desired.save(state);
      t.strictSame((await DesiredFile.load(file)).current, state, 'what comes again is held');
    });
  }

  await t.test('a place that cannot be written leaves the old state', async (t) => {
    const desired = await DesiredFile.load(join(directory(t), 'desired.json'));
    await desired.save(state);
    mkdirSync(`${desired.file}.tmp`);
    await t.rejects(desired.save({ ...state }), { code: 'storage-failed', field: desired.file });
    t.strictSame(desired.current, state);
  });
});

void t.test('the allocations', async (t) => {
  const one = (id: string, instanceUuid: string, extraSpecs = {}) => ({
    ...{ id, instanceUuid, extraSpecs, vcpus: 2, memoryMb: 512, pciAddresses: [] as string[] },
  });
  const shares = { 'quota:cpu_shares': '2048' };
  const set = (generation: number, ...allocations: ReturnType<typeof one>[]) => ({ generation, allocations });
  const open = (t: Test) => AllocationsFile.load(join(directory(t), 'below', 'allocations.json'));

  await t.test('are there after a new start, by domain', async (t) => {
    const held = await open(t);
    t.strictSame([held.current.size, held.generation], [0, 0]);
    const web = one('a1', '51300000-0000-4000-8000-00000000000A', shares);
    t.equal(await held.save(set(7, web, one('a2', '')), 's1'), true);
    const again = await AllocationsFile.load(held.file);
    t.strictSame([...again.current.keys()], ['51300000-0000-4000-8000-00000000000a']);
    t.strictSame(again.current.get('51300000-0000-4000-8000-00000000000a'), web);
    t.equal(again.generation, 7);
    const uuid = '51300000-0000-4000-8000-00000000000A';
    t.equal(again.of({ uuid, allocationId: '' })?.id, 'a1', 'a UUID in any case');
    t.equal(again.of({ uuid, allocationId: 'a2' })?.id, 'a2', 'what the metadata names goes first');
    t.equal(again.of({ uuid: 'another', allocationId: 'unknown' }), undefined);
    await again.clear();
    t.strictSame([again.current.size, (await AllocationsFile.load(held.file)).generation], [0, 0]);
    await again.clear();
  });

  await t.test('an older set of the same session is ignored, one of another session is not', async (t) => {
    const held = await open(t);
    t.equal(await held.save(set(5, one('a', 'u')), 's1'), true);
    t.equal(await held.save(set(4), 's1'), false);
    t.equal((await AllocationsFile.load(held.file)).generation, 5, 'on disk too');
    t.equal(await held.save(set(5, one('b', 'u')), 's1'), true, 'the same generation is not older');
    t.equal(held.current.get('u')?.id, 'b');
    t.equal(await (await AllocationsFile.load(held.file)).save(set(4), 's1'), false, 'nor after a new start');
    t.equal(await held.save(set(1, one('c', 'u')), 's2'), true, 'a control plane that began anew');
    t.equal(held.current.get('u')?.id, 'c');
  });

  await t.test('of many at once the newest is what stays; the rest wait as one', async (t) => {
    const held = await open(t);
    const sets = Array.from({ length: 50 }, (_, index) => set(index + 1, one(`a${index + 1}`, 'u')));
    const saved = [...sets.map((each) => held.save(each, 's')), held.save(set(3), 's')];
    t.strictSame(
      (await Promise.all(saved)).filter((taken) => !taken),
      [false],
    );
    t.equal((await AllocationsFile.load(held.file)).current.get('u')?.id, 'a50');
  });

  await t.test(
    'more than the contract allows, and a place that cannot be written, change nothing',
    async (t) => {
      const held = await open(t);
      const full = Array.from({ length: maximumToldAllocations }, (_, index) =>
        one(`a${index}`, `u${index}`),
      );
      await held.save(set(1, ...full), 's');
      t.equal((await AllocationsFile.load(held.file)).current.size, maximumToldAllocations);
      await t.rejects(held.save(set(2, ...full, one('more', 'u')), 's'), {
        code: 'invalid-argument',
        field: 'allocations',
      });
      mkdirSync(`${held.file}.tmp`);
      await t.rejects(held.save(set(3), 's'), { code: 'storage-failed', field: held.file });
      t.equal(held.current.size, maximumToldAllocations);
      rmSync(`${held.file}.tmp`, { recursive: true });
      t.equal(await held.save(set(3), 's'), true, 'and the same set goes through afterwards');
      t.equal(held.current.size, 0);
    },
  );

  await t.test('devices are kept; a file of before they were known has none', async (t) => {
    const held = await open(t);
    const taking = (pciAddresses: string[]) => ({ ...one('a', 'u'), pciAddresses });
    const devices = Array.from({ length: maximumDevices }, (_, index) => `0000:3b:00.${index}`);
    await held.save(set(1, taking(devices)), 's');
    t.strictSame((await AllocationsFile.load(held.file)).list, [taking(devices)]);
    await t.rejects(held.save(set(2, taking([...devices, 'more'])), 's'), {
      code: 'invalid-argument',
      message: /^pci_addresses of a: got "4097 addresses"; want at most 4096$/,
    });
    const { pciAddresses: _, ...before } = one('a', 'u', shares);
    const old = { sessionId: 's', generation: 3, allocations: [before] };
    const checksum = createHash('sha256').update(canonicalJson(old)).digest('hex');
    writeFileSync(held.file, canonicalJson({ ...old, checksum }));
    t.strictSame((await AllocationsFile.load(held.file)).list, [one('a', 'u', shares)]);
  });

  for (const [name, damage] of [
    ['cut', (text: string) => text.slice(0, 40)],
    ['empty', () => ''],
    ['changed', (text: string) => text.replace('2048', '4096')],
    ['of another shape', () => '{"generation":1}'],
  ] as const) {
    await t.test(`a file that is ${name} counts as none and is kept beside`, async (t) => {
      const held = await open(t);
      await held.save(set(1, one('a', 'u', shares)), 's');
      const damaged = damage(readFileSync(held.file, 'utf8'));
      writeFileSync(held.file, damaged);
      let warnings = 0;
      const again = await AllocationsFile.load(held.file, { log: { warn: () => void warnings++ } });
      t.strictSame([again.current.size, again.generation, warnings], [0, 0, 1]);
      t.strictSame([existsSync(held.file), readFileSync(`${held.file}.damaged`, 'utf8')], [false, damaged]);
      t.equal(
        await again.save(set(1, one('a', 'u', shares)), 's'),
        true,
        'the same generation is taken again',
      );
      t.equal((await AllocationsFile.load(held.file)).current.size, 1);
    });
  }

  await t.test('a file that cannot be read stops whoever needs it, and no undo', async (t) => {
    const held = await open(t);
    mkdirSync(held.file, { recursive: true });
    await t.rejects(AllocationsFile.load(held.file), { code: 'storage-failed', field: held.file });
    let warnings = 0;
    const log = { warn: () => void warnings++ };
    const spare = await AllocationsFile.load(held.file, { log, isSpare: true });
    t.strictSame([spare.current.size, warnings], [0, 1]);
  });
});

void t.test('lanes', async (t) => {
  const lanes = new Lanes(2);
  const seen: string[] = [];
  const work = (name: string) => async () => {
    seen.push(`${name} begins`);
    await new Promise(setImmediate);
    seen.push(`${name} ends`);
  };
  const failing = lanes.run('a', () => Promise.reject(new Error('a fails')));
  await Promise.all([
    t.rejects(failing, { message: 'a fails' }),
    lanes.run('a', work('a')),
    lanes.run('b', work('b')),
  ]);
  t.strictSame(seen, ['b begins', 'a begins', 'b ends', 'a ends'], 'side by side, each in order');
  const since = lanes.now;
  t.strictSame([lanes.usedSince('a', since), lanes.usedSince('a', 0)], [false, true]);
  await lanes.run('a', work('a'));
  t.strictSame([lanes.usedSince('a', since), lanes.usedSince('b', since)], [true, false]);
  await lanes.run('c', work('c'));
  await lanes.run('d', work('d'));
  t.ok(lanes.usedSince('a', since), 'of a lane that was forgotten it is not said that it was unused');
  let most = 0;
  let running = 0;
  const doubled = await mapLimited([1, 2, 3, 4, 5], 2, async (item) => {
    most = Math.max(most, ++running);
    await new Promise(setImmediate);
    running--;
    return item * 2;
  });
  t.strictSame([doubled, most], [[2, 4, 6, 8, 10], 2]);
});

void t.test('calls for domains', async (t) => {
  const queues = new DomainQueues(3);
  let open = (): void => undefined;
  const closed = new Promise<void>((resolve) => (open = resolve));
  let running = 0;
  const work = async (): Promise<void> => {
    running++;
    await closed;
  };
  const calls = Array.from({ length: parallelLanes + 3 }, (_, index) => queues.run(`d${index}`, 's', work));
  await t.rejects(queues.run('x', 's', work), { code: 'resource-exhausted' });
  await new Promise(setImmediate);
  t.strictSame([running, queues.size], [parallelLanes, parallelLanes + 3], 'a few at a time');
  open();
  await Promise.all(calls);
  t.strictSame([running, queues.size], [parallelLanes + 3, 0], 'and nothing is left of them');
});

void t.test('silence of domains', async (t) => {
  const breaker = new Breaker(() => 0, 2);
  const call = (uuid: string, code?: ErrorCode): Promise<void> =>
    breaker
      .call(uuid, async () => {
        if (code) throw new DroverError(code, code);
      })
      .catch(() => undefined);
  const rows: [readonly (ErrorCode | undefined)[], boolean][] = [
    [['deadline-exceeded'], false],
    [['deadline-exceeded', 'deadline-exceeded'], true],
    [['deadline-exceeded', 'unavailable', 'deadline-exceeded'], true],
    [['deadline-exceeded', 'libvirt-failed', 'deadline-exceeded'], false],
    [['deadline-exceeded', undefined, 'deadline-exceeded'], false],
  ];
  for (const [codes, isHeld] of rows) {
    for (const code of codes) await call('a', code);
    t.equal(breaker.reason('a') !== undefined, isHeld, codes.join(', '));
    await call('a');
    t.equal(breaker.size, 0);
  }
  for (const uuid of ['a', 'b', 'c']) await call(uuid, 'deadline-exceeded');
  t.equal(breaker.size, 2, 'a bounded number is remembered');
});

void t.test('the queue', async (t) => {
  const gate = () => {
    let open = (): void => undefined;
    const closed = new Promise<void>((resolve) => (open = resolve));
    return { open: () => open(), closed };
  };

  await t.test('runs one at a time, in order, also after a failure', async (t) => {
    const queue = new CallQueue(10);
    const seen: string[] = [];
    const work = (name: string) => async () => {
      seen.push(`${name} begins`);
      await Promise.resolve();
      seen.push(`${name} ends`);
      if (name === 'b') throw new Error('b');
    };
    await Promise.allSettled(['a', 'b', 'c'].map((name) => queue.run(name, name, work(name))));
    t.strictSame(seen, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  await t.test('refuses beyond its limit', async (t) => {
    const queue = new CallQueue(2);
    const { open, closed } = gate();
    const first = queue.run('g', 'first', () => closed);
    await Promise.resolve();
    const waiting = ['a', 'b'].map((key) => queue.run('g', key, async () => key));
    await t.rejects(
      queue.run('g', 'c', async () => 'c'),
      { code: 'resource-exhausted' },
    );
    t.equal(queue.size, 2);
    open();
    await first;
    t.strictSame(await Promise.all(waiting), ['a', 'b']);
    t.equal(await queue.run('g', 'c', async () => 'c'), 'c', 'and takes more when there is room');
  });

  await t.test('one waiting call answers for its like, but not over another group', async (t) => {
    const queue = new CallQueue(10);
    const { open, closed } = gate();
    void queue.run('g', 'first', () => closed);
    await Promise.resolve();
    const ran: string[] = [];
    const call = (group: string, key: string) =>
      queue.run(group, key, async () => ran.push(`${group} ${key}`));
    const calls = [
      call('A', 'apply'),
      call('A', 'domain 1'),
      call('A', 'apply'),
      call('B', 'apply'),
      call('A', 'apply'),
      call('A', 'domain 1'),
      call('A', 'apply'),
    ];
    open();
    await Promise.all(calls);
    t.strictSame(ran, ['A apply', 'A domain 1', 'B apply', 'A apply', 'A domain 1']);
  });
});
