import t from 'tap';
import type { Allocation } from '../../../../proto/gen/drover/v1/Allocation.js';
import type { SimulateRequestInput } from '../../../../proto/gen/drover/v1/SimulateRequest.js';
import type { SimulateRequest } from '../../../../proto/gen/drover/v1/SimulateRequest.js';
import { codec } from '../../../../proto/wire/load.js';
import { invalid } from '../../../../proto/wire/errors.js';
import { Registry } from '../../../../controlplane/fleet/registry.js';
import { requestFor } from '../../../../controlplane/model/request.js';
import { novaSettings } from '../../../../controlplane/model/scheduler-settings.js';
import { defaultRules, select } from '../../../../controlplane/placement/select.js';
import { simulate, type SimulationParts } from '../../../../controlplane/placement/simulate/simulate.js';
import { simulateInTurns } from '../../../../controlplane/placement/simulate/turns.js';
import { benchFleet } from '../../../../scripts/bench/fleet.js';

/** Four hosts of 8 CPUs and 16 GiB: two in each of two zones, the first with an aggregate, all with a rack. */
function fleet(): Registry {
  const registry = new Registry();
  const like = benchFleet(1).recordAt(0);
  for (const [index, name] of ['a', 'b', 'c', 'd'].entries()) {
    registry.upsert(
      {
        ...like,
        id: `id-${name}`,
        name,
        disabled: false,
        availabilityZone: index < 2 ? 'z1' : 'z2',
        labels: { rack: `r${index % 2}` },
        capacity: { vcpus: 8, memoryBytes: 16 * 2 ** 30, diskBytes: 100 * 2 ** 30 },
      },
      name === 'a' ? [{ id: 1, name: 'gold', metadata: {} }] : [],
    );
    registry.setLiveness(`id-${name}`, true, 1);
  }
  return registry;
}

function allocation(id: string, hostId: string, vcpus: number, memoryMb: number): Allocation {
  const messages = codec('Allocation');
  const hostName = hostId.slice(3);
  const given = { id, hostId, hostName, vcpus, memoryMb, diskMb: 1024, availabilityZone: 'z1' };
  return messages.decode(messages.encode(given));
}

function parts(registry = fleet(), held: readonly Allocation[] = []): SimulationParts {
  for (const { hostId } of held) {
    const own = held.filter((one) => one.hostId === hostId);
    const sum = (key: 'vcpus' | 'memoryMb' | 'diskMb') => own.reduce((total, one) => total + one[key], 0);
    registry.setAllocated(hostId, {
      vcpus: sum('vcpus'),
      memoryMb: sum('memoryMb'),
      diskMb: sum('diskMb'),
      count: own.length,
    });
  }
  return {
    registry,
    rules: defaultRules,
    allocationsOf: (id) => held.filter(({ hostId }) => hostId === id),
    settingsWith: (changes, field) => {
      const value = changes['ram_weight_multiplier'];
      if (value === undefined) throw invalid(`${field}.${Object.keys(changes)[0]}`, 'nothing', 'a setting');
      return { ...novaSettings, weightMultipliers: { ram_weight_multiplier: Number(value) } };
    },
  };
}

function asked(given: SimulateRequestInput): SimulateRequest {
  const messages = codec('SimulateRequest');
  return messages.decode(messages.encode(given));
}

const small = { vcpus: 1, memoryMb: 1024 };

t.test(
  'machines take what they are given, until nothing is left, and the registry stays as it is',
  async (t) => {
    const registry = fleet();
    const before = registry.revision;
    const free = registry.columns.memoryMb.free.values.slice();
    const answer = simulate(
      parts(registry),
      asked({ placements: [{ request: small, count: 100 }, { request: small }], seed: 7 }),
    );
    t.match(answer, {
      revision: before,
      seed: 7,
      hosts: 4,
      placed: 60,
      refused: 41,
      drained: 0,
      stranded: 0,
    });
    t.match(answer.results?.[0], { placed: 60, refused: 40, hosts: { a: 15, b: 15, c: 15, d: 15 } });
    t.match(
      answer.results?.[0]?.why,
      /no valid host among 4: .*RamFilter refuses 4 \(ram-short\).*Nearest change/,
    );
    t.match(answer.headroom, [
      { resource: 'vcpus', before: 128, after: 68, capacity: 128 },
      {
        resource: 'memory_mb',
        before: 4 * (16384 - 512),
        after: 4 * (16384 - 512) - 60 * 1024,
        capacity: 4 * (16384 - 512),
      },
      { resource: 'disk_mb', before: 400 * 1024, after: 400 * 1024 },
    ]);
    t.equal(registry.revision, before);
    t.strictSame(registry.columns.memoryMb.free.values, free);
    t.strictSame(
      simulate(
        parts(registry),
        asked({ placements: [{ request: small, count: 100 }, { request: small }], seed: 7 }),
      ),
      answer,
    );
  },
);

t.test('each machine goes where a claim would go', async (t) => {
  const registry = benchFleet(300);
  const request = { vcpus: 2, memoryMb: 8192, rootGb: 40 };
  const { results } = simulate(parts(registry), asked({ placements: [{ request, count: 60 }] }));
  const claimed: Record<string, number> = {};
  for (let step = 0; step < 60; step++) {
    const [best] = select(registry, defaultRules, requestFor(request), 1).destinations;
    if (!best) break;
    claimed[best.hostName] = (claimed[best.hostName] ?? 0) + 1;
    const { columns } = registry;
    registry.setAllocated(best.hostId, {
      vcpus: (columns.vcpus.allocated[best.row] ?? 0) + 2,
      memoryMb: (columns.memoryMb.allocated[best.row] ?? 0) + 8192,
      diskMb: (columns.diskMb.allocated[best.row] ?? 0) + 40 * 1024,
      count: 1,
    });
  }
  t.strictSame(results?.[0]?.hosts, claimed);
});

t.test('changes', async (t) => {
  const big = { vcpus: 8, memoryMb: 20 * 1024 };
  for (const [name, changes, placements, expected] of [
    ['nothing', [], [{ request: big }], { placed: 0, refused: 1, hosts: 4 }],
    [
      'overcommit by zone',
      [{ overcommit: { hosts: { availabilityZone: 'z2' }, ramAllocationRatio: 2 } }],
      [{ request: { vcpus: 1, memoryMb: 15 * 1024 }, count: 9 }],
      { placed: 6, refused: 3 },
    ],
    [
      'overcommit by aggregate',
      [{ overcommit: { hosts: { aggregate: 'gold' }, cpuAllocationRatio: 100, ramAllocationRatio: 100 } }],
      [{ request: { vcpus: 8, memoryMb: 1024 }, count: 16 }],
      { placed: 16, results: [{ hosts: { a: Number } }] },
    ],
    [
      'hosts like one, in another zone',
      [{ addHosts: { count: 3, likeHost: 'b', availabilityZone: 'z9' } }],
      [{ request: { ...small, availabilityZone: 'z9' }, count: 50 }],
      { hosts: 7, placed: 45, refused: 5, results: [{ hosts: { 'b+1': 15, 'b+2': 15, 'b+3': 15 } }] },
    ],
    [
      'drain by labels, nothing there',
      [{ drain: { labels: { rack: 'r0' } } }],
      [{ request: small, count: 60 }],
      { placed: 30, refused: 30, drained: 0, results: [{ hosts: { b: 15, d: 15 } }] },
    ],
    [
      'settings that pack',
      [{ settings: { ram_weight_multiplier: '-9' } }],
      [{ request: small, count: 15 }],
      { placed: 15, results: [{ hosts: { a: 15 } }] },
    ],
  ] as const)
    t.match(simulate(parts(), asked({ changes: [...changes], placements: [...placements] })), expected, name);
});

t.test('what drained hosts hold is placed anew, the largest first, before anything else', async (t) => {
  const held = [
    allocation('1', 'id-a', 1, 2048),
    allocation('2', 'id-a', 2, 15_000),
    allocation('3', 'id-b', 1, 1024),
    allocation('4', 'id-a', 1, 9000),
  ];
  const answer = simulate(
    parts(fleet(), held),
    asked({
      changes: [{ drain: { hosts: ['a'] } }],
      placements: [{ request: { ...small, availabilityZone: 'z1' }, count: 20 }],
    }),
  );
  t.match(
    answer,
    { drained: 2, stranded: 1, placed: 3, refused: 17 },
    'b has 14848 MiB: too few for 15000, enough for 9000 and 2048',
  );
  t.strictSame(Object.keys(answer.results?.[0]?.hosts ?? {}), ['b']);
});

t.test('bad input names its field, and nothing is placed', async (t) => {
  const choice = (hosts: object) => ({ changes: [{ drain: hosts }] });
  for (const [given, code, field] of [
    [{ changes: Array.from({ length: 101 }, () => ({ drain: {} })) }, 'invalid-argument', 'changes'],
    [
      { placements: Array.from({ length: 1_001 }, () => ({ request: small })) },
      'invalid-argument',
      'placements',
    ],
    [
      { placements: [{ request: small, count: 10_000 }, { request: small }] },
      'invalid-argument',
      'placements',
    ],
    [{ changes: [{}] }, 'invalid-argument', 'changes[0]'],
    [{ changes: [{ drain: {}, settings: { a: 'b' } }] }, 'invalid-argument', 'changes[0]'],
    [
      { changes: [{ overcommit: { cpuAllocationRatio: -1 } }] },
      'invalid-argument',
      'changes[0].overcommit.cpu_allocation_ratio',
    ],
    [
      { changes: [{ overcommit: { ramAllocationRatio: Number.NaN } }] },
      'invalid-argument',
      'changes[0].overcommit.ram_allocation_ratio',
    ],
    [
      { changes: [{ overcommit: { diskAllocationRatio: 1001 } }] },
      'invalid-argument',
      'changes[0].overcommit.disk_allocation_ratio',
    ],
    [{ changes: [{ overcommit: {} }] }, 'invalid-argument', 'changes[0].overcommit'],
    [{ changes: [{ addHosts: { likeHost: 'a' } }] }, 'invalid-argument', 'changes[0].add_hosts.count'],
    [
      { changes: [{ addHosts: { count: 10_001, likeHost: 'a' } }] },
      'invalid-argument',
      'changes[0].add_hosts.count',
    ],
    [
      { changes: [{ addHosts: { count: 1, likeHost: 'zz' } }] },
      'not-found',
      'changes[0].add_hosts.like_host',
    ],
    [choice({ hosts: ['a', 'zz'] }), 'not-found', 'changes[0].drain.hosts[1]'],
    [choice({ availabilityZone: 'z7' }), 'not-found', 'changes[0].drain.availability_zone'],
    [choice({ aggregate: 'lead' }), 'not-found', 'changes[0].drain.aggregate'],
    [{ changes: [{ settings: { no_such: '1' } }] }, 'invalid-argument', 'changes[0].settings.no_such'],
    [
      { placements: [{ request: { vcpus: 0, memoryMb: 1 } }] },
      'invalid-argument',
      'placements[0].request.vcpus',
    ],
    [{ placements: [{}] }, 'invalid-argument', 'placements[0].request'],
  ] as const)
    t.throws(() => simulate(parts(), asked(given as SimulateRequestInput)), { code, field });
});

t.test('in turns: others are let in, and the budget ends it', async (t) => {
  let clockMs = 0;
  let pauses = 0;
  const turns = {
    now: () => (clockMs += 1),
    pause: () => Promise.resolve(void pauses++),
    turnMs: 10,
    budgetMs: 1_000,
  };
  const request = asked({ placements: [{ request: small, count: 60 }] });
  t.match(await simulateInTurns(parts(), request, turns), { placed: 60 });
  t.ok(pauses >= 5, `${pauses} pauses`);
  await t.rejects(simulateInTurns(parts(), request, { ...turns, budgetMs: 20 }), {
    code: 'resource-exhausted',
  });
});
