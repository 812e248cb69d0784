/** The keeper and the sweep on a real Open vSwitch; domains are told, and time is the test's. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { maximumActs, PortKeeper, type PortKeeperOptions } from '../../../../agent/guests/ports/keeper.js';
import { maximumUnattended } from '../../../../agent/guests/ports/may-mend.js';
import { clearPorts, sweepStalePorts } from '../../../../agent/guests/ports/sweep.js';
import { HostRoot } from '../../../../agent/kernel/root.js';
import { emptyXmlPart } from '../../../../agent/libvirt/domain-xml-view.js';
import type { DomainInterface, DomainView } from '../../../../agent/libvirt/hypervisor.js';
import { ovsDatabase, type OvsDatabase } from '../../../../agent/openvswitch/database.js';
import { readPorts, type PortRow } from '../../../../agent/openvswitch/ports.js';
import { DroverError } from '../../../../proto/wire/errors.js';
import { until } from '../../../support/poll.js';
import { PrivateOpenvswitch, privateOpenvswitchMissing } from '../../../support/private-openvswitch.js';

const uuid = (n: number): string => `00000000-0000-4000-9000-${String(n).padStart(12, '0')}`;
const mac = (n: number): string => `52:54:00:01:00:${n.toString(16).padStart(2, '0')}`;

function guest(n: number, target: string, parts: Partial<DomainInterface> = {}): DomainView {
  const nic = { target, mac: mac(n), type: 'bridge', bridge: 'br-a', virtualPort: 'openvswitch', interfaceId: `if-${n}`, model: '', driver: '', bandwidth: {}, ...parts }; // prettier-ignore
  const rest = { state: 'running', vcpus: 1, memoryBytes: 1, pid: 1 } as const;
  return { ...emptyXmlPart, uuid: uuid(n), name: `g${n}`, id: n, ...rest, interfaces: [nic] };
}

class Bed {
  readonly ovs: PrivateOpenvswitch;
  readonly database: OvsDatabase;
  domains: DomainView[] | Error = [];
  skewMs = 0;

  constructor(ovs: PrivateOpenvswitch) {
    this.ovs = ovs;
    this.database = ovsDatabase({ database: ovs.database, timeoutSeconds: 5 });
  }

  keeper(more: Partial<PortKeeperOptions> = {}): PortKeeper {
    const told = async () => {
      if (this.domains instanceof Error) throw this.domains;
      return this.domains;
    };
    return new PortKeeper({
      openvswitch: this.database,
      kernel: this.ovs.kernel,
      domains: told,
      isMigrating: async () => false,
      mode: () => 'heal',
      now: () => 1_700_000_000_000 + this.skewMs,
      monotonicMs: () => this.skewMs,
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
      ...more,
    });
  }

  /** A pass 20 s after the last one: `kind outcome port` of what it answers. */
  async pass(keeper: PortKeeper): Promise<string[]> {
    this.skewMs += 20_000;
    return (await keeper.pass()).map(({ kind, outcome, port }) => `${kind} ${outcome} ${port}`);
  }

  /** The row that libvirt leaves behind when guest `n` ends without it; its device is not there. */
  stale(name: string, n: number, ...columns: string[]): string[] {
    const ids = [`attached-mac="${mac(n)}"`, `iface-id=if-${n}`, `vm-id=${uuid(n)}`, 'iface-status=active'];
    return ['--', 'add-port', 'br-a', name, ...columns, '--', 'set', 'Interface', name, ...ids.map((each) => `external_ids:${each}`)]; // prettier-ignore
  }

  /** ovs-vsctl complains when the device cannot be opened. */
  async vsctl(...words: string[]): Promise<void> {
    await this.ovs.vsctl(...words.slice(words[0] === '--' ? 1 : 0)).catch(() => '');
  }

  async port(name: string): Promise<PortRow | undefined> {
    return (await readPorts(this.database)).ports.find((each) => each.name === name);
  }
}

async function staleRows(t: Test, bed: Bed): Promise<void> {
  const keeper = bed.keeper();
  await bed.vsctl(...bed.stale('vnet0', 1, 'tag=100'), ...bed.stale('vnet1', 2));
  bed.domains = [guest(2, 'vnet1')];
  t.same(await bed.pass(keeper), ['stale seen vnet0', 'missing seen vnet1']);
  bed.skewMs -= 16_000;
  t.same(await bed.pass(keeper), ['stale seen vnet0', 'missing seen vnet1'], 'two looks, but 4 s apart');
  t.ok(await bed.port('vnet0'));
  t.same(await bed.pass(keeper), ['missing held vnet1', 'stale mended vnet0']);
  t.notOk(await bed.port('vnet0'));
  t.ok(await bed.port('vnet1'), "the running guest's row stays");
  bed.skewMs += 3_600_000;
  t.same(await bed.pass(keeper), ['missing held vnet1'], 'an hour later');
  bed.domains = [];
  await bed.pass(keeper);
  t.same(await bed.pass(keeper), ['stale mended vnet1'], 'its guest has gone without it');
  t.equal(keeper.trouble, '');
}

async function heldBack(t: Test, bed: Bed): Promise<void> {
  await bed.vsctl(...bed.stale('vnet0', 1));
  const cases: [string, Partial<PortKeeperOptions>][] = [
    ['reported only', { mode: () => 'report' }],
    ['migrates', { isMigrating: async () => true }],
  ];
  for (const [name, more] of cases) {
    bed.domains = name === 'migrates' ? [{ ...guest(1, ''), interfaces: [] }] : [];
    const keeper = bed.keeper(more);
    for (let pass = 0; pass < 3; pass++) await bed.pass(keeper);
    const [finding] = await keeper.pass();
    t.match(finding, { kind: 'stale', outcome: 'held', reason: new RegExp(name) });
  }
  t.same(await bed.pass(bed.keeper({ mode: () => 'off' })), []);
  bed.domains = [];
  const keeper = bed.keeper();
  await bed.pass(keeper);
  bed.domains = new DroverError('unavailable', 'libvirt cannot be reached');
  t.same(await bed.pass(keeper), [], 'libvirt is silent: nothing is done');
  t.match(keeper.trouble, /libvirt/);
  t.ok(await bed.port('vnet0'));
  bed.domains = [];
  t.same(await bed.pass(keeper), ['stale seen vnet0'], 'and what was seen before is worth nothing');
  const blind = bed.keeper({ kernel: new HostRoot('/none') });
  await bed.pass(blind);
  t.match(blind.trouble, /no network devices/);
  t.same(
    await Promise.all([keeper.pass(), keeper.pass()]).then(([a, b]) => a === b),
    true,
    'one pass at a time',
  );
  await bed.vsctl('del-port', 'vnet0');
}

/** A guest starts on the stale row in the moment in which it is deleted: it is protected, or gets its port back at once. */
async function races(t: Test, bed: Bed): Promise<void> {
  await bed.vsctl(...bed.stale('vnet0', 1));
  const keeper = bed.keeper({
    openvswitch: {
      ...bed.database,
      transact: async (operations) => {
        const deletes = operations.some(({ op }) => op === 'mutate');
        if (deletes) await bed.vsctl('--', '--may-exist', 'add-port', 'br-a', 'vnet0', '--', 'set', 'Interface', 'vnet0', `external_ids:vm-id=${uuid(3)}`); // prettier-ignore
        return bed.database.transact(operations);
      },
    },
  });
  await bed.pass(keeper);
  t.same(await bed.pass(keeper), ['stale failed vnet0'], 'taken over right before: the deletion is refused');
  t.ok(await bed.port('vnet0'));
  await bed.vsctl('del-port', 'vnet0', ...bed.stale('vnet0', 1));
  const late = bed.keeper({
    openvswitch: {
      ...bed.database,
      transact: async (operations) => {
        const result = await bed.database.transact(operations);
        if (operations.some(({ op }) => op === 'mutate')) {
          await bed.ovs.tap('vnet0');
          bed.domains = [guest(1, 'vnet0')];
        }
        return result;
      },
    },
  });
  await bed.pass(late);
  t.same(
    await bed.pass(late),
    ['missing mended vnet0', 'stale mended vnet0'],
    'robbed: given back in the same pass',
  );
  t.match(await bed.port('vnet0'), { interfaces: [{ ofport: Number, externalIds: { 'vm-id': uuid(1) } }] });
  await bed.vsctl('del-port', 'vnet0');
  await bed.ovs.untap('vnet0');
  bed.domains = [];
}

async function guestsPorts(t: Test, bed: Bed): Promise<void> {
  const vlan = { tags: [7, 8], trunk: true, native: { tag: 8, mode: 'untagged' } } as const;
  const restored: string[] = [];
  const bandwidth = { inbound: { averageKilobytesSec: 9 } };
  await bed.ovs.tap('vnet5');
  bed.domains = [guest(5, 'vnet5', { vlan, bandwidth, profileId: 'p q' })];
  const keeper = bed.keeper({
    restoreBandwidth: async (_, { target }) => {
      restored.push(target);
      throw new Error('libvirt would not');
    },
  });
  const want = {
    bridge: 'br-a',
    vlan: { tag: 8, trunks: [7, 8], mode: 'native-untagged' },
    interfaces: [{ ofport: Number, externalIds: { 'attached-mac': mac(5), 'iface-id': 'if-5', 'vm-id': uuid(5), 'iface-status': 'active', 'port-profile': 'p q' } }],
  }; // prettier-ignore
  await bed.pass(keeper);
  t.same(await bed.pass(keeper), ['missing mended vnet5']);
  t.match(await bed.port('vnet5'), want);
  t.same(restored, ['vnet5']);
  const row = (await bed.port('vnet5'))?.uuid;
  await bed.vsctl('clear', 'Port', 'vnet5', 'trunks', 'vlan_mode', '--', 'set', 'Port', 'vnet5', 'tag=100');
  await bed.pass(keeper);
  t.same(await bed.pass(keeper), ['wrong mended vnet5', 'missing mended vnet5']);
  t.match(await bed.port('vnet5'), { ...want, uuid: row }, 'in place: the row and its ofport stay');
  await bed.vsctl('del-port', 'vnet5', '--', 'add-port', 'br-b', 'vnet5', 'tag=100');
  await bed.pass(keeper);
  await bed.pass(keeper);
  t.match(await bed.port('vnet5'), want, 'from another bridge, without its tag');
  await bed.vsctl(...bed.stale('vnet6', 5));
  await bed.pass(keeper);
  t.same((await bed.pass(keeper))[0], 'wrong mended vnet6', 'a second row with its interface id');
  t.match(await bed.port('vnet5'), want);

  bed.ovs.signal('sw', 'SIGSTOP');
  await bed.ovs.vsctl('--no-wait', 'del-port', 'vnet5');
  const impatient = ovsDatabase({ database: bed.ovs.database, timeoutSeconds: 1 });
  const hasty = bed.keeper({ openvswitch: impatient });
  await bed.pass(hasty);
  t.same(await bed.pass(hasty), ['missing failed vnet5'], 'ovs-vswitchd hangs');
  bed.ovs.signal('sw', 'SIGCONT');
  await until(
    async () => ((await bed.port('vnet5'))?.interfaces[0]?.ofport ?? -1) > 0,
    10_000,
    'not taken over',
  );
  t.same(await bed.pass(hasty), [], 'it was added all the same');
  await bed.vsctl('del-port', 'vnet5');
  await bed.ovs.untap('vnet5');
}

async function floods(t: Test, bed: Bed): Promise<void> {
  const count = maximumActs + 6;
  const all = Array.from({ length: count }, (_, n) => bed.stale(`vnet${n}`, n)).flat();
  await bed.vsctl(...all);
  bed.domains = [];
  const keeper = bed.keeper();
  const outcomes = async () => {
    const lines = await bed.pass(keeper);
    return ['held', 'mended'].map((word) => lines.filter((line) => line.includes(` ${word} `)).length);
  };
  await outcomes();
  t.same(await outcomes(), [count, 0], `more than ${maximumUnattended} while libvirt knows no domain`);
  bed.domains = [{ ...guest(999, ''), interfaces: [] }];
  const startMs = performance.now();
  t.same(await outcomes(), [6, maximumActs], 'a bounded number of acts a pass');
  t.comment(`${maximumActs} rows in ${Math.round(performance.now() - startMs)} ms`);
  t.same(await outcomes(), [0, count]);
  t.same((await readPorts(bed.database)).ports.map(({ name }) => name).toSorted(), ['br-a', 'br-b']);
  bed.domains = [];
}

async function sweeps(t: Test, bed: Bed): Promise<void> {
  const options = { openvswitch: bed.database, kernel: bed.ovs.kernel, monotonicMs: () => performance.now(), sleep: (ms: number) => sleep(ms) }; // prettier-ignore
  await bed.ovs.tap('vnet2', 'eth9');
  const stale = Array.from({ length: 40 }, (_, n) => bed.stale(`v${n}`, n)).flat();
  await bed.vsctl(...stale, ...bed.stale('vnet2', 70), ...bed.stale('vnet3', 71), '--', 'add-port', 'br-a', 'eth0', '--', 'add-port', 'br-a', 'eth9'); // prettier-ignore
  // One of a first batch changes in between: the others go all the same.
  let changed = false;
  const meddling: OvsDatabase = {
    ...bed.database,
    transact: async (operations) => {
      if (!changed && operations.some(({ op }) => op === 'mutate')) {
        changed = true;
        await bed.vsctl('set', 'Port', 'v0', 'tag=1');
      }
      return bed.database.transact(operations);
    },
  };
  const qemu = spawn('bash', ['-c', 'read line', '-uuid', uuid(71)], { argv0: 'qemu-kvm' });
  t.teardown(() => qemu.kill());
  const report = await sweepStalePorts({ ...options, openvswitch: meddling });
  t.equal(report.removed.length, 39);
  t.match(report.removed[0], { bridge: 'br-a', domainUuid: /^0000/, reason: /no guest/ });
  t.same(report.kept.map(({ port, reason }) => `${port}: ${reason}`).toSorted(), [
    'v0: its row changed meanwhile',
    'vnet2: its network device is there',
    'vnet3: a QEMU process runs for its domain',
  ]);
  t.ok((await bed.port('eth0')) && (await bed.port('eth9')), 'uplinks stay');
  qemu.kill('SIGKILL');
  await until(() => !existsSync(`/proc/${qemu.pid}/cmdline`), 5_000, 'it did not end');
  await bed.ovs.inside('ip', 'link', 'set', 'vnet2', 'up');
  const cleared = await clearPorts(options);
  t.same(
    cleared.removed.map(({ port }) => port).toSorted(),
    ['v0', 'vnet2', 'vnet3'],
    'also one whose device nobody holds',
  );
  t.same(cleared.kept, []);
  t.same(await sweepStalePorts(options), { removed: [], kept: [] });

  const silent = { ...options, deadlineMs: 1_500, openvswitch: ovsDatabase({ database: bed.ovs.database, timeoutSeconds: 1 }) }; // prettier-ignore
  bed.ovs.signal('db', 'SIGSTOP');
  await t.rejects(sweepStalePorts(silent), { code: 'deadline-exceeded', message: /did not answer within 1500 ms/, cure: /systemctl/ }); // prettier-ignore
  setTimeout(() => bed.ovs.signal('db', 'SIGCONT'), 700);
  t.same(
    await sweepStalePorts({ ...silent, deadlineMs: 10_000 }),
    { removed: [], kept: [] },
    'it comes up meanwhile',
  );
  await bed.vsctl('del-port', 'eth0', '--', 'del-port', 'eth9');
}

t.test('a real Open vSwitch', { skip: privateOpenvswitchMissing() ?? false }, async (t) => {
  const ovs = await PrivateOpenvswitch.launch();
  t.teardown(() => ovs.close());
  const bridge = (name: string) => ['add-br', name, '--', 'set', 'bridge', name, 'datapath_type=netdev'];
  await ovs.vsctl(...bridge('br-a'), '--', ...bridge('br-b'));
  const bed = new Bed(ovs);
  const parts = { staleRows, heldBack, races, guestsPorts, floods, sweeps };
  for (const [name, part] of Object.entries(parts)) await t.test(name, (inner) => part(inner, bed));
});
