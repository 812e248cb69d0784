/** The audit of guests: what four sources say, what is suspect, and what is done about it, pass by pass. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { suspectsOf, type AuditSources } from '../../../../agent/guests/audit/compare.js';
import { lookAround, startOf } from '../../../../agent/guests/audit/look.js';
import { CoveredDomains, memoryLimits, Sightings } from '../../../../agent/guests/audit/memory.js';
import { maximumQuarantined, Quarantine } from '../../../../agent/guests/audit/quarantine.js';
import { verdictOn, type Circumstances, type Rule } from '../../../../agent/guests/audit/verdict.js';
import { qemuProcesses } from '../../../../agent/kernel/qemu-processes.js';
import type { DomainView } from '../../../../agent/libvirt/hypervisor.js';
import { emptyXmlPart } from '../../../../agent/libvirt/domain-xml-view.js';
import { MemoryRoot } from '../../../../agent/sim/memory-root.js';
import { AuditBed, uuidOf } from '../../../support/audit-bed.js';
import { until } from '../../../support/poll.js';

const domain = (number: number, more: Partial<DomainView> = {}): DomainView => ({
  ...{ ...emptyXmlPart, uuid: uuidOf(number), name: `guest-${number}`, id: number, state: 'running' },
  ...{ vcpus: 1, memoryBytes: 2 ** 28, pid: 100 + number, allocationId: `a-${number}`, ...more },
});

const process = (number: number, pid = 100 + number) => ({
  ...{ pid, uuid: uuidOf(number), name: `guest-${number}` },
});

const quiet: AuditSources = {
  promised: {
    isTold: true,
    generation: 3,
    covers: () => false,
    everCovered: () => false,
    had: [],
  },
  domains: [],
  processes: [],
  emptyGroups: [],
  ports: [],
};

t.test('suspects', async (t) => {
  const { promised } = quiet;
  const group = (id: number, name: string) => ({ directory: `/m/qemu-${id}-${name}`, id, name });
  const cases: readonly (readonly [string, Partial<AuditSources>, readonly string[]])[] = [
    [
      'placed, runs, no allocation',
      { domains: [domain(1)], processes: [process(1)] },
      ['running-deleted 1 2'],
    ],
    ['libvirt alone says that it runs', { domains: [domain(1)] }, ['running-deleted 1 1']],
    ['nobody placed it', { domains: [domain(1, { allocationId: '' })] }, []],
    [
      'it was covered once, by its UUID',
      { domains: [domain(1, { allocationId: '' })], promised: { ...promised, everCovered: () => true } },
      ['running-deleted 1 1'],
    ],
    ['covered', { domains: [domain(1)], promised: { ...promised, covers: () => true } }, []],
    ['off', { domains: [domain(1, { id: -1, state: 'shutoff' })] }, []],
    ['its XML cannot be read', { domains: [domain(1, { xmlUnknown: 'broken' })] }, []],
    ['the control plane is silent', { domains: [domain(1)], promised: { ...promised, isTold: false } }, []],
    ['a QEMU that libvirt does not know', { processes: [process(1)] }, ['ghost-process 1 1']],
    [
      'a QEMU that libvirt calls off',
      { processes: [process(1)], domains: [domain(1, { id: -1, state: 'shutoff' })] },
      ['ghost-process 1 1'],
    ],
    [
      'two QEMUs of one domain that runs',
      { processes: [process(1), process(1, 999)], domains: [domain(1, { pid: 101 })] },
      ['running-deleted 1 2'],
    ],
    ['a group of nobody', { emptyGroups: [group(9, 'old')] }, ['ghost-group 0 1']],
    [
      'a group of an earlier start',
      { emptyGroups: [group(3, 'guest-4')], domains: [domain(4, { allocationId: '' })] },
      ['ghost-group 0 1'],
    ],
    [
      'a group of a start that goes on, its name cut and bared',
      { emptyGroups: [group(4, 'myvm')], domains: [domain(4, { allocationId: '', name: 'my_vm-long' })] },
      [],
    ],
    ['lost', { promised: { ...promised, had: [{ uuid: uuidOf(5), id: 'a-5' }] } }, ['lost-domain 5 1']],
    [
      'known, though off',
      {
        promised: { ...promised, had: [{ uuid: uuidOf(5), id: 'a-5' }] },
        domains: [domain(5, { id: -1, state: 'shutoff' })],
      },
      [],
    ],
    [
      'libvirt is silent',
      { domains: undefined, processes: [process(1)], emptyGroups: [group(9, 'old')] },
      [],
    ],
  ];
  for (const [name, sources, expected] of cases) {
    const found = suspectsOf({ ...quiet, ...sources });
    t.same(
      found.map(
        ({ kind, uuid, sources: seen }) => `${kind} ${Number.parseInt(uuid.slice(-12) || '0', 16)} ${seen}`,
      ),
      expected,
      name,
    );
  }
  const [first] = suspectsOf({
    ...quiet,
    domains: [domain(1)],
    processes: [process(1)],
    ports: [{ port: 'vnet0', uuid: uuidOf(1) }],
  });
  t.same(first?.evidence, [
    'control plane: no allocation (generation 3)',
    'libvirt: running, id 1',
    'QEMU: process 101',
    'Open vSwitch: vnet0',
  ]);
});

t.test('verdicts', async (t) => {
  const rule: Rule = { action: 'reap', ageMs: 60_000 };
  const running = { kind: 'running-deleted', sources: 2, domain: domain(1) } as const;
  const paused = { ...running, domain: domain(1, { state: 'paused' }) };
  const now: Circumstances = {
    ...{ sighting: { firstMs: 0, passes: 2 }, nowMs: 100_000, isMigrating: false, quarantined: undefined },
  };
  const cases: readonly (readonly [string, object, object, object, string, RegExp?])[] = [
    ['first pass', running, { sighting: { firstMs: 0, passes: 1 } }, {}, 'wait'],
    ['log', running, {}, { action: 'log' }, 'log'],
    ['ghost', { ...running, kind: 'ghost-process' }, {}, {}, 'log'],
    ['migration', running, { isMigrating: true }, {}, 'hold', /migration/],
    ['one source', { ...running, sources: 1 }, {}, {}, 'hold', /no process/],
    ['young', running, { nowMs: 59_000 }, {}, 'hold', /reap in 1 s/],
    ['old enough', running, { nowMs: 60_000 }, {}, 'quarantine'],
    ['shutdown', running, {}, { action: 'shutdown' }, 'shut-down'],
    ['suspended by others', paused, {}, {}, 'hold', /somebody else/],
    ['let go by people', running, { quarantined: { sinceMs: 0, isDone: true } }, {}, 'hold', /let it go on/],
    ['intent alone', running, { quarantined: { sinceMs: 0, isDone: false } }, {}, 'quarantine'],
    ['in quarantine', paused, { quarantined: { sinceMs: 90_000, isDone: true } }, {}, 'hold', /off in 50 s/],
    ['long enough', paused, { quarantined: { sinceMs: 40_000, isDone: false } }, {}, 'power-off'],
  ];
  for (const [name, suspect, circumstances, change, step, reason] of cases) {
    const whole = { key: 'k', uuid: uuidOf(1), name: 'guest-1', evidence: [], ...suspect };
    const verdict = verdictOn(whole as never, { ...rule, ...change }, { ...now, ...circumstances });
    t.equal(verdict.step, step, name);
    if (reason) t.match(verdict.reason, reason);
  }
});

t.test('memories have limits', async (t) => {
  const covered = new CoveredDomains(2);
  covered.note([1, 2].map((one) => ({ uuid: uuidOf(one) })));
  covered.note([{ uuid: uuidOf(1) }, { uuid: uuidOf(3) }]);
  t.same(
    [1, 2, 3].map((one) => covered.has(uuidOf(one))),
    [true, false, true],
    'the oldest goes',
  );

  const sightings = new Sightings();
  const suspect = (key: string) => ({ key }) as never;
  sightings.note([suspect('a'), suspect('b')], 10);
  sightings.note([suspect('a')], 20);
  t.same(sightings.of('a'), { firstMs: 10, passes: 2 });
  sightings.note([suspect('a'), suspect('b')], 30);
  t.same(sightings.of('b'), { firstMs: 30, passes: 1 }, 'a gap begins anew');
  sightings.young('a', 31);
  t.same(sightings.of('a'), { firstMs: 31, passes: 3 });
  sightings.note(
    Array.from({ length: memoryLimits.suspects + 1 }, (_, index) => suspect(`${index}`)),
    40,
  );
  t.ok(sightings.of(`${memoryLimits.suspects - 1}`));
  t.notOk(sightings.of(`${memoryLimits.suspects}`));
});

const folder = (t: Test): string => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-audit-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
};

t.test('the quarantine is on disk, for this boot', async (t) => {
  const file = join(folder(t), 'quarantine.json');
  const options = { file, bootId: 'one' };
  const quarantine = await Quarantine.load(options);
  await quarantine.put('a', { sinceMs: 5, isDone: true });
  t.same((await Quarantine.load(options)).of('a'), { sinceMs: 5, isDone: true });
  t.same((await Quarantine.load({ ...options, bootId: 'two' })).keys(), [], 'libvirt gives its ids anew');
  for (let index = 1; index < maximumQuarantined; index++)
    await quarantine.put(`${index}`, { sinceMs: 0, isDone: false });
  await t.rejects(quarantine.put('more', { sinceMs: 0, isDone: false }), { code: 'resource-exhausted' });
  await t.resolves(quarantine.put('a', { sinceMs: 6, isDone: true }), 'who is in it already may be noted');
  t.equal(quarantine.keys().length, maximumQuarantined);
  for (const key of quarantine.keys()) await quarantine.remove(key);
  t.notOk(existsSync(file), 'no file without anybody in it');
  writeFileSync(file, '{"bootId":"one","held":{"a":17}}');
  t.same((await Quarantine.load(options)).keys(), [], 'damaged counts as none');
  t.ok(existsSync(`${file}.damaged`));
});

t.test('reaped, in its time', async (t) => {
  const bed = await AuditBed.open(folder(t));
  bed.place(1);
  bed.place(2);
  bed.start(3); // nobody's
  t.same(await bed.pass(), []);
  bed.forget(1);
  t.same(await bed.pass(), ['running-deleted 1 seen']);
  for (let pass = 0; pass < 4; pass++) t.same(await bed.pass(), ['running-deleted 1 held']);
  t.same(bed.acts, []);
  t.same(await bed.pass(), ['running-deleted 1 quarantined']);
  t.equal(await bed.stateOf(1), 'paused');
  for (let pass = 0; pass < 4; pass++) t.same(await bed.pass(), ['running-deleted 1 held']);
  t.same(await bed.pass(), ['running-deleted 1 reaped']);
  t.same(bed.acts, ['suspend 1', 'off 1']);
  t.equal(await bed.stateOf(1), 'shutoff', 'its definition stays');
  t.same(await bed.pass(), []);
  t.notOk(existsSync(bed.quarantineFile));
  t.same([await bed.stateOf(2), await bed.stateOf(3)], ['running', 'running']);
});

t.test('logged, left out, or asked', async (t) => {
  const bed = await AuditBed.open(folder(t));
  bed.start(1, 'gone');
  await bed.pass('log', 60);
  t.same(await bed.pass('log', 60), ['running-deleted 1 logged']);
  const [found] = bed.auditor.findings;
  t.match(found, { action: 'log', evidence: [/no allocation/, /libvirt/, /QEMU/, /2 passes/] });
  t.equal(found?.foundUnixMs, bed.unixMs - 120_000, 'since it was first seen, in the time of day');
  t.same(await bed.pass('noop', 60), []);
  t.same(await bed.pass('shutdown', 60), ['running-deleted 1 shut-down']);
  t.same(bed.acts, ['ask 1']);
  await until(async () => (await bed.stateOf(1)) === 'shutoff', 5_000, 'it obeys');
});

t.test('known again, or not to be reaped any more: it goes on', async (t) => {
  for (const [why, end] of [
    [
      'known again',
      async (bed: AuditBed) => (
        bed.allocations.set(uuidOf(1), { id: 'new', instanceUuid: uuidOf(1) }),
        bed.pass('reap', 60)
      ),
    ],
    ['log', (bed: AuditBed) => bed.pass('log', 60)],
    ['log, and the control plane is away', (bed: AuditBed) => ((bed.isTold = false), bed.pass('log', 60))],
    ['no section guests', (bed: AuditBed) => bed.auditor.letGo()],
    [
      'a new agent without a section guests',
      async (bed: AuditBed) => (await bed.restart(), bed.auditor.letGo()),
    ],
    [
      'a new agent that is told again',
      async (bed: AuditBed) => (
        await bed.restart(),
        bed.allocations.set(uuidOf(1), { id: 'new', instanceUuid: uuidOf(1) }),
        bed.pass('reap', 60)
      ),
    ],
  ] as const) {
    const bed = await AuditBed.open(folder(t));
    bed.start(1, 'gone');
    await bed.pass('reap', 60);
    t.same(await bed.pass('reap', 60), ['running-deleted 1 quarantined'], why);
    await end(bed);
    t.same(bed.acts, ['suspend 1', 'resume 1'], why);
    t.equal(await bed.stateOf(1), 'running', why);
    t.notOk(existsSync(bed.quarantineFile), why);
  }
});

t.test('silence says nothing', async (t) => {
  const bed = await AuditBed.open(folder(t));
  bed.start(1, 'gone');
  bed.ghosts = [process(9)];
  await bed.pass('reap', 60);
  t.same(await bed.pass('reap', 60), ['running-deleted 1 quarantined', 'ghost-process 9 logged']);
  bed.isLibvirtThere = false;
  t.equal((await bed.pass('reap', 60)).length, 2, 'what was found last stands');
  t.same(bed.acts, ['suspend 1']);
  bed.isLibvirtThere = true;
  bed.isTold = false;
  for (let pass = 0; pass < 5; pass++) await bed.pass('reap', 60);
  t.same(bed.acts, ['suspend 1'], 'neither off nor on while the control plane is away');
  bed.isTold = true;
  await bed.restart();
  t.same(await bed.pass('reap', 60), ['running-deleted 1 seen', 'ghost-process 9 seen']);
  t.same(
    await bed.pass('reap', 60),
    ['running-deleted 1 reaped', 'ghost-process 9 logged'],
    'of the agent before',
  );
  t.same(bed.acts, ['suspend 1', 'off 1']);
});

t.test('people, migrations, crashes and clocks', async (t) => {
  const bed = await AuditBed.open(folder(t));
  const { power } = bed.hypervisor;
  const quarantined = async (number: number): Promise<void> => {
    bed.start(number, 'gone');
    await bed.pass('reap', 60);
    await bed.pass('reap', 60);
    t.equal(await bed.stateOf(number), 'paused');
  };
  await quarantined(1);
  await power.resume({ uuid: uuidOf(1) });
  for (let pass = 0; pass < 3; pass++) t.same(await bed.pass('reap', 60), ['running-deleted 1 held']);
  t.equal(await bed.stateOf(1), 'running', 'somebody let it go on');
  bed.hypervisor.stop(uuidOf(1));

  bed.start(2, 'gone');
  power.setMigrating(uuidOf(2), true);
  for (let pass = 0; pass < 4; pass++) await bed.pass('reap', 180);
  power.setMigrating(uuidOf(2), false);
  t.same(
    await bed.pass('reap', 180),
    ['running-deleted 2 held'],
    'its age counts from the end of the migration',
  );
  t.equal(await bed.stateOf(2), 'running');
  bed.hypervisor.stop(uuidOf(2));

  bed.start(3, 'gone');
  await power.suspend({ uuid: uuidOf(3) });
  for (let pass = 0; pass < 3; pass++) await bed.pass('reap', 60);
  t.same(await bed.pass('reap', 60), ['running-deleted 3 held'], 'others suspended it');
  bed.hypervisor.stop(uuidOf(3));

  bed.start(4, 'gone');
  bed.refused = 'suspend';
  await bed.pass('reap', 60);
  t.same(await bed.pass('reap', 60), ['running-deleted 4 failed']);
  t.match(readFileSync(bed.quarantineFile, 'utf8'), /"isDone":false/, 'the intent is on disk');
  bed.refused = undefined;
  await bed.restart();
  await bed.pass('reap', 60);
  t.same(await bed.pass('reap', 60), ['running-deleted 4 quarantined'], 'a new agent goes on with it');
  bed.hypervisor.stop(uuidOf(4));
  await bed.pass();

  bed.start(5, 'gone');
  await bed.pass('reap', 600);
  bed.unixMs += 86_400_000;
  t.same(await bed.pass('reap', 600), ['running-deleted 5 held'], 'the time of day ages nobody');
  bed.unixMs -= 2 * 86_400_000;
  t.same(await bed.pass('reap', 600), ['running-deleted 5 held']);
  bed.hasProcesses = false;
  for (let pass = 0; pass < 9; pass++) await bed.pass('reap', 60);
  t.equal(await bed.stateOf(5), 'running', 'libvirt alone is one source');
});

t.test('a pass does little at once, and doubts what would be much', async (t) => {
  const bed = await AuditBed.open(folder(t));
  for (let number = 1; number <= 20; number++) bed.place(number);
  await bed.pass('reap', 60);
  for (let number = 1; number <= 8; number++) bed.forget(number);
  await bed.pass('reap', 60);
  await bed.pass('reap', 60);
  t.equal(bed.acts.length, 5, 'five in a pass');
  await bed.pass('reap', 60, 1_000);
  t.same(bed.acts.filter((act) => act.startsWith('suspend')).length, 8);
  for (let number = 9; number <= 20; number++) bed.forget(number);
  for (let pass = 0; pass < 8; pass++) await bed.pass('reap', 60);
  t.equal(bed.acts.length, 8, 'who says that all are gone is not believed');
  t.match(
    bed.auditor.findings.find(({ uuid }) => uuid === uuidOf(20)),
    { outcome: 'held', evidence: [/./, /./, /./, /./, /more than half/] },
  );
});

t.test('QEMU by its command line', async (t) => {
  const root = new MemoryRoot('test');
  const put = (pid: number, ...words: string[]): void =>
    root.put(`proc/${pid}/cmdline`, `${words.join('\0')}\0`);
  const [a, b, c, d] = [1, 2, 3, 4].map(uuidOf) as [string, string, string, string];
  put(
    40,
    '/usr/bin/qemu-system-x86_64',
    '-name',
    'guest=web-1,debug-threads=on',
    '-S',
    '-uuid',
    a.toUpperCase(),
  );
  put(7, '/usr/libexec/qemu-kvm', '-name', 'guest=a,,b,,,debug-threads=on', '-uuid', b);
  put(8, 'kvm', '-uuid', c, '-name', 'old');
  put(9, 'qemu-system-x86_64', '-name', 'debug-threads=on,guest=late', '-uuid', d);
  put(10, '/usr/bin/qemu-system-x86_64', '-S', '-no-user-config', '-nodefaults', '-machine', 'none');
  put(11, '/usr/bin/vim', 'qemu-system-x86_64', '-uuid', d);
  put(12, 'qemu-img', 'convert');
  put(13, 'qemu-system-x86_64', '-uuid');
  root.put('proc/14/cmdline', '');
  t.throws(() => qemuProcesses(root, 2), { code: 'resource-exhausted' }, 'its limit');
});

t.test('groups by their names', async (t) => {
  for (const [group, expected] of [
    ['qemu-7-web.libvirt-qemu', { id: 7, name: 'web' }],
    ['machine-qemu\\x2d12\\x2dweb\\x2d1.scope', { id: 12, name: 'web-1' }],
    ['machine-qemu\\x2d3\\x2dgr\\xc3\\xb6\\xc3\\x9fe.scope', { id: 3, name: 'größe' }],
    ['machine-lxc\\x2d3\\x2dweb.scope', undefined],
    ['user.slice', undefined],
    ['qemu-x-web.libvirt-qemu', undefined],
  ] as const)
    t.same(startOf(group), expected, group);
});

t.test('a look at a host', async (t) => {
  const kernel = new MemoryRoot('test');
  kernel.put('proc/50/cmdline', ['qemu-system-x86_64', '-uuid', uuidOf(1), '-name', 'guest=a'].join('\0'));
  const mount = '/sys/fs/cgroup';
  for (const [group, processes] of [
    ['', ''],
    ['/machine-qemu\\x2d1\\x2da.scope', '50\n'],
    ['/machine-qemu\\x2d2\\x2db.scope', ''],
    ['/machine-nspawn.scope', ''],
  ])
    kernel.put(`${mount}/machine.slice${group}/cgroup.procs`, processes as string);
  const cgroup = { version: 'v2', unified: mount, controllers: {}, unifiedControllers: ['cpu'] };
  const rows = [
    { name: 'vnet0', external_ids: { 'vm-id': uuidOf(1).toUpperCase() } },
    { name: 'br0', external_ids: {} },
  ];
  const options = {
    kernel,
    hypervisor: { reachable: true, domains: async () => [domain(1)] },
    openvswitch: { list: async () => rows },
    cgroup: async () => cgroup,
  };
  const seen = await lookAround(options as never);
  t.match(seen, { processes: [{ pid: 50, name: 'a' }], ports: [{ port: 'vnet0', uuid: uuidOf(1) }] });
  t.equal(seen.domains?.length, 1);
  t.same(seen.emptyGroups, [
    { directory: `${mount}/machine.slice/machine-qemu\\x2d2\\x2db.scope`, id: 2, name: 'b' },
  ]);
  const away = await lookAround({
    ...options,
    hypervisor: { reachable: true, domains: () => Promise.reject(new Error('silent')) },
    openvswitch: { list: () => Promise.reject(new Error('silent')) },
    cgroup: async () => null,
  });
  t.match(away, { domains: undefined, ports: [], emptyGroups: [] });
});
