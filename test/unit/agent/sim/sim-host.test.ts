/** A simulated host decides as a real one: the same profile, planned, applied, verified and put back, on both cgroup versions. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { groupsOf } from '../../../../agent/kernel/cgroup.js';
import { allowedCpus, threadsOf } from '../../../../agent/kernel/procfs.js';
import { lastKnown } from '../../../../agent/host/last-known.js';
import { domainReport, worthTelling } from '../../../../agent/host/reports.js';
import type { PlanEntry } from '../../../../agent/reconcile/plan.js';
import { emptyXmlPart } from '../../../../agent/libvirt/domain-xml-view.js';
import type { DomainView } from '../../../../agent/libvirt/hypervisor.js';
import { MemoryRoot } from '../../../../agent/sim/memory-root.js';
import { maximumSimDomains, SimHypervisor } from '../../../../agent/sim/sim-hypervisor.js';
import { domainsOf, openSimHost, shapeOf, simName } from '../../../../agent/sim/sim-host.js';
import { buildTree } from '../../../../agent/sim/tree.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { FakeHost } from '../../../support/fake-host.js';
import { desiredDigest, encodeTuners, parseProfile } from '../../../../proto/wire/profile.js';

const noInterface = {
  target: '', mac: '', type: 'ethernet', bridge: '', virtualPort: '', interfaceId: '', model: '', driver: '', bandwidth: {},
}; // prettier-ignore

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };

const profile = parseProfile(`
name: sim
tuners:
  vcpu-pinning: {reserved: 0-3, shared: 4-$}
  cpu-qos: {vcpu_period_us: 100000, vcpu_quota_us: 50000}
  block-qos: {write_bytes_sec: 1048576, read_iops_sec: 500}
  ksm: {run: 'on', pages_to_scan: 200}
  transparent-hugepages: {enabled: always}
`);

function folder(t: { teardown(undo: () => void): void }): string {
  const directory = mkdtempSync(join(tmpdir(), 'drover-sim-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

for (const index of [1, 2]) {
  const shape = shapeOf(index, 'boot-1');
  t.test(`plan, apply, verify, revert on a simulated host with cgroup ${shape.cgroup}`, async (t) => {
    const directory = folder(t);
    const domain = {
      uuid: '51300000-0000-4000-8000-000000000001',
      name: 'vm',
      vcpus: 2,
      memoryBytes: 2 ** 30,
      allocationId: 'a',
    };
    const host = await openSimHost(shape, [domain], directory, '1', quiet);
    const tuners = encodeTuners(profile.tuners);
    await host.agent.start();
    t.teardown(async () => {
      await host.agent.stop();
      await host.ledger.close();
    });
    const writes = host.kernel.writes;
    await host.agent.take({
      profileName: 'sim',
      profileRevision: 1,
      trialSeconds: 0,
      onFailure: '',
      guests: '',
      tuners,
      digest: desiredDigest('sim', 1, tuners),
    });

    const cgroup =
      shape.cgroup === 'v1'
        ? `/sys/fs/cgroup/cpu/machine/qemu-1-vm.libvirt-qemu/vcpu0/cpu.cfs_quota_us`
        : `/sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/vcpu0/cpu.max`;
    t.equal(host.kernel.read(cgroup)?.split(' ')[0], '50000', 'quota in the cgroup');
    t.match(host.kernel.read('/proc/10100/task/10102/status'), /Cpus_allowed_list:\t4-/, 'thread affinity');
    t.equal(host.kernel.read('/sys/kernel/mm/ksm/run'), '1');
    t.equal(host.kernel.read('/sys/kernel/mm/transparent_hugepage/enabled'), '[always] madvise never');
    const io =
      shape.cgroup === 'v1'
        ? '/sys/fs/cgroup/blkio/machine/qemu-1-vm.libvirt-qemu/blkio.throttle.write_bps_device'
        : '/sys/fs/cgroup/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/io.max';
    t.match(
      host.kernel.read(io),
      shape.cgroup === 'v1' ? '254:0 1048576' : '254:0 rbps=max wbps=1048576 riops=500 wiops=max',
    );
    t.ok(host.kernel.writes > writes, 'the host knobs were written');

    // A domain that starts gets its settings by the event, not by the next pass.
    host.hypervisor.start({ ...domain, uuid: '51300000-0000-4000-8000-000000000002', name: 'late' });
    for (let n = 0; n < 100 && !/\t4-/.test(host.kernel.read('/proc/10200/task/10202/status') ?? ''); n++)
      await new Promise((resolve) => setTimeout(resolve, 10));
    t.match(host.kernel.read('/proc/10200/task/10202/status'), /Cpus_allowed_list:\t4-/, 'the late domain');

    const before = host.kernel.writes;
    await host.agent.reconcile();
    t.equal(host.kernel.writes, before, 'a pass with nothing to do writes nothing');

    await host.agent.take({
      profileName: '',
      profileRevision: 0,
      trialSeconds: 0,
      onFailure: '',
      guests: '',
      tuners: {},
      digest: desiredDigest('', 0, {}),
    });
    t.equal(
      host.kernel.read(cgroup)?.split(' ')[0],
      shape.cgroup === 'v1' ? '-1' : 'max',
      'withdrawn: quota is back',
    );
    t.match(host.kernel.read('/proc/10100/task/10102/status'), /Cpus_allowed_list:\t0-/);
    t.equal(host.kernel.read('/sys/kernel/mm/ksm/run'), '0');
    t.equal(host.kernel.read('/sys/kernel/mm/ksm/pages_to_scan'), '100');
    t.equal(host.kernel.read('/sys/kernel/mm/transparent_hugepage/enabled'), 'always [madvise] never');
    t.equal(host.ledger.size, 0);
  });
}

t.test('a desired state that this host cannot take changes nothing and is said', async (t) => {
  const host = await openSimHost(shapeOf(1, 'boot-1'), domainsOf(3), folder(t), '1', quiet);
  await host.agent.start();
  t.teardown(async () => {
    await host.agent.stop();
    await host.ledger.close();
  });
  const tuners = { 'vcpu-pinning': '{"shared":"90-95"}', ksm: '{"run":"on"}' };
  await host.agent.take({
    profileName: 'far',
    profileRevision: 1,
    trialSeconds: 0,
    onFailure: '',
    guests: '',
    tuners,
    digest: desiredDigest('far', 1, tuners),
  });
  t.equal(host.kernel.read('/sys/kernel/mm/ksm/run'), '0', 'not even the part that would fit');
  t.equal(host.kernel.writes, 0);
});

t.test('the parts refuse what a real host would refuse', async (t) => {
  const root = new MemoryRoot('x', (_file, value) => (value === 'bad' ? { refused: 'EINVAL' } : value));
  root.put('/a/b/c', '1');
  t.same(root.list('/a'), ['b']);
  await t.rejects(root.write('/a/b/none', '1'), { code: 'kernel-write-failed', message: /ENOENT/ });
  await t.rejects(root.write('/a/b/c', 'bad'), { message: /write bad to \/a\/b\/c: EINVAL/ });
  root.remove('/a/b');
  t.same(root.list('/a'), []);
  const tree = buildTree(shapeOf(1, 'boot'));
  const hypervisor = new SimHypervisor(tree, 'v2');
  for (let n = 0; n < maximumSimDomains; n++)
    hypervisor.start({ uuid: `${n}`, name: `d${n}`, vcpus: 1, memoryBytes: 1, allocationId: '' });
  t.throws(
    () => hypervisor.start({ uuid: 'more', name: 'more', vcpus: 1, memoryBytes: 1, allocationId: '' }),
    { code: 'resource-exhausted' },
  );
  await t.rejects(hypervisor.pinVcpu({ uuid: 'nobody' }, 0, [1]), { code: 'not-found' });
  await t.rejects(hypervisor.setBlockLimits({ uuid: '1' }, '/dev/nvme9', { readBytesSec: 1 }), {
    code: 'libvirt-failed',
  });
  t.equal(simName(7), 'sim-007');
});

for (const cgroup of ['v1', 'v2'] as const) {
  t.test(
    `calls of a simulated and of a fake hypervisor land where the kernel would show them: ${cgroup}`,
    async (t) => {
      const tree = buildTree({ ...shapeOf(1, 'boot'), cgroup });
      const sim = new SimHypervisor(tree, cgroup);
      const interfaces = [{ ...noInterface, mac: '52:54:00:00:00:01' }];
      const shape = {
        name: 'vm',
        vcpus: 1,
        ioThreads: 2,
        interfaces,
        explicit: { blockWeight: true },
        qosClass: 'gold',
      };
      const simulated = sim.start({ ...shape, uuid: 'u', memoryBytes: 1, allocationId: '' });
      const fake = new FakeHost({ cgroup, cells: '0-1' });
      t.teardown(() => fake.dispose());
      const hosts = [
        { hypervisor: sim, kernel: tree, view: simulated },
        { hypervisor: fake, kernel: fake.root, view: fake.start(shape) },
      ];
      for (const { hypervisor, kernel, view } of hosts) {
        const pid = view.pid as number;
        const groups = groupsOf(kernel, pid);
        const group = (controller: string) =>
          cgroup === 'v1'
            ? `/sys/fs/cgroup/${controller}${groups?.get(controller)?.replace('/emulator', '')}`
            : `/sys/fs/cgroup${groups?.get('unified')?.replace('/emulator', '')}`;
        t.match(view, {
          ioThreads: [1, 2],
          qosClass: 'gold',
          specSource: '',
          explicit: { blockWeight: true },
        });
        await hypervisor.pinIoThread(view, 2, [1]);
        const thread = threadsOf(kernel, pid).find(({ name }) => name === 'IO iothread2');
        t.same(allowedCpus(kernel, pid, thread?.tid ?? 0), [1]);
        await t.rejects(hypervisor.pinIoThread(view, 3, [1]), { code: 'libvirt-failed' });

        await hypervisor.setMemoryCells(view, [1]);
        for (const name of ['emulator', 'vcpu0', 'iothread1'])
          t.equal(kernel.read(`${group('cpuset')}/${name}/cpuset.mems`), '1');
        t.same((await hypervisor.domains())[0]?.numaMemory, { mode: 'restrictive', nodeset: '1' });

        await hypervisor.setBlockWeight(view, 300);
        const scope = group('blkio').replace(/\/libvirt$/, '');
        if (cgroup === 'v1') t.equal(kernel.read(`${scope}/blkio.bfq.weight`), '300');
        else t.equal(kernel.read(`${scope}/io.bfq.weight`), 'default 118');

        await hypervisor.setDiskThrottle(view, 'vda', { readIopsSec: 5, writeIopsSec: 0 });
        t.same([...(await hypervisor.diskThrottles(view))], [['vda', { readIopsSec: 5 }]]);
        for (const [target, throttle] of [
          ['vda', { totalIopsSec: 1, readIopsSec: 1 }],
          ['vdz', {}],
        ] as const)
          await t.rejects(hypervisor.setDiskThrottle(view, target, throttle), { code: 'libvirt-failed' });
        await hypervisor.setDiskThrottle(view, 'vda', {});
        t.equal((await hypervisor.diskThrottles(view)).size, 0);

        const bandwidth = { inbound: { averageKilobytesSec: 9 } };
        await hypervisor.setInterfaceBandwidth(view, '52:54:00:00:00:01', bandwidth);
        t.same(await hypervisor.interfaceBandwidth(view, '52:54:00:00:00:01'), bandwidth);
        t.same((await hypervisor.domains())[0]?.interfaces[0]?.bandwidth, bandwidth);
        await t.rejects(hypervisor.interfaceBandwidth(view, 'x'), { code: 'libvirt-failed' });
        await t.rejects(hypervisor.diskThrottles({ uuid: view.uuid, id: 99 }), {
          code: 'not-found',
          message: /started anew/,
        });
      }
      const other = { uuid: 'o', name: 'o', vcpus: 1, memoryBytes: 1, allocationId: '' };
      const placed = sim.start({ ...other, numaMemory: { mode: 'preferred', nodeset: '0' } });
      await t.rejects(sim.setMemoryCells(placed, [1]), { message: /can't change numatune mode/ });
    },
  );
}

t.test('a report of domains has a limit and says what it leaves out', async (t) => {
  const domain = (name: string): DomainView => ({
    ...emptyXmlPart,
    uuid: name,
    name,
    id: 1,
    state: 'running',
    vcpus: 1,
    memoryBytes: 1,
    pid: 1,
    pciAddresses: [`0000:3b:00.${name.codePointAt(0)}`],
  });
  const { domains, left } = domainReport(['c', 'a', 'b'].map(domain), () => 7, 2);
  t.same(
    domains.map(({ name, diskBytes, pciAddresses }) => [name, diskBytes, pciAddresses]),
    [
      ['a', 7, ['0000:3b:00.97']],
      ['b', 7, ['0000:3b:00.98']],
    ],
  );
  t.equal(left, 1);
  const entry = (setting: string, outcome: PlanEntry['outcome']): PlanEntry => ({
    knob: { tuner: 'ksm', setting, source: '' },
    now: '',
    wanted: '',
    outcome,
    reason: '',
    effect: 'now',
    affects: [],
    original: undefined,
  });
  const told = worthTelling(
    [entry('a', 'in-sync'), entry('b', 'failed'), entry('c', 'in-sync'), entry('d', 'held')],
    3,
  );
  t.same(
    told.map(({ knob }) => knob.setting),
    ['a', 'b', 'd'],
    'what is in order goes first',
  );
});

t.test(
  'a desired state on disk that this version cannot read is reported, and another may come',
  async (t) => {
    const directory = folder(t);
    const tuners = { hugepages: '{"pages":5}' };
    const state = {
      profileName: 'newer',
      profileRevision: 3,
      trialSeconds: 0,
      onFailure: '',
      guests: '',
      tuners,
      digest: desiredDigest('newer', 3, tuners),
    };
    writeFileSync(join(directory, 'desired.json'), JSON.stringify(state));
    const host = await openSimHost(shapeOf(1, 'boot-1'), [], directory, '1', quiet);
    await host.agent.start();
    t.teardown(async () => {
      await host.agent.stop();
      await host.ledger.close();
    });
    t.equal(host.kernel.writes, 0);
    const known = { ksm: '{"run":"on"}' };
    await host.agent.take({
      profileName: 'older',
      profileRevision: 4,
      trialSeconds: 0,
      onFailure: '',
      guests: '',
      tuners: known,
      digest: desiredDigest('older', 4, known),
    });
    t.equal(host.kernel.read('/sys/kernel/mm/ksm/run'), '1');
  },
);

t.test('a desired state that could not be saved is tried again at the next pass', async (t) => {
  const directory = folder(t);
  const shape = shapeOf(1, 'boot-1');
  const host = await openSimHost(shape, [], directory, '1', quiet);
  let failures = 0;
  const save = host.desired.save.bind(host.desired);
  host.desired.save = async (state) => {
    if (failures++ === 0) throw new DroverError('storage-failed', 'no space left');
    await save(state);
  };
  await host.agent.start();
  t.teardown(async () => {
    await host.agent.stop();
    await host.ledger.close();
  });
  const tuners = { ksm: '{"run":"on"}' };
  await host.agent.take({
    profileName: 'p',
    profileRevision: 1,
    trialSeconds: 0,
    onFailure: '',
    guests: '',
    tuners,
    digest: desiredDigest('p', 1, tuners),
  });
  t.equal(host.kernel.read('/sys/kernel/mm/ksm/run'), '0', 'not in force while it is not durable');
  await host.agent.pass();
  t.equal(host.kernel.read('/sys/kernel/mm/ksm/run'), '1');
  t.equal(host.desired.current?.profileName, 'p');
});

t.test('what hangs or fails leaves the last known value, and is asked once at a time', async (t) => {
  let asked = 0;
  let answer: () => Promise<number> = async () => 1;
  const value = lastKnown(
    async () => {
      asked++;
      return answer();
    },
    0,
    20,
  );
  t.equal(await value.read(), 1);
  answer = () => Promise.reject(new Error('no bus'));
  t.equal(await value.read(), 1);
  t.equal(value.fault, 'no bus');
  answer = () => new Promise(() => undefined);
  t.same([await value.read(), await value.read(), asked], [1, 1, 3], 'the hanging read is not begun again');
  t.equal(value.fault, 'no answer within 20 ms');
});
