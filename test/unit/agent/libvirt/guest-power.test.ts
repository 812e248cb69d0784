/** Turning guests off and on without a libvirtd: words, numbers, bounds, and libvirt.so.0 itself with its built-in test driver. */
/* oxlint-disable unicorn/no-thenable -- `then` is a word of profiles and metadata; nobody awaits one */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { CallQueue } from '../../../../agent/libvirt/call-queue.js';
import { parseDomainXml } from '../../../../agent/libvirt/domain-xml.js';
import { eventDetail } from '../../../../agent/libvirt/events.js';
import type { GuestPower, GuestWords } from '../../../../agent/libvirt/hypervisor.js';
import { isRefusedBy, jobNamed, jobOfRefusal, migrates } from '../../../../agent/libvirt/job.js';
import { openHypervisor } from '../../../../agent/libvirt/open-hypervisor.js';
import { powerThreads } from '../../../../agent/libvirt/power-lanes.js';
import { policyOf } from '../../../../agent/guests/policy.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { guestsSection } from '../../../../proto/wire/guest-settings.js';
import { bootSector, type SampleGuest } from '../../../../scripts/hypervisor/sample-guest.js';
import { until } from '../../../support/poll.js';

const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: unknown) => (error instanceof DroverError ? error.code : String(error)),
  );

const ours = 'xmlns:d="https://drover.dev/xmlns/1"';
const guestIn = (metadata: string): GuestWords =>
  parseDomainXml(`<domain><metadata>${metadata}</metadata></domain>`).view.guest;

t.test('what a domain says of its own stop and start', async (t) => {
  const rows: [name: string, metadata: string, want: GuestWords][] = [
    ['nothing', '', {}],
    ['an element without a word', `<d:guest ${ours}/>`, {}],
    [
      'everything',
      `<d:guest ${ours} order="10" after="db1  db2" grace_seconds="120" ask="agent acpi" then="managed-save" resume="no"/>`,
      {
        order: 10,
        after: ['db1', 'db2'],
        graceSeconds: 120,
        ask: ['agent', 'acpi'],
        then: 'managed-save',
        resume: false,
      },
    ],
    [
      'the namespace as the default one',
      '<guest xmlns="https://drover.dev/xmlns/1" order="0" resume="yes"/>',
      { order: 0, resume: true },
    ],
    [
      'inside of an allocation',
      `<d:allocation ${ours} id="a1"><d:guest order="3"/></d:allocation>`,
      { order: 3 },
    ],
    [
      'inside of an allocation, without a prefix',
      '<allocation xmlns="https://drover.dev/xmlns/1" id="a1"><guest then="leave"/></allocation>',
      { then: 'leave' },
    ],
    ['of somebody else', '<x:guest xmlns:x="https://example.org/1" order="3"/>', {}],
    [
      'inside of an allocation of somebody else',
      '<x:allocation xmlns:x="https://x.y/1"><x:guest order="3"/></x:allocation>',
      {},
    ],
    ['the lowest numbers', `<d:guest ${ours} order="0" grace_seconds="1"/>`, { order: 0, graceSeconds: 1 }],
    [
      'the highest numbers',
      `<d:guest ${ours} order="9999" grace_seconds="3600"/>`,
      { order: 9999, graceSeconds: 3600 },
    ],
    ['numbers beyond', `<d:guest ${ours} order="10000" grace_seconds="3601"/>`, {}],
    ['no seconds', `<d:guest ${ours} order="-1" grace_seconds="0"/>`, {}],
    ['what is no number', `<d:guest ${ours} order="1e2" grace_seconds="5s"/>`, {}],
    [
      'words nobody knows',
      `<d:guest ${ours} ask="shout acpi acpi" then="explode" resume="maybe"/>`,
      { ask: ['acpi'] },
    ],
    ['only words nobody knows', `<d:guest ${ours} ask="shout" after="  "/>`, {}],
    ['an escaped name', `<d:guest ${ours} after="a&amp;b &#100;b"/>`, { after: ['a&b', 'db'] }],
    [
      'a name that is too long',
      `<d:guest ${ours} after="${'x'.repeat(256)} ${'y'.repeat(255)}"/>`,
      { after: ['y'.repeat(255)] },
    ],
  ];
  for (const [name, metadata, want] of rows) t.same(guestIn(metadata), want, name);
  const many = Array.from({ length: 70 }, (_, index) => `vm${index}`);
  t.same(guestIn(`<d:guest ${ours} after="${many.join(' ')}"/>`).after, many.slice(0, 64), '64 needs');

  const settings = guestsSection.parse({
    stop: { grace_seconds: 30, ask: ['agent'], then: 'managed-save' },
    rules: [{ domains: ['db*'], order: 5, grace_seconds: 90, resume: false }],
  });
  const policy = (name: string, metadata: string) => policyOf({ name, guest: guestIn(metadata) }, settings);
  const defaults = {
    order: 1000,
    after: [],
    graceMs: 30_000,
    ask: ['agent'],
    then: 'managed-save',
    resume: true,
  };
  t.same(policy('web', ''), defaults);
  const ruled = { ...defaults, order: 5, graceMs: 90_000, resume: false };
  t.same(policy('db1', ''), ruled);
  t.same(
    policy('db1', `<d:guest ${ours} order="0" then="leave" grace_seconds="9999"/>`),
    { ...ruled, order: 0, then: 'leave' },
    'its own word over the rule, and an unusable one counts for nothing',
  );
});

t.test("libvirt's numbers in words", async (t) => {
  t.same(
    [0, 1, 2, 3, 4, 5].map((number) => eventDetail('started', number)),
    ['booted', 'migrated', 'restored', 'from-snapshot', 'wakeup', undefined],
  );
  t.same(
    [0, 1, 2, 3, 4, 5, 6, 7].map((number) => eventDetail('stopped', number)),
    ['shutdown', 'destroyed', 'crashed', 'migrated', 'saved', 'failed', 'from-snapshot', undefined],
  );
  t.equal(eventDetail('defined', 0), undefined);
  const jobs = [
    [0, undefined, 'none'],
    [1, 5, 'migrationOut'],
    [2, 4, 'migrationIn'],
    [2, 2, 'save'],
    [1, 9, 'other'],
    [1, undefined, 'other'],
  ] as const;
  for (const [type, operation, want] of jobs)
    t.equal(jobNamed(type, operation), want, `${type} ${operation}`);
  t.same((['none', 'other', 'save', 'migrationIn', 'migrationOut'] as const).filter(migrates), [
    'migrationIn',
    'migrationOut',
  ]);
  const refusal = (number: number) =>
    new DroverError('libvirt-failed', 'no', { field: 'libvirt', value: String(number) });
  t.equal(jobOfRefusal(refusal(84)), 'migrationIn', 'figures are on the other host');
  t.equal(jobOfRefusal(refusal(55)), 'none', 'it does not run');
  t.equal(jobOfRefusal(refusal(3)), 'none', 'a driver without jobs');
  for (const other of [refusal(38), new Error('x')]) t.throws(() => jobOfRefusal(other), other);
  t.notOk(isRefusedBy(new DroverError('not-found', 'x', { field: 'domain', value: '42' }), 42));
  t.ok(powerThreads + 8 <= 40, 'the thread budget of open-hypervisor.ts leaves ten of 48 for files');
});

t.test('a call may have bounds of its own, and a slot rests when nobody waits', async (t) => {
  const rested: number[] = [];
  const calls = new CallQueue<number>({
    slots: [0, 1],
    usual: 1,
    queueLimit: 5,
    deadlineMs: 5_000,
    rest: async (slot) => void rested.push(slot),
  });
  let end: () => void = () => undefined;
  const held = new Promise<number>((resolve) => (end = () => resolve(1)));
  const begun = performance.now();
  const hung = codeOf(
    calls.submit({
      label: 'hung',
      deadlineMs: 40,
      lateMs: 10_000,
      run: (_slot, lease) => {
        lease.asked?.();
        return held;
      },
    }),
  );
  const behind = calls.submit({ label: 'behind', run: (slot) => Promise.resolve(slot) });
  t.equal(calls.waiting, 1, 'it is not late yet');
  t.equal(await hung, 'deadline-exceeded');
  t.ok(performance.now() - begun < 2_000);
  t.equal(await behind, 1, 'over its deadline, it makes room for another');
  const busy = [1, 2].map((number) =>
    calls.submit({ label: `${number}`, run: (slot) => Promise.resolve(slot) }),
  );
  await Promise.all(busy);
  await until(() => calls.running === 1, 1_000, 'slots are not given back');
  t.same(rested, [1, 1], 'not between two calls');
  end();
  await calls.drained();
  t.same(rested, [1, 1, 0]);
});

const testHost = `<node><domain type='test'><name>one</name><uuid>ef861801-45b9-11cb-88e3-afbfe5370493</uuid><memory>8192</memory>
<os><type>hvm</type></os></domain></node>`;

t.test('off and on with the test driver', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-power-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, 'host.xml');
  writeFileSync(file, testHost);
  const hypervisor = await openHypervisor({ uri: `test://${file}`, pidDirectory: '/nowhere', queueLimit: 2 });
  t.teardown(() => hypervisor.close());
  const power = hypervisor.power as GuestPower;
  const uuid = 'ef861801-45b9-11cb-88e3-afbfe5370493';
  for (const bad of [0, -1, 1.5, Number.NaN, 86_400_001]) {
    await t.rejects(power.start(uuid, bad), { code: 'invalid-argument', field: 'deadlineMs' });
    await t.rejects(power.managedSave({ uuid }, bad), { code: 'invalid-argument', field: 'deadlineMs' });
  }
  t.equal(await codeOf(power.start('00000000-0000-4000-8000-000000000000', 5_000)), 'not-found');
  t.equal(await codeOf(power.start(uuid, 5_000)), 'already-exists');
  t.equal(await power.isMigrating({ uuid }), false);
  t.equal(await power.isPersistent(uuid), true);
});

t.test('guests that obey the power button', async (t) => {
  const code = (guest: SampleGuest, slowSeconds?: number) =>
    Buffer.from(bootSector(guest, slowSeconds === undefined ? {} : { slowSeconds }));
  const sectors = (['busy', 'write', 'idle', 'obedient', 'slow'] as const).map((guest) => code(guest));
  for (const sector of sectors) t.same([sector.length, sector.readUInt16LE(510)], [512, 0xaa55]);
  t.equal(new Set(sectors.map((sector) => sector.toString('hex'))).size, 5);
  t.same(code('slow', 0), code('obedient'), 'without a wait it is the same guest');
  // cmp ax, TICKS: 182 in ten seconds of the BIOS timer
  t.ok(code('slow', 10).includes(Buffer.from([0x3d, 182, 0])));
  for (const bad of [-1, 3_001, Number.NaN])
    t.throws(() => bootSector('slow', { slowSeconds: bad }), RangeError);
});
