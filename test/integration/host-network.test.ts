/**
 * interface-qos and vhost-net on real KVM domains, on Open vSwitch (its own, netdev datapath) and on a Linux bridge: what
 * libvirt holds, what Open vSwitch's database and tc show, and how many bytes a second really pass.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { gatherFacts } from '../../agent/facts/index.js';
import { bootId } from '../../agent/kernel/procfs.js';
import { HostRoot } from '../../agent/kernel/root.js';
import { askTc } from '../../agent/kernel/traffic-control.js';
import type { Hypervisor } from '../../agent/libvirt/hypervisor.js';
import { openHypervisor } from '../../agent/libvirt/open-hypervisor.js';
import { ovsDatabase, type OvsDatabase } from '../../agent/openvswitch/database.js';
import { Ledger } from '../../agent/reconcile/ledger.js';
import type { PlanEntry } from '../../agent/reconcile/plan.js';
import { Reconciler } from '../../agent/reconcile/reconciler.js';
import { ShapingLooks } from '../../agent/tuners/common/network/shaping-looks.js';
import { interfaceQos } from '../../agent/tuners/interface-qos.js';
import { vhostNet } from '../../agent/tuners/vhost-net.js';
import type { TunerSettings } from '../../proto/wire/tuner-settings.js';
import { until } from '../support/poll.js';
import { hasProgram, PrivateLibvirtd, privateLibvirtdMissing } from '../support/private-libvirtd.js';

const execute = promisify(execFile);
const macs = { ovs: '52:54:00:aa:00:01', linux: '52:54:00:aa:00:02' } as const;
const name = `drover-network-${process.pid}`;

/** Runs a program in the namespaces of a private libvirtd. */
type Inside = (program: string, ...words: string[]) => Promise<string>;

const ovsScript = `
for p in /run/openvswitch /var/log/openvswitch /etc/openvswitch; do mkdir -p $p; mount -t tmpfs tmpfs $p; done
ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server --remote=punix:/run/openvswitch/db.sock --pidfile --detach --log-file=/dev/null /etc/openvswitch/conf.db
ovs-vsctl --no-wait init
ovs-vswitchd --pidfile --detach --log-file=/dev/null
ovs-vsctl add-br br-ovs -- set bridge br-ovs datapath_type=netdev
ip link add br-linux type bridge && ip link set br-linux up`;

interface Bed {
  readonly inside: Inside;
  readonly hypervisor: Hypervisor;
  readonly reconciler: Reconciler;
  readonly ledger: Ledger;
  readonly ovs: OvsDatabase;
  /** Device of an interface on the host. */
  device(mac: string): Promise<string>;
}

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };

async function makeBed(t: Test): Promise<Bed> {
  const libvirtd = await PrivateLibvirtd.prepare();
  const holder = /\/proc\/(\d+)\//.exec(libvirtd.root)?.[1] as string;
  const enter = [`--mount=/proc/${holder}/ns/mnt`, `--net=/proc/${holder}/ns/net`];
  const inside: Inside = async (...words) => (await execute('nsenter', [...enter, ...words])).stdout;
  t.teardown(async () => {
    for (const daemon of ['ovs-vswitchd', 'ovsdb-server']) {
      const pid = Number(readFileSync(`${libvirtd.root}/run/openvswitch/${daemon}.pid`, 'utf8'));
      process.kill(pid);
      await until(() => !existsSync(`/proc/${pid}`), 5_000, `${daemon} did not end`);
    }
    await libvirtd.close();
  });
  await inside('bash', '-ec', ovsScript);
  await libvirtd.start();
  await until(() => libvirtd.virsh('uri'), 20_000, 'libvirtd did not answer');
  await startDomain(libvirtd);
  t.teardown(() => libvirtd.virsh('destroy', name).catch(() => ''));
  const hypervisor = await openHypervisor({ uri: libvirtd.uri, pidDirectory: libvirtd.pidDirectory });
  t.teardown(() => hypervisor.close());
  const ovs = ovsDatabase({ database: `unix:${libvirtd.root}/run/openvswitch/db.sock`, timeoutSeconds: 10 });
  const tc = askTc(['nsenter', enter[1] as string, 'tc']);
  const engine = await makeReconciler(t, hypervisor, ovs, tc);
  const device = async (mac: string): Promise<string> =>
    (await libvirtd.virsh('domiflist', name))
      .split('\n')
      .find((line) => line.includes(mac))
      ?.trim()
      .split(/\s+/)[0] ?? '';
  return { inside, hypervisor, ovs, device, ...engine };
}

async function startDomain(libvirtd: PrivateLibvirtd): Promise<void> {
  const nic = (mac: string, bridge: string, port = ''): string =>
    `<interface type='bridge'><mac address='${mac}'/><source bridge='${bridge}'/>${port}<model type='virtio'/></interface>`;
  const file = join(libvirtd.directory, 'network.xml');
  writeFileSync(
    file,
    `<domain type='kvm'><name>${name}</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os><devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${libvirtd.bootDisk(name)}'/><target dev='vda' bus='virtio'/></disk>
${nic(macs.ovs, 'br-ovs', "<virtualport type='openvswitch'/>")}${nic(macs.linux, 'br-linux')}</devices></domain>`,
  );
  await libvirtd.virsh('create', file);
}

async function makeReconciler(
  t: Test,
  hypervisor: Hypervisor,
  openvswitch: OvsDatabase,
  ask: ReturnType<typeof askTc>,
): Promise<{ reconciler: Reconciler; ledger: Ledger }> {
  const state = mkdtempSync(join(tmpdir(), 'drover-host-network-'));
  const kernel = new HostRoot('/');
  const ledger = await Ledger.open(state, { bootId: bootId(kernel) ?? '', now: Date.now });
  t.teardown(async () => {
    await ledger.close();
    rmSync(state, { recursive: true, force: true });
  });
  const shaping = new ShapingLooks({ ask, monotonicMs: () => performance.now() });
  const facts = { versions: {}, services: {}, inventory: {}, diskTotalBytes: 0 };
  const hostView = async () => ({
    facts: gatherFacts(kernel, facts),
    domains: (await hypervisor.domains()).filter((domain) => domain.name === name && domain.id >= 0),
  });
  const reconciler = new Reconciler({
    tuners: [interfaceQos, vhostNet],
    ports: { kernel, hypervisor, openvswitch, shaping },
    ledger,
    hostView,
    planOnly: false,
    now: Date.now,
    log: quiet,
  });
  return { reconciler, ledger };
}

const entryOf = (entries: readonly PlanEntry[], setting: string): PlanEntry | undefined =>
  entries.find(({ knob }) => knob.setting === setting);

/** Open vSwitch's rows of a device: its policer and the queue that libvirt made. */
async function rowsOf({ ovs }: Bed, device: string) {
  const interfaces = await ovs.list('Interface', ['name', 'ingress_policing_rate', 'ingress_policing_burst']);
  const row = interfaces.find((each) => each['name'] === device);
  const queues = await ovs.list('Queue', ['other_config', 'external_ids']);
  const queue = queues.find((each) => (each['external_ids'] as Record<string, string>)['ifname'] === device);
  const police = [row?.['ingress_policing_rate'], row?.['ingress_policing_burst']];
  return { police, queue: queue?.['other_config'] };
}

/** Bytes a second that leave the host's device for the guest, as its HTB class counts them while a program floods it. */
async function measure({ inside }: Bed, device: string, seconds: number): Promise<number> {
  const sent = async (): Promise<{ bytes: number; atMs: number }> => {
    const text = await inside('tc', '-s', 'class', 'show', 'dev', device, 'classid', '1:1');
    return { bytes: Number(/Sent (\d+) bytes/.exec(text)?.[1]), atMs: performance.now() };
  };
  const first = await until(async () => { const now = await sent(); return now.bytes > 50_000 ? now : undefined; }, 10_000, 'no traffic'); // prettier-ignore
  await until(() => performance.now() > first.atMs + seconds * 1_000, 60_000, 'the clock stands');
  const last = await sent();
  return ((last.bytes - first.bytes) * 1_000) / (last.atMs - first.atMs);
}

/** As `measure`, until it lies within 10 % of `bytesSec`: a flood that was held up meanwhile tells nothing of the limit. */
async function measureNear(bed: Bed, device: string, bytesSec: number): Promise<number> {
  let seen = Number.NaN;
  for (let tries = 0; tries < 8; tries++) {
    seen = await measure(bed, device, 2);
    if (Math.abs(seen - bytesSec) < bytesSec / 10 || seen > bytesSec * 1.1) break;
  }
  return seen;
}

const flood = `const s = require('dgram').createSocket('udp4'), b = Buffer.alloc(1400);
const go = () => { let left = 32; for (let n = 0; n < 32; n++) s.send(b, 9, '10.99.0.2', () => --left || setImmediate(go)); };
go(); process.stdin.on('end', () => process.exit()).resume();`;

/** Runs `body` while UDP packets go from the host to the guest's MAC as fast as they can. */
async function flooded<T>({ inside }: Bed, bed: { holder: string }, body: () => Promise<T>): Promise<T> {
  await inside(
    'bash',
    '-ec',
    `ip addr replace 10.99.0.1/24 dev br-ovs; ip link set br-ovs up; ip neigh replace 10.99.0.2 lladdr ${macs.ovs} dev br-ovs`,
  );
  const child = spawn('nsenter', [bed.holder, process.execPath, '-e', flood], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  try {
    return await body();
  } finally {
    child.stdin.end();
    await until(() => child.exitCode !== null, 5_000, 'the flood did not end');
  }
}

async function onOpenVswitch(t: Test, bed: Bed, namespace: string): Promise<void> {
  const { reconciler, ledger } = bed;
  const device = await bed.device(macs.ovs);
  const only = (settings: object): TunerSettings => ({ 'interface-qos': settings });
  const settings = only({ inbound: { average: 1000 }, outbound: { average: 500 } });
  const nothing = await rowsOf(bed, device);
  const entries = await reconciler.apply(settings);
  const inbound = entryOf(entries, `inbound ${macs.ovs}`);
  t.match(inbound, { outcome: 'changed', now: 'average 1000 peak 1000', original: 'unlimited' });
  t.match(inbound?.evidence, /rate 8 Mbit\/s ceil 8 Mbit\/s/, 'tc shows it on the device');
  t.match(await rowsOf(bed, device), {
    police: [4_000, 3_200],
    queue: { 'min-rate': '8000000', 'max-rate': '8000000' },
  });
  await outboundBites(t, bed, device, entryOf(await reconciler.verify(settings), `outbound ${macs.ovs}`));

  await flooded(bed, { holder: namespace }, async () => {
    const slow = await measureNear(bed, device, 1e6);
    t.ok(Math.abs(slow - 1e6) < 1e5, `1,000 KB/s: ${Math.round(slow)} bytes a second`);
    await reconciler.apply(only({ inbound: { average: 2000 }, outbound: { average: 500 } }));
    const faster = await measureNear(bed, device, 2e6);
    t.ok(Math.abs(faster - 2e6) < 2e5, `2,000 KB/s: ${Math.round(faster)} bytes a second`);
    await reconciler.apply(only({ inbound: { average: 100_000 }, outbound: { average: 500 } }));
    const free = await measure(bed, device, 1);
    t.ok(free > 3e6, `with a far higher limit ${Math.round(free)} pass: the limits were what held them`);
  });

  await reconciler.apply(only({ inbound: { average: 1000, peak: 3000, burst: 128 } }));
  t.match(
    await rowsOf(bed, device),
    { police: [0, 0], queue: { 'max-rate': '24000000', burst: '1048576' } },
    'outbound is put back',
  );
  const dropped = await reconciler.apply(only({ inbound: { average: 1000 } }));
  t.match(entryOf(dropped, `inbound ${macs.ovs}`), { outcome: 'changed' });
  t.strictSame(
    (await rowsOf(bed, device)).queue,
    { 'min-rate': '8000000', 'max-rate': '8000000' },
    'no old burst stays',
  );

  await bed.hypervisor.setInterfaceBandwidth(await keyOf(bed), macs.ovs, {
    inbound: { averageKilobytesSec: 1001, peakKilobytesSec: 1001 },
  });
  const drift = entryOf(await reconciler.verify(only({ inbound: { average: 1000 } })), `inbound ${macs.ovs}`);
  t.match(drift, { outcome: 'change', now: 'average 1001 peak 1001' }, "somebody else's change is seen");
  const reverted = await reconciler.revert();
  t.strictSame(
    reverted.filter(({ outcome }) => outcome === 'failed'),
    [],
  );
  t.strictSame([await rowsOf(bed, device), ledger.size], [nothing, 0], 'everything is back');
}

async function keyOf({ hypervisor }: Bed) {
  const domain = (await hypervisor.domains()).find((each) => each.name === name);
  return { uuid: domain?.uuid ?? '', id: domain?.id };
}

/** Where the kernel can police, tc shows the policer; where it cannot, the knob is failed though libvirt took it. */
async function outboundBites(t: Test, bed: Bed, device: string, entry: PlanEntry | undefined): Promise<void> {
  const filters = await bed.inside('tc', 'filter', 'show', 'dev', device, 'parent', 'ffff:');
  t.equal(entry?.now, 'average 500 burst 400', 'libvirt has it in any case');
  if (/\bpolice\b/.test(filters)) t.match(entry, { outcome: 'in-sync', evidence: /policer on .* 4 Mbit/ });
  else
    t.match(
      entry,
      { outcome: 'failed', reason: /without effect: .* has no policer/ },
      'this kernel has no policer: said so',
    );
}

async function onLinuxBridge(t: Test, bed: Bed): Promise<void> {
  const device = await bed.device(macs.linux);
  const settings: TunerSettings = { 'interface-qos': { inbound: { average: 1000, peak: 2000 } } };
  const entry = entryOf(await bed.reconciler.apply(settings), `inbound ${macs.linux}`);
  const classes = await bed.inside('tc', 'class', 'show', 'dev', device);
  // libvirt puts an sfq queue below its class: a kernel without sfq refuses, and libvirt keeps what was before.
  if (entry?.outcome === 'changed') t.match(classes, /class htb 1:1 .*rate 8Mbit ceil 16Mbit/);
  else {
    t.match(entry, { outcome: 'failed', reason: /tc qdisc add dev .* sfq/ });
    t.strictSame(await bed.hypervisor.interfaceBandwidth(await keyOf(bed), macs.linux), {});
  }
  t.strictSame(
    (await bed.reconciler.revert()).filter(({ outcome }) => outcome === 'failed'),
    [],
  );
  t.strictSame(await bed.hypervisor.interfaceBandwidth(await keyOf(bed), macs.linux), {});
}

async function vhostAudit(t: Test, bed: Bed): Promise<void> {
  const entries = await bed.reconciler.apply({ 'vhost-net': { require: true } });
  t.equal(entries.length, 2);
  if (existsSync('/dev/vhost-net'))
    t.match(entries, [{ now: 'used', outcome: 'in-sync', evidence: /threads vhost-/ }, {}]);
  else
    t.match(entries, [
      { now: 'not used', outcome: 'unsupported', reason: /without vhost_net/ },
      { outcome: 'unsupported' },
    ]);
  t.equal(bed.ledger.size, 0);
}

const missing =
  privateLibvirtdMissing() ??
  (hasProgram('ovs-vswitchd') && hasProgram('tc') ? false : 'needs openvswitch-switch and iproute2');

void t.test('interfaces of a real domain', { skip: missing }, async (t) => {
  const bed = await makeBed(t);
  const pid = (await bed.hypervisor.domains()).find((each) => each.name === name)?.pid;
  await t.test('on Open vSwitch', (t) => onOpenVswitch(t, bed, `--net=/proc/${pid}/ns/net`));
  await t.test('on a Linux bridge', (t) => onLinuxBridge(t, bed));
  await t.test('vhost-net', (t) => vhostAudit(t, bed));
});
