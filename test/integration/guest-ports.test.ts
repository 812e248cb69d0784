/**
 * Ports of real KVM domains on an Open vSwitch (netdev datapath) and a libvirtd of the test's own: ports that outlive their
 * guests, that are taken from a running guest, and that a guest inherits with another's VLAN. Passes are 20 s apart by the
 * test's clock.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { PortKeeper } from '../../agent/guests/ports/keeper.js';
import { clearPorts, sweepStalePorts } from '../../agent/guests/ports/sweep.js';
import { HostRoot } from '../../agent/kernel/root.js';
import type { Hypervisor } from '../../agent/libvirt/hypervisor.js';
import { openHypervisor } from '../../agent/libvirt/open-hypervisor.js';
import { ovsDatabase, type OvsDatabase } from '../../agent/openvswitch/database.js';
import { readPorts, type PortRow } from '../../agent/openvswitch/ports.js';
import { until } from '../support/poll.js';
import { hasProgram, PrivateLibvirtd, privateLibvirtdMissing } from '../support/private-libvirtd.js';

const execute = promisify(execFile);
const passMs = 20_000;
const names = {
  tagged: `drover-p-${process.pid}-a`,
  plain: `drover-p-${process.pid}-b`,
  heir: `drover-p-${process.pid}-c`,
  grouped: `drover-p-${process.pid}-d`,
};

const ovsScript = `
for p in /run/openvswitch /var/log/openvswitch /etc/openvswitch; do mkdir -p $p; mount -t tmpfs tmpfs $p; done
mkdir -p /run/openvswitch/root/sys /run/openvswitch/root/proc
mount -t sysfs sysfs /run/openvswitch/root/sys
mount --bind /proc /run/openvswitch/root/proc
ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server --remote=punix:/run/openvswitch/db.sock --pidfile --detach --log-file=/dev/null /etc/openvswitch/conf.db
ovs-vsctl --no-wait init
ovs-vswitchd --pidfile --detach --log-file=/dev/null
for n in up0 m0 m1; do ip link add $n type veth peer name $n-peer; done
ovs-vsctl add-br br-prt -- set bridge br-prt datapath_type=netdev -- add-br br-oth -- set bridge br-oth datapath_type=netdev
ovs-vsctl add-port br-prt up0 -- add-bond br-prt bond0 m0 m1 -- add-port br-prt int0 -- set Interface int0 type=internal
ovs-vsctl add-port br-prt pa0 -- set Interface pa0 type=patch options:peer=pa1 -- add-port br-oth pa1 -- set Interface pa1 type=patch options:peer=pa0
ids='external_ids:iface-id=x external_ids:attached-mac="52:54:00:00:00:99" external_ids:vm-id=00000000-0000-4000-8000-00000000dead'
for n in m0 m1 int0 pa0; do ovs-vsctl set Interface $n $ids; done`;

class Bed {
  readonly libvirtd: PrivateLibvirtd;
  readonly database: OvsDatabase;
  readonly #enter: readonly string[];
  hypervisor: Hypervisor | undefined;
  keeper!: PortKeeper;
  skewMs = 0;

  constructor(libvirtd: PrivateLibvirtd) {
    const holder = /\/proc\/(\d+)\//.exec(libvirtd.root)?.[1] as string;
    this.#enter = [`--mount=/proc/${holder}/ns/mnt`, `--net=/proc/${holder}/ns/net`];
    this.libvirtd = libvirtd;
    this.database = ovsDatabase({
      database: `unix:${libvirtd.root}/run/openvswitch/db.sock`,
      timeoutSeconds: 10,
    });
  }

  get kernel(): HostRoot {
    return new HostRoot(`${this.libvirtd.root}/run/openvswitch/root`);
  }

  async inside(...words: [string, ...string[]]): Promise<string> {
    return (await execute('nsenter', [...this.#enter, ...words])).stdout.trim();
  }

  /** A keeper as the agent makes one. */
  makeKeeper(): void {
    this.keeper = new PortKeeper({
      openvswitch: this.database,
      kernel: this.kernel,
      domains: async () => (await this.hypervisor?.domains()) ?? [],
      isMigrating: async (domain) => (await this.hypervisor?.power?.isMigrating(domain)) ?? false,
      mode: () => 'heal',
      now: Date.now,
      monotonicMs: () => performance.now() + this.skewMs,
      log: { debug: () => undefined, info: () => undefined, warn: () => undefined },
      restoreBandwidth: async ({ uuid, id }, { mac, bandwidth }) =>
        this.hypervisor?.setInterfaceBandwidth({ uuid, id }, mac, bandwidth),
    });
  }

  /** A pass 20 s after the last one. */
  async pass(): Promise<string[]> {
    this.skewMs += passMs;
    return (await this.keeper.pass()).map(({ kind, outcome, port }) => `${kind} ${outcome} ${port}`);
  }

  async start(
    name: string,
    n: number,
    parts: { vlan?: string; target?: string; bandwidth?: string; network?: string } = {},
  ): Promise<void> {
    const file = join(this.libvirtd.directory, `${name}.xml`);
    const target = parts.target === undefined ? '' : `<target dev='${parts.target}'/>`;
    const source =
      parts.network === undefined
        ? "<interface type='bridge'><source bridge='br-prt'/><virtualport type='openvswitch'/>"
        : `<interface type='network'><source ${parts.network}/>`;
    writeFileSync(
      file,
      `<domain type='kvm'><name>${name}</name><uuid>${uuidOf(n)}</uuid><memory unit='MiB'>64</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os><devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='${this.libvirtd.bootDisk(name)}'/><target dev='vda' bus='virtio'/></disk>
${source}<mac address='${macOf(n)}'/>${parts.vlan ?? ''}${parts.bandwidth ?? ''}${target}<model type='virtio'/></interface></devices></domain>`,
    );
    await this.libvirtd.virsh('create', file);
  }

  async target(name: string): Promise<string> {
    return /(\S+)\s+(bridge|network)/.exec(await this.libvirtd.virsh('domiflist', name))?.[1] ?? '';
  }

  async port(name: string): Promise<PortRow | undefined> {
    return (await readPorts(this.database)).ports.find((each) => each.name === name);
  }

  /** As a host loses power: libvirtd and these guests end at once, and libvirt's memory of them is gone. */
  async powerCut(...guests: string[]): Promise<void> {
    const pids = guests.map((name) => this.libvirtd.qemuPid(name));
    await this.libvirtd.kill();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await until(() => pids.every((pid) => !existsSync(`/proc/${pid}`)), 5_000, 'QEMU did not end');
    const state = this.libvirtd.pidDirectory;
    for (const file of readdirSync(state))
      if (guests.some((name) => file === `${name}.xml` || file === `${name}.pid`)) rmSync(join(state, file));
  }

  async startLibvirtd(): Promise<void> {
    await this.libvirtd.start();
    await until(() => this.libvirtd.virsh('uri'), 20_000, 'libvirtd did not answer');
    // A new connection at once: the old one tries again after up to 12.5 s.
    await this.hypervisor?.close();
    const { uri, pidDirectory } = this.libvirtd;
    this.hypervisor = await openHypervisor({ uri, pidDirectory });
  }
}

const uuidOf = (n: number): string =>
  `00000000-0000-4000-8000-${String(process.pid * 10 + n).padStart(12, '0')}`;
const macOf = (n: number): string => `52:54:00:bb:00:0${n}`;

/** Times by the test's clock, from the fault's beginning as far as two passes of 20 s can be late for it. */
function times(t: Test, what: string, passes: { found: number; mended: number; realMs: number }): void {
  const [found, mended] = [passes.found * passMs, passes.mended * passMs + passes.realMs];
  t.comment(`${what}: found <= ${found / 1000} s, mended <= ${(mended / 1000).toFixed(1)} s (the acting pass: ${Math.round(passes.realMs)} ms)`); // prettier-ignore
  t.ok(found <= 60_000 && mended <= 120_000, `${what}: in time`);
}

/** Passes until the port is mended: first what is seen, then what is done. */
async function mends(t: Test, bed: Bed, what: string, kind: string, port: string): Promise<void> {
  t.ok((await bed.pass()).includes(`${kind} seen ${port}`), `${what}: seen in the first pass`);
  const startMs = performance.now();
  const second = await bed.pass();
  t.ok(second.includes(`${kind} mended ${port}`), `${what}: mended in the second: ${second.join('; ')}`);
  times(t, what, { found: 1, mended: 2, realMs: performance.now() - startMs });
  t.notOk(
    (await bed.pass()).some((line) => line.includes(port) && !line.includes('mended')),
    'and it stays so',
  );
}

async function makeBed(t: Test): Promise<Bed> {
  const libvirtd = await PrivateLibvirtd.prepare();
  const bed = new Bed(libvirtd);
  t.teardown(async () => {
    for (const name of Object.values(names)) await libvirtd.virsh('destroy', name).catch(() => '');
    for (const daemon of ['ovs-vswitchd', 'ovsdb-server']) {
      const pid = Number(readFileSync(`${libvirtd.root}/run/openvswitch/${daemon}.pid`, 'utf8'));
      process.kill(pid);
      await until(() => !existsSync(`/proc/${pid}`), 5_000, `${daemon} did not end`);
    }
    await libvirtd.close();
  });
  await bed.inside('bash', '-ec', ovsScript);
  await bed.startLibvirtd();
  t.teardown(() => bed.hypervisor?.close());
  bed.makeKeeper();
  return bed;
}

/** Everything that is no guest's, and what is wrong with it. */
async function others(bed: Bed): Promise<string[]> {
  const { ports } = await readPorts(bed.database);
  return ports.flatMap(({ uuid, name, interfaces }) =>
    /^(vnet|heir)/.test(name) ? [] : [`${uuid} ${name} ${interfaces.length}`],
  );
}

async function lostPort(t: Test, bed: Bed): Promise<void> {
  const port = await bed.target(names.tagged);
  const before = await bed.port(port);
  t.match(before?.vlan, { tag: 8, trunks: [7, 8], mode: 'native-untagged' }, "libvirt's own port");
  const policing = async () =>
    (await bed.database.list('Interface', ['name', 'ingress_policing_rate'])).find(
      ({ name }) => name === port,
    );
  const limits = await policing();
  await bed.inside('ovs-vsctl', 'del-port', port);
  await mends(t, bed, 'a lost port', 'missing', port);
  const after = await bed.port(port);
  t.not(after?.uuid, before?.uuid);
  t.same(after?.vlan, before?.vlan, 'with its VLANs');
  t.same(
    after?.interfaces[0]?.externalIds,
    before?.interfaces[0]?.externalIds,
    'and its external ids, as libvirt made them',
  );
  t.ok((after?.interfaces[0]?.ofport ?? -1) > 0, `OpenFlow port ${after?.interfaces[0]?.ofport}`);
  t.match(limits, { ingress_policing_rate: Number });
  t.same(await policing(), limits, 'and its bandwidth');
}

async function outlived(t: Test, bed: Bed): Promise<void> {
  const [port, left] = [await bed.target(names.plain), await bed.target(names.tagged)];
  const untouched = await others(bed);
  await bed.powerCut(names.plain);
  await bed.inside('ip', 'link', 'del', 'up0');
  await bed.inside('ip', 'link', 'del', 'm0');
  await bed.inside('ip', 'link', 'del', 'm1');
  t.same(
    await bed.pass().then((lines) => lines.filter((line) => !line.includes('mended'))),
    [],
    'libvirt is silent',
  );
  t.match(bed.keeper.trouble, /libvirt|connection/i);
  await bed.startLibvirtd();
  t.ok(await bed.port(port), 'the row outlives its guest');
  await mends(t, bed, 'a stale port', 'stale', port);
  t.notOk(await bed.port(port));
  t.ok(await bed.port(left), 'the guest that went on through the restart of libvirtd keeps its port');
  t.same(
    await others(bed),
    untouched,
    'uplink, bond, internal and patch ports with the same faults are untouched',
  );
  await bed.start(names.plain, 2);
  t.ok((await bed.port(await bed.target(names.plain)))?.interfaces[0]?.ofport, 'the guest starts again');
}

/** A libvirt network says bridge, kind of port and VLAN; the domain's own XML only names it. */
async function ofNetwork(t: Test, bed: Bed): Promise<void> {
  const file = join(bed.libvirtd.directory, 'network.xml');
  writeFileSync(
    file,
    `<network><name>prt</name><forward mode='bridge'/><bridge name='br-prt'/><virtualport type='openvswitch'/>
<portgroup name='green'><vlan><tag id='9'/></vlan></portgroup></network>`,
  );
  await bed.libvirtd.virsh('net-create', file);
  await bed.start(names.grouped, 4, { network: "network='prt' portgroup='green'" });
  const port = await bed.target(names.grouped);
  t.match(await bed.port(port), { vlan: { tag: 9 } });
  const wrong = async () => (await bed.pass()).filter((line) => !line.includes('mended'));
  t.same([await wrong(), await wrong()], [[], []], 'nothing is wrong with it');
  await bed.inside('ovs-vsctl', 'del-port', port);
  await mends(t, bed, 'a lost port of a libvirt network', 'missing', port);
  t.match(await bed.port(port), { vlan: { tag: 9 } });
}

async function inherited(t: Test, bed: Bed): Promise<void> {
  const ids = [
    'iface-id=other',
    `attached-mac="52:54:00:00:00:77"`,
    'vm-id=00000000-0000-4000-8000-000000000077',
  ];
  await bed.inside('ovs-vsctl', 'add-port', 'br-prt', 'heir0', 'tag=100', '--', 'set', 'Interface', 'heir0', ...ids.map((id) => `external_ids:${id}`)).catch(() => ''); // prettier-ignore
  await bed.start(names.heir, 3, { target: 'heir0' });
  const port = await bed.port('heir0');
  t.match(port, { vlan: { tag: 100 }, interfaces: [{ externalIds: { 'vm-id': uuidOf(3) } }] }, "libvirt's guest inherits the tag"); // prettier-ignore
  await mends(t, bed, 'an inherited VLAN', 'wrong', 'heir0');
  t.match(await bed.port('heir0'), { uuid: port?.uuid, vlan: { tag: undefined, trunks: [], mode: '' } });
}

async function atBoot(t: Test, bed: Bed): Promise<void> {
  const all = Object.values(names);
  const ports = await Promise.all(all.map((name) => bed.target(name)));
  const untouched = await others(bed);
  const options = { openvswitch: bed.database, kernel: bed.kernel, monotonicMs: () => performance.now(), sleep: (ms: number) => sleep(ms) }; // prettier-ignore
  t.same((await sweepStalePorts(options)).removed, [], 'guests run');
  t.same((await clearPorts(options)).removed, [], 'guests run: nothing is cleared either');
  await bed.powerCut(...all);
  const startMs = performance.now();
  const { removed } = await sweepStalePorts(options);
  t.comment(
    `sweep of ${removed.length} stale ports without libvirt: ${Math.round(performance.now() - startMs)} ms`,
  );
  t.same(removed.map(({ port }) => port).toSorted(), ports.toSorted());
  t.same(await others(bed), untouched);
  await bed.startLibvirtd();
  await bed.start(names.heir, 3);
  t.match(await bed.port(await bed.target(names.heir)), { vlan: { tag: undefined } }, 'with clean ports');
}

const missing =
  privateLibvirtdMissing() ?? (hasProgram('ovs-vswitchd') ? undefined : 'needs openvswitch-switch');
t.test('ports of real guests', { skip: missing ?? false, timeout: 180_000 }, async (t) => {
  const bed = await makeBed(t);
  const vlan = "<vlan trunk='yes'><tag id='7'/><tag id='8' nativeMode='untagged'/></vlan>";
  await bed.start(names.tagged, 1, { vlan, bandwidth: "<bandwidth><outbound average='500'/></bandwidth>" });
  await bed.start(names.plain, 2);
  t.same(await bed.pass(), [], 'nothing is wrong with what libvirt makes');
  t.same(await bed.pass(), []);
  const parts = { lostPort, outlived, ofNetwork, inherited, atBoot };
  for (const [name, part] of Object.entries(parts)) await t.test(name, (inner) => part(inner, bed));
});
