/** What is asked for while no filter in force looks at it is said with the answer of a search. */
import t from 'tap';
import { explanationView } from '../../../../controlplane/cli/views/explanation.js';
import { destinationsView } from '../../../../controlplane/cli/views/placement.js';
import { guestNumaOf } from '../../../../controlplane/model/numa/guest-numa-of.js';
import { type CheckedRequest, requestFor } from '../../../../controlplane/model/request.js';
import { novaSettings } from '../../../../controlplane/model/scheduler-settings.js';
import { warningsOf } from '../../../../controlplane/placement/unfiltered.js';

const size = { vcpus: 2, memoryMb: 1024 };
const pinned = requestFor({ ...size, extraSpecs: { 'hw:cpu_policy': 'dedicated' } });
const numa = guestNumaOf(pinned.flavor, null);
const pciRequests: CheckedRequest['pciRequests'] = [
  { count: 1, specs: [{ vendor_id: '10de' }], numaPolicy: 'legacy' },
];

const enabling = (...filters: string[]) => ({
  ...novaSettings,
  enabledFilters: [...novaSettings.enabledFilters, ...filters],
});

t.test('cells and devices are told while their filters sleep, and only then', async (t) => {
  const wanted = requestFor(size, { numa, pciRequests });
  const cells = /^no filter looked at the NUMA cells .*: enabled_filters lacks NUMATopologyFilter\./;
  const devices = /^no filter looked at the devices .*: enabled_filters lacks PciPassthroughFilter\./;
  const both = warningsOf(wanted, novaSettings);
  t.equal(both.length, 2);
  t.match(both, [cells, devices]);
  const one = warningsOf(wanted, enabling('NUMATopologyFilter'));
  t.equal(one.length, 1);
  t.match(one, [devices]);
  t.strictSame(warningsOf(wanted, enabling('NUMATopologyFilter', 'PciPassthroughFilter')), []);
  t.strictSame(warningsOf(requestFor(size), novaSettings), [], 'nothing is asked for');
});

t.test('forced hosts are past all filters, which is what was asked', async (t) => {
  t.strictSame(warningsOf(requestFor(size, { pciRequests, forceHosts: ['kvm-01'] }), novaSettings), []);
  t.strictSame(warningsOf(requestFor(size, { pciRequests, forceNodes: ['kvm-01'] }), novaSettings), []);
  const rebuilt = { pciRequests, forceHosts: ['kvm-01'], hints: { _nova_check_type: ['rebuild'] } };
  t.equal(
    warningsOf(requestFor(size, rebuilt), novaSettings).length,
    1,
    'a rebuild is filtered all the same',
  );
});

t.test('a person sees them behind the verdict', async (t) => {
  const found = { revision: 1, hostsConsidered: 1, filters: [] };
  const destination = { hostId: 'a', hostName: 'a', weight: 0, weights: {} };
  const told = { kind: 'list', title: 'Mind', items: ['look twice'] };
  for (const destinations of [[destination], []]) {
    const view = destinationsView({ ...found, seed: 1, destinations, warnings: ['look twice'] });
    t.strictSame(view[1], told);
  }
  const explained = { ...found, hosts: [], hostsPassed: 1, refusals: [], relaxations: [] };
  t.strictSame(explanationView({ ...explained, warnings: ['look twice'] })[1], told);
  t.equal(explanationView({ ...explained, warnings: [] }).length, 1, 'nothing to mind, nothing said');
});
