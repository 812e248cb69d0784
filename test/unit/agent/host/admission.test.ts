/** What a host says to its allocations: table of hosts and what they are promised, and when it says so. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { AllocationAnswers } from '../../../../agent/host/allocation-answers.js';
import { admit } from '../../../../agent/host/admission.js';
import { PageRoom, wantedPages } from '../../../../agent/host/page-room.js';
import { AllocationsFile } from '../../../../agent/reconcile/allocations-file.js';
import type { AllocationReportInput } from '../../../../proto/gen/drover/v1/AllocationReport.js';
import type { HostFacts } from '../../../../proto/gen/drover/v1/HostFacts.js';
import type { HostFactsInput } from '../../../../proto/gen/drover/v1/HostFacts.js';
import { codec } from '../../../../proto/wire/load.js';
import { parseTuners } from '../../../../proto/wire/profile.js';
import type { TunerSettings } from '../../../../proto/wire/tuner-settings.js';
import { FakeHost } from '../../../support/fake-host.js';
import { until } from '../../../support/poll.js';

const gib = 2 ** 30;

function factsOf(given: HostFactsInput): HostFacts {
  const messages = codec('HostFacts');
  return messages.decode(messages.encode(given));
}

const facts = factsOf({
  cpu: { online: '0-7' },
  memory: { totalBytes: 16 * gib },
  hugepages: [
    { sizeBytes: 2 ** 21, total: 2048, free: 2048 },
    { sizeBytes: gib, total: 2, free: 2 },
  ],
});

const settings = (pinning: object): TunerSettings => parseTuners({ 'vcpu-pinning': JSON.stringify(pinning) });

function allocation(id: string, vcpus: number, memoryMb: number, extraSpecs: Record<string, string> = {}) {
  return { id, instanceUuid: '', vcpus, memoryMb, extraSpecs, pciAddresses: [] as string[] };
}

/** A host on which no domain is. */
const empty = { isThere: () => false, deviceHolders: new Map<string, string>() };

const dedicated = { 'hw:cpu_policy': 'dedicated' };
const pinned = settings({ reserved: '0', shared: '1-3', dedicated: '4-7' });

const cases = [
  {
    name: 'small allocations are confirmed, with or without a profile',
    settings: undefined,
    allocations: [allocation('a', 4, 4096), allocation('b', 8, 16_384), allocation('c', 2, 512, dedicated)],
    confirmed: ['a', 'b', 'c'],
    reasons: [],
  },
  {
    name: 'larger than the whole host',
    settings: undefined,
    allocations: [allocation('a', 9, 512), allocation('b', 1, 16_385)],
    confirmed: [],
    reasons: ['9 vCPUs wanted, the host has 8 CPUs', '16385 MiB of memory wanted, the host has 16384 MiB'],
  },
  {
    name: 'dedicated CPUs go to the oldest; what is shared takes none',
    settings: pinned,
    allocations: [
      allocation('a', 3, 512, dedicated),
      allocation('b', 2, 512, dedicated),
      allocation('c', 6, 512),
      allocation('d', 2, 512, { 'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': '1' }),
    ],
    confirmed: ['a', 'c', 'd'],
    reasons: ["2 dedicated CPUs wanted, 1 of the profile's dedicated set left"],
  },
  {
    name: 'a profile without a dedicated set pins nobody',
    settings: settings({ shared: '0-7' }),
    allocations: [allocation('a', 1, 512, dedicated)],
    confirmed: [],
    reasons: ["1 dedicated CPUs wanted, 0 of the profile's dedicated set left"],
  },
  {
    name: 'pages of one size; large tries the largest first',
    settings: undefined,
    allocations: [
      allocation('a', 1, 2048, { 'hw:mem_page_size': '1GB' }),
      allocation('b', 1, 1024, { 'hw:mem_page_size': '1048576' }),
      allocation('c', 1, 4096, { 'hw:mem_page_size': 'large' }),
      allocation('d', 1, 512, { 'hw:mem_page_size': 'large' }),
      allocation('e', 1, 512, { 'hw:mem_page_size': 'small' }),
    ],
    confirmed: ['a', 'c', 'e'],
    reasons: [
      '1024 MiB in pages of 1048576 KiB wanted, pages left: 2048 of 2048 KiB, 0 of 1048576 KiB',
      '512 MiB in huge pages wanted, pages left: 0 of 2048 KiB, 0 of 1048576 KiB',
    ],
  },
];

for (const one of cases) {
  t.test(one.name, async (t) => {
    const answer = admit({ ...empty, facts, settings: one.settings }, one.allocations);
    t.strictSame(answer.confirmedIds, one.confirmed);
    t.strictSame(
      answer.rejected.map(({ reason }) => reason),
      one.reasons,
    );
  });
}

t.test('a domain that is there is not refused, and what it has is counted', async (t) => {
  const there = allocation('there', 4, 2048, { ...dedicated, 'hw:mem_page_size': '1GB' });
  const later = allocation('later', 1, 1024, { ...dedicated, 'hw:mem_page_size': '1GB' });
  const { confirmedIds, rejected } = admit(
    { ...empty, facts, settings: pinned, isThere: ({ id }) => id === 'there' },
    [there, later],
  );
  t.strictSame(confirmedIds, ['there']);
  t.match(rejected, [{ id: 'later', reason: /dedicated CPUs wanted, 0 of/ }]);
});

t.test('devices', async (t) => {
  const devices = ['0000:3b:00.1', '0000:3b:00.2', '0000:3b:00.3'].map((address) => ({ address }));
  const host = {
    ...{ facts: factsOf({ passthrough: { devices } }), settings: undefined },
    isThere: ({ id }: { id: string }) => id === 'there',
    deviceHolders: new Map([['0000:3b:00.3', 'web-1']]),
  };
  const wants = (id: string, ...pciAddresses: string[]) => ({ ...allocation(id, 1, 512), pciAddresses });
  const { confirmedIds, rejected } = admit(host, [
    wants('first', '0000:3b:00.1'),
    wants('unknown', '0000:3b:00.2', '0000:3b:00.7'),
    wants('held', '0000:3b:00.3'),
    wants('second', '0000:3b:00.1'),
    wants('after-rejected', '0000:3b:00.2'),
    wants('there', '0000:3b:00.1', '0000:af:00.0', '0000:3b:00.3'),
    wants('after-there', '0000:3b:00.1'),
    wants('nothing'),
  ]);
  t.strictSame(confirmedIds, ['first', 'after-rejected', 'there', 'nothing']);
  t.strictSame(
    rejected.map(({ id, reason }) => `${id}: ${reason}`),
    [
      'unknown: device 0000:3b:00.7 is not among the devices that this host hands out (agent.yaml, passthrough)',
      'held: device 0000:3b:00.3 belongs to domain web-1',
      'second: device 0000:3b:00.1 is promised to allocation first',
      'after-there: device 0000:3b:00.1 is promised to allocation there',
    ],
  );
  const none = { ...empty, settings: undefined, facts: factsOf({ passthrough: { devices: [] } }) };
  t.match(admit(none, [wants('a', '0000:3b:00.1')]).rejected, [{ id: 'a', reason: /hands out/ }]);
  const untold = { ...empty, settings: undefined, facts: factsOf({}) };
  t.strictSame(admit(untold, [wants('a', '0000:3b:00.1')]).confirmedIds, ['a'], 'not known: not refused');
});

t.test('facts that are not known refuse nothing', async (t) => {
  const { rejected } = admit({ ...empty, facts: factsOf({}), settings: pinned }, [
    allocation('a', 4096, 2 ** 30, dedicated),
  ]);
  t.strictSame(rejected, []);
});

t.test('reasons stay within what the wire takes', async (t) => {
  const pools = Array.from({ length: 60 }, (_, index) => ({
    sizeBytes: 1024 * (8 + index),
    total: 0,
    free: 0,
  }));
  const { rejected } = admit({ ...empty, facts: factsOf({ hugepages: pools }), settings: undefined }, [
    allocation('a', 1, 1024, { 'hw:mem_page_size': 'large' }),
  ]);
  t.equal(rejected[0]?.reason.length, 500);
});

t.test('page sizes as Nova writes them', async (t) => {
  const sizeOf = (text: string) => wantedPages(allocation('a', 1, 512, { 'hw:mem_page_size': text }))?.sizeKb;
  const table: [string, number | 'large' | undefined][] = [
    ['large', 'large'],
    ['2048', 2048],
    ['2MB', 2048],
    ['1GB', 1_048_576],
    ['4', undefined],
    ['any', undefined],
    ['small', undefined],
    ['2M', undefined],
    ['', undefined],
  ];
  for (const [text, size] of table) t.equal(sizeOf(text), size, text);
  const room = new PageRoom([{ sizeBytes: gib, total: 4, free: 4 }]);
  t.match(room.take({ sizeKb: 1_048_576, memoryMb: 1500 }, false), /1500 MiB in pages of 1048576 KiB/);
  t.equal(room.take({ sizeKb: 1_048_576, memoryMb: 4096 }, false), undefined);
  t.match(room.take({ sizeKb: 1_048_576, memoryMb: 1024 }, false), /0 of 1048576 KiB/);
});

t.test('answers are of one set, in order, and rejections are said once', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-answers-'));
  const host = new FakeHost();
  t.teardown(() => {
    host.dispose();
    rmSync(directory, { recursive: true });
  });
  const allocations = await AllocationsFile.load(join(directory, 'allocations.json'));
  const said: AllocationReportInput[] = [];
  const warned: object[] = [];
  let asked: (() => void) | undefined;
  let isSlow = false;
  const slowly = async (): Promise<HostFacts> => {
    if (isSlow) await new Promise<void>((resolve) => (asked = resolve));
    return facts;
  };
  const answers = new AllocationAnswers({
    allocations,
    hypervisor: host,
    facts: slowly,
    settings: () => undefined,
    say: (report) => void said.push(report),
    log: { debug: () => undefined, info: () => undefined, warn: (fields) => void warned.push(fields) },
  });
  const huge = allocation('huge', 2 ** 31 - 1, 512, dedicated);
  const tell = (generation: number, ids: string[]) => {
    const told = [huge, ...ids.map((id) => allocation(id, 1, 512))];
    return allocations.save({ generation, allocations: told }, 's');
  };
  await answers.answer();
  t.strictSame(said, [], 'nothing was asked');
  await tell(1, ['a']);
  for (let pass = 0; pass < 3; pass++) await answers.answer();
  t.match(said, [{ generation: 1, confirmedIds: ['a'], rejected: [{ id: 'huge' }] }]);
  t.match([said.length, warned], [1, [{ allocation: 'huge' }]], 'once, and said once in the log');
  isSlow = true;
  const older = answers.again();
  await until(() => asked !== undefined, 1_000, 'the facts are asked for');
  await tell(2, ['a', 'b']);
  isSlow = false;
  const newer = answers.again();
  asked?.();
  await Promise.all([older, newer]);
  const newest = { generation: 2, confirmedIds: ['a', 'b'], rejected: [{ id: 'huge' }] };
  for (const report of said.slice(1))
    t.match(report, newest, 'never the list of one with the number of another');
  host.reachable = false;
  await answers.again();
  t.match(said.at(-1), { generation: 2, confirmedIds: [], rejected: [] }, 'silence would be consent');
  const count = said.length;
  host.reachable = true;
  await answers.answer();
  t.equal(said.length, count + 1, 'the control plane has asked: it is told when libvirt is back');
});

t.test('a device that a domain has goes to nobody but the allocation of that domain', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-answers-'));
  const host = new FakeHost();
  t.teardown(() => {
    host.dispose();
    rmSync(directory, { recursive: true });
  });
  const pciAddresses = ['0000:3b:00.1'];
  host.start({ name: 'web-1', allocationId: 'own', pciAddresses });
  const allocations = await AllocationsFile.load(join(directory, 'allocations.json'));
  const said: AllocationReportInput[] = [];
  const answers = new AllocationAnswers({
    allocations,
    hypervisor: host,
    facts: async () => factsOf({ passthrough: { devices: [{ address: '0000:3b:00.1' }] } }),
    settings: () => undefined,
    say: (report) => void said.push(report),
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
  });
  const told = ['other', 'own'].map((id) => ({ ...allocation(id, 1, 512), pciAddresses }));
  await allocations.save({ generation: 1, allocations: told }, 's');
  await answers.answer();
  const reason = 'device 0000:3b:00.1 belongs to domain web-1';
  t.match(said, [{ confirmedIds: ['own'], rejected: [{ id: 'other', reason }] }]);
});
