import t from 'tap';
import { novaSettings } from '../../../../controlplane/model/scheduler-settings.js';
import { rulesOf, select } from '../../../../controlplane/placement/select.js';
import { benchFleet, request, seeded } from '../../../../scripts/bench/fleet.js';
import { hostStates, naiveSearch } from '../../../../scripts/bench/naive-search.js';

const vcpus = [1, 2, 4, 8, 16, 32];
const zones = ['az0', 'az1', 'az2', '', 'nowhere'];

t.test('objects and closures answer what columns answer, while hosts change between searches', async (t) => {
  const registry = benchFleet(2_000);
  const random = seeded(5);
  const settings = [
    novaSettings,
    { ...novaSettings, weightMultipliers: { ram_weight_multiplier: -1, cpu_weight_multiplier: 2.5 } },
    { ...novaSettings, weightMultipliers: { io_ops_weight_multiplier: 3, disk_weight_multiplier: 0 } },
    { ...novaSettings, weightMultipliers: { build_failure_weight_multiplier: -2 } },
  ];
  let compared = 0;
  for (let round = 0; round < 120; round++) {
    const chosen = settings[Math.floor(round / 30)] ?? novaSettings;
    const asked = request(vcpus[round % 6] as number, zones[round % 5] as string);
    const plain = naiveSearch(hostStates(registry), asked, 5, chosen);
    const ours = select(registry, rulesOf(chosen), asked, 5).destinations;
    const same = JSON.stringify(ours.map(({ row, weight }) => ({ row, weight }))) === JSON.stringify(plain);
    if (!same) t.strictSame(ours, plain, `round ${round}`);
    compared += ours.length;
    for (const { hostId } of ours.slice(0, 2)) {
      registry.setAllocated(hostId, {
        vcpus: 3,
        memoryMb: Math.floor(random() * 90_000),
        diskMb: 10,
        count: 1,
      });
      registry.setCounts(hostId, { ioOps: round % 4, failedBuilds: round % 9 === 0 ? 1 : 0 });
    }
  }
  t.ok(compared > 350, `${compared} destinations compared`);
});

t.test('hosts that are all alike: the first by row, and no search of them all', async (t) => {
  const registry = benchFleet(2_048, () => 0.5);
  const ours = select(registry, rulesOf(novaSettings), request(1, ''), 4).destinations;
  t.strictSame(
    ours.map(({ row }) => row),
    [0, 1, 2, 3],
  );
  t.strictSame(
    naiveSearch(hostStates(registry), request(1, ''), 4, novaSettings).map(({ row }) => row),
    [0, 1, 2, 3],
  );
});

t.test('a seed chooses among host_subset_size hosts, and the same seed the same', async (t) => {
  const registry = benchFleet(500);
  const rules = rulesOf({ ...novaSettings, hostSubsetSize: 5 });
  const best = select(registry, rulesOf(novaSettings), request(1, ''), 5).destinations.map(({ row }) => row);
  const chosen = Array.from({ length: 40 }, (_, seed) => {
    const [first] = select(registry, rules, request(1, ''), 1, seed).destinations;
    t.equal(select(registry, rules, request(1, ''), 1, seed).destinations[0]?.row, first?.row);
    return first?.row ?? -1;
  });
  t.strictSame(new Set(chosen), new Set(best), 'each of the five, and no other');
});
