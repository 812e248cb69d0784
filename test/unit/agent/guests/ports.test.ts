/** What is found of ports: tables of situations, and random hosts on which nothing but stale rows may be deleted. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import { findFaults, type Fault, type PortLook } from '../../../../agent/guests/ports/find.js';
import { Findings, maximumFindings } from '../../../../agent/guests/ports/findings.js';
import { isOtherNamespace, networkDevices, qemuUuids } from '../../../../agent/guests/ports/host-look.js';
import { maximumUnattended, whyNot } from '../../../../agent/guests/ports/may-mend.js';
import { maximumRows, RowHistory } from '../../../../agent/guests/ports/row-history.js';
import { wantedIds } from '../../../../agent/guests/ports/vif.js';
import { vlanText, wantedVlan } from '../../../../agent/guests/ports/vlan.js';
import { maximumProcesses } from '../../../../agent/kernel/named-processes.js';
import { HostRoot, type KernelRoot } from '../../../../agent/kernel/root.js';
import { readInterfaces } from '../../../../agent/libvirt/domain-xml-devices.js';
import { emptyXmlPart } from '../../../../agent/libvirt/domain-xml-view.js';
import type { DomainInterface, DomainView } from '../../../../agent/libvirt/hypervisor.js';
import { only, readXml } from '../../../../agent/libvirt/xml-element.js';
import type { InterfaceRow, PortRow, PortVlan } from '../../../../agent/openvswitch/ports.js';

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const mac = (n: number): string => `52:54:00:00:00:${n.toString(16).padStart(2, '0')}`;
const plain: PortVlan = { tag: undefined, trunks: [], mode: '' };
let rows = 0;

interface PortParts extends Partial<Omit<PortRow, 'interfaces' | 'vlan'>>, Partial<PortVlan> {
  readonly row?: Partial<InterfaceRow>;
  readonly second?: Partial<InterfaceRow>;
}

/** A port of guest `n`, healthy unless the parts say otherwise. */
function vif(name: string, n: number, parts: PortParts = {}): PortRow {
  const ids = { 'attached-mac': mac(n), 'iface-id': `if-${n}`, 'vm-id': uuid(n), 'iface-status': 'active' };
  return port(name, { ...parts, row: { externalIds: ids, ...parts.row } });
}

function port(name: string, { row, second, tag, trunks = [], mode = '', ...rest }: PortParts = {}): PortRow {
  const base = { name, type: '', ofport: 5, error: '', externalIds: {} };
  const interfaces = [row ?? {}, ...(second ? [second] : [])].map((each) => ({
    ...base,
    uuid: `i${++rows}`,
    ...each,
  }));
  const vlan = { tag, trunks, mode };
  return {
    uuid: `p${++rows}`,
    name,
    bridge: 'br-int',
    otherConfig: {},
    externalIds: {},
    interfaces,
    vlan,
    ...rest,
  };
}

const own = (bridge: string, ofport = 65_534): PortRow =>
  port(bridge, { bridge, row: { type: 'internal', ofport } });

function nic(n: number, target: string, parts: Partial<DomainInterface> = {}): DomainInterface {
  const rest = { type: 'bridge', bridge: 'br-int', virtualPort: 'openvswitch', model: 'virtio', driver: '' };
  return { target, mac: mac(n), interfaceId: `if-${n}`, bandwidth: {}, ...rest, ...parts };
}

function guest(n: number, interfaces: DomainInterface[], parts: Partial<DomainView> = {}): DomainView {
  const rest = { state: 'running', vcpus: 1, memoryBytes: 1, pid: 1 } as const;
  return { ...emptyXmlPart, uuid: uuid(n), name: `g${n}`, id: n, ...rest, interfaces, ...parts };
}

/** Devices: those of the ports that are not named in `gone`. */
function look(
  ports: PortRow[],
  domains: DomainView[] = [],
  gone: string[] = [],
  more: string[] = [],
): PortLook {
  const devices = new Set(['lo', 'br-int', ...ports.map(({ name }) => name), ...more]);
  for (const name of gone) devices.delete(name);
  return { table: { bridges: ['br-int', 'br-ex'], ports: [own('br-int'), ...ports] }, devices, domains };
}

const domainOf = (xml: string) => only(readXml(xml), 'domain') as NonNullable<ReturnType<typeof only>>;

const brief = (faults: readonly Fault[]): string[] =>
  faults.map(
    ({ kind, act, port: name, held }) => `${kind} ${act} ${name}${held === undefined ? '' : ' held'}`,
  );

t.test('VLANs in the XML, in Open vSwitch, and as libvirt puts them there', async (t) => {
  const cases: [string, unknown, Partial<PortVlan>, string][] = [
    ['', undefined, {}, 'no VLAN'],
    ["<vlan><tag id='42'/></vlan>", { tags: [42], trunk: false }, { tag: 42 }, 'tag 42 access'],
    ["<vlan trunk='yes'><tag id='9'/><tag id='7'/></vlan>", { tags: [9, 7], trunk: true }, { trunks: [7, 9] }, 'trunks 7,9 trunk'],
    ["<vlan><tag id='9'/><tag id='7'/></vlan>", { tags: [9, 7], trunk: true }, { trunks: [7, 9] }, 'trunks 7,9 trunk'],
    ["<vlan trunk='yes'><tag id='5'/></vlan>", { tags: [5], trunk: true }, { trunks: [5] }, 'trunks 5 trunk'],
    ["<vlan trunk='yes'><tag id='1'/><tag id='2' nativeMode='untagged'/></vlan>",
      { tags: [1, 2], trunk: true, native: { tag: 2, mode: 'untagged' } },
      { tag: 2, trunks: [1, 2], mode: 'native-untagged' }, 'tag 2 trunks 1,2 native-untagged'],
    ["<vlan><tag id='3' nativeMode='tagged'/></vlan>", { tags: [3], trunk: true, native: { tag: 3, mode: 'tagged' } },
      { tag: 3, trunks: [3], mode: 'native-tagged' }, 'tag 3 trunks 3 native-tagged'],
    ["<vlan><tag id='4096'/><tag id='x'/><tag/></vlan>", undefined, {}, 'no VLAN'],
    ["<vlan><tag id='0'/></vlan>", { tags: [0], trunk: false }, { tag: 0 }, 'tag 0 access'],
  ]; // prettier-ignore
  for (const [xml, vlan, columns, text] of cases) {
    const [device] = readInterfaces(domainOf(`<domain><devices><interface type='bridge'>${xml}</interface></devices></domain>`)); // prettier-ignore
    t.same(device?.vlan, vlan, xml);
    t.same(wantedVlan(device as DomainInterface), { ...plain, ...columns }, xml);
    t.equal(vlanText(wantedVlan(device as DomainInterface)), text);
  }
  t.equal(
    vlanText({ tag: 4, trunks: [1], mode: 'access' }),
    vlanText({ ...plain, tag: 4 }),
    'access has no trunks',
  );
  t.equal(vlanText({ ...plain, mode: 'trunk' }), 'no VLAN');
  t.not(vlanText({ ...plain, tag: 4, mode: 'dot1q-tunnel' }), vlanText({ ...plain, tag: 4 }));
  const [profiled] = readInterfaces(
    domainOf("<domain><devices><interface type='bridge'><virtualport type='openvswitch'><parameters interfaceid='a' profileid='p'/></virtualport></interface></devices></domain>"), // prettier-ignore
  );
  t.match(wantedIds(guest(1, []), profiled as DomainInterface), { 'port-profile': 'p', 'vm-id': uuid(1) });
});

t.test('situations', async (t) => {
  const failed = { ofport: -1, error: 'could not open network device' };
  const tagged = { vlan: { tags: [7], trunk: false } };
  const neutron = { otherConfig: { tag: '3', net_uuid: 'x' } };
  const cases: [string, PortLook, string[]][] = [
    ['healthy', look([vif('vnet0', 1)], [guest(1, [nic(1, 'vnet0')])]), []],
    ['no device, no guest', look([vif('vnet0', 1)], [], ['vnet0']), ['stale delete vnet0']],
    ['failed, device there, no guest', look([vif('vnet0', 1, { row: failed })]), ['stale delete vnet0']],
    ['works, no guest known: os-vif before a start', look([vif('vnet0', 1)]), []],
    ["os-vif's vm-uuid", look([port('tap1', { row: { externalIds: { 'iface-id': 'a', 'vm-uuid': uuid(3) } } })], [], ['tap1']), ['stale delete tap1']],
    ['no iface-id', look([vif('vnet0', 1, { row: { externalIds: { 'vm-id': uuid(1) } } })], [], ['vnet0']), []],
    ['iface-id alone: somebody else', look([vif('vnet0', 1, { row: { externalIds: { 'iface-id': 'x' } } })], [], ['vnet0']), []],
    ['uplink', look([port('eth0', { row: failed })], [], ['eth0']), []],
    ...['internal', 'patch', 'vxlan', 'dpdk', 'dpdkvhostuser', 'system'].map(
      (type): [string, PortLook, string[]] => [type, look([vif('p0', 1, { row: { ...failed, externalIds: vif('p0', 1).interfaces[0]?.externalIds ?? {}, type } })], [], ['p0']), []],
    ),
    ['bond', look([vif('bond0', 1, { second: failed })], [], ['bond0']), []],
    ['port with an interface of another name', look([vif('vnet0', 1, { row: { ...failed, externalIds: vif('x', 1).interfaces[0]?.externalIds ?? {}, name: 'y' } })], [], ['vnet0']), []],
    ["the bridge's own", look([vif('br-int', 1)], [], ['br-int']), []],
    ['the guest is known by its target', look([vif('vnet0', 9)], [guest(1, [nic(1, 'vnet0')])], ['vnet0']), ['missing add vnet0 held']],
    ['the guest starts', look([vif('vnet0', 1)], [guest(1, [nic(1, '')], { state: 'shutoff' })], ['vnet0']), []],
    ['XML not known, its row', look([vif('vnet0', 1)], [guest(1, [], { xmlUnknown: 'x' })], ['vnet0']), []],
    ['XML not known, a row of nobody', look([vif('vnet0', 1, { row: { externalIds: { 'iface-id': 'a', 'attached-mac': 'b' } } })], [guest(2, [], { xmlUnknown: 'x' })], ['vnet0']), []],
    ['second row, the own one works', look([vif('vnet0', 1), vif('vnet1', 1)], [guest(1, [nic(1, 'vnet1')])], ['vnet0']), ['wrong delete vnet0']],
    ['second row of an earlier domain with this interface id', look([vif('vnet0', 1, { row: { externalIds: { 'iface-id': 'if-1', 'vm-id': uuid(77) } } }), vif('vnet1', 1)], [guest(1, [nic(1, 'vnet1')])], ['vnet0']), ['wrong delete vnet0']],
    ['second row, the own one does not work', look([vif('vnet0', 1), vif('vnet1', 1, { row: { ofport: undefined, externalIds: vif('', 1).interfaces[0]?.externalIds ?? {} } })], [guest(1, [nic(1, 'vnet1')])], ['vnet0']), ['missing add vnet1']],
    ['second row, paused', look([vif('vnet0', 1), vif('vnet1', 1)], [guest(1, [nic(1, 'vnet1')], { state: 'paused' })], ['vnet0']), []],
    ['missing', look([], [guest(1, [nic(1, 'vnet0')])], [], ['vnet0']), ['missing add vnet0']],
    ['missing, paused', look([], [guest(1, [nic(1, 'vnet0')], { state: 'paused' })], [], ['vnet0']), []],
    ['missing, device too', look([], [guest(1, [nic(1, 'vnet0')])]), ['missing add vnet0 held']],
    ['a Linux bridge', look([], [guest(1, [nic(1, 'vnet0', { virtualPort: '' })])], [], ['vnet0']), []],
    ['a bridge that is none of Open vSwitch', look([], [guest(1, [nic(1, 'vnet0', { bridge: 'br9' })])], [], ['vnet0']), []],
    ['a libvirt network', look([], [guest(1, [nic(1, 'vnet0', { type: 'network' })])], [], ['vnet0']), ['missing add vnet0']],
    ['ethernet: others make the port', look([], [guest(1, [nic(1, 'vnet0', { type: 'ethernet' })])], [], ['vnet0']), []],
    ['no ofport', look([vif('vnet0', 1, { row: { ofport: undefined, externalIds: vif('', 1).interfaces[0]?.externalIds ?? {} } })], [guest(1, [nic(1, 'vnet0')])]), ['missing add vnet0']],
    ['another bridge', look([vif('vnet0', 1, { bridge: 'br-ex' })], [guest(1, [nic(1, 'vnet0')])]), ['missing add vnet0']],
    ['its name is a bond', look([vif('vnet0', 1, { bridge: 'br-ex', second: {} })], [guest(1, [nic(1, 'vnet0')])]), ['missing add vnet0 held']],
    ['inherited tag', look([vif('vnet0', 1, { tag: 100 })], [guest(1, [nic(1, 'vnet0')])]), ['wrong set-vlan vnet0']],
    ['tag lost', look([vif('vnet0', 1)], [guest(1, [nic(1, 'vnet0', tagged)])]), ['wrong set-vlan vnet0']],
    ['the right tag', look([vif('vnet0', 1, { tag: 7 })], [guest(1, [nic(1, 'vnet0', tagged)])]), []],
    ["Neutron's tag", look([vif('vnet0', 1, { tag: 3, ...neutron })], [guest(1, [nic(1, 'vnet0')])]), ['wrong set-vlan vnet0 held']],
    ["a domain of Nova's", look([vif('vnet0', 1, { tag: 3 })], [guest(1, [nic(1, 'vnet0')], { isNovas: true })]), ['wrong set-vlan vnet0 held']],
    ['OpenNebula', look([vif('vnet0', 1, { tag: 3 })], [guest(1, [nic(1, 'vnet0')], { name: 'one-17' })]), ['wrong set-vlan vnet0 held']],
    ['others have tags by hand', look([vif('vnet0', 1, { tag: 3 }), vif('vnet1', 2, { tag: 4 })], [guest(1, [nic(1, 'vnet0')]), guest(2, [nic(2, 'vnet1')])]), ['wrong set-vlan vnet0 held', 'wrong set-vlan vnet1 held']],
  ]; // prettier-ignore
  for (const [name, seen, want] of cases) t.same(brief(findFaults(seen)), want, name);
  const down = look(
    [vif('vnet0', 1, { row: { ...failed, externalIds: {} } })],
    [guest(1, [nic(1, 'vnet0')])],
  );
  const dead = { ...down, table: { ...down.table, ports: down.table.ports.map((each) => (each.name === 'br-int' ? own('br-int', -1) : each)) } }; // prettier-ignore
  t.same(brief(findFaults(dead)), ['missing add vnet0 held'], 'the bridge itself is down');
});

t.test('a VLAN that the row had from its earlier owner', async (t) => {
  const history = new RowHistory();
  const seen = (row: PortRow, gone: string[] = [], more: PortRow[] = []): boolean => {
    history.note([row, ...more], look([row, ...more], [], gone).devices);
    return history.isInherited(row);
  };
  const row = (n: number, parts: PortParts = {}): PortRow =>
    vif('vnet0', n, { uuid: 'same', tag: 100, ...parts });
  t.notOk(seen(row(1)), 'first sight: nothing is known');
  t.notOk(seen(row(1)), 'its own');
  t.ok(seen(row(2)), 'taken over by another guest');
  t.ok(seen(row(2)), 'and still');
  t.notOk(seen(row(2, { tag: 5 })), 'somebody has set another one');
  t.notOk(seen(row(3, { uuid: 'new' })), 'a new row');
  t.notOk(seen(vif('vnet9', 4, { tag: undefined }), ['vnet9']), 'no VLAN is nothing to inherit');
  t.ok(seen(row(4, { uuid: 'x' }), ['vnet0']), 'a row without a device');
  t.ok(seen(row(4, { uuid: 'x' })), 'which the same guest takes over again');
  const novas = guest(2, [nic(2, 'vnet0')], { isNovas: true });
  const [fault] = findFaults(look([row(2)], [novas]), () => true);
  t.match(
    fault,
    { kind: 'wrong', reason: /earlier owner/, held: undefined },
    "surely inherited: also of Nova's",
  );
  history.note(
    Array.from({ length: maximumRows + 9 }, (_, n) => vif(`v${n}`, 1)),
    new Set(),
  );
  t.equal(history.size, maximumRows);
  history.note([], new Set());
  t.equal(history.size, 0, 'rows that are gone are forgotten');
});

t.test('findings: two sights, waits between tries, an hour of what was mended', async (t) => {
  const findings = new Findings();
  const fault = (evidence: string): Fault => ({ kind: 'stale', act: 'delete', port: evidence, bridge: 'b', reason: 'r', evidence }); // prettier-ignore
  const at = (ms: number) => ({ monotonicMs: ms, unixMs: 1_000_000 + ms });
  findings.note([fault('a')], at(0));
  t.same(findings.due(5_000, at(4_999)), []);
  t.equal(findings.due(5_000, at(5_000)).length, 1);
  findings.note([], at(6_000));
  findings.note([fault('a')], at(7_000));
  t.same(findings.due(5_000, at(8_000)), [], 'seen anew: the time begins again');
  const waits: number[] = [];
  for (let ms = 12_000, tries = 0; tries < 8; tries++) {
    findings.fail('a', 'no', at(ms));
    const from = ms;
    while (findings.due(5_000, at(ms)).length === 0) ms += 10_000;
    waits.push((ms - from) / 1_000);
  }
  t.same(waits, [20, 40, 80, 160, 320, 600, 600, 600]);
  t.match(findings.list(at(0)), [{ port: 'a', outcome: 'failed', reason: 'no', foundUnixMs: 1_007_000 }]);
  const [open] = findings.open;
  findings.mended(open as NonNullable<typeof open>, at(0));
  t.match(findings.list(at(3_599_999)), [{ outcome: 'mended', mendedUnixMs: 1_000_000 }]);
  t.same(findings.list(at(3_600_000)), [], 'after an hour');
  findings.note(
    Array.from({ length: maximumFindings + 5 }, (_, n) => fault(`f${n}`)),
    at(0),
  );
  t.equal(findings.list(at(0)).length, maximumFindings);
  for (const each of findings.open) findings.mended(each, at(0));
  t.equal(findings.list(at(0)).length, maximumFindings);
  t.equal(findings.open.length, 0);
});

/** A root on disk with these devices and command lines. */
function tree(t: Test, devices: string[], lines: string[][]): KernelRoot {
  const path = mkdtempSync(join(tmpdir(), 'drover-ports-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  for (const name of devices) mkdirSync(join(path, 'sys/class/net', name), { recursive: true });
  lines.forEach((words, index) => {
    mkdirSync(join(path, `proc/${index + 1}`), { recursive: true });
    writeFileSync(join(path, `proc/${index + 1}/cmdline`), words.map((word) => `${word}\0`).join(''));
  });
  return new HostRoot(path);
}

t.test('devices, processes, and why a fault is held', async (t) => {
  t.throws(() => networkDevices(tree(t, [], [])), { code: 'failed-precondition' });
  t.same([...networkDevices(tree(t, ['lo', 'vnet0'], []))], ['lo', 'vnet0']);
  const kernel = tree(t, ['lo'], [
    ['/usr/bin/qemu-system-x86_64', '-name', 'x', '-uuid', uuid(1).toUpperCase()],
    ['/usr/libexec/qemu-kvm', '-uuid', uuid(2)], ['grep', '-uuid', uuid(3)], ['qemu', '-uuid'], [],
  ]); // prettier-ignore
  t.same([...qemuUuids(kernel)], [uuid(1), uuid(2)]);
  const crowded = { list: () => Array.from({ length: maximumProcesses + 1 }, (_, n) => String(n)) };
  t.throws(() => qemuUuids(crowded as unknown as KernelRoot), { code: 'resource-exhausted' });

  const why = async (seen: PortLook, isMigrating: () => Promise<boolean> = async () => false) => {
    const faults = findFaults(seen);
    const refusal = whyNot(seen, faults, { kernel, isMigrating });
    return refusal(faults[0] as Fault);
  };
  t.equal(await why(look([vif('vnet0', 9)], [], ['vnet0'])), undefined);
  t.match(await why(look([vif('vnet0', 1)], [], ['vnet0'])), /QEMU process runs/);
  t.match(await why(look([vif('vnet0', 9)], [], ['vnet0', 'br-int'])), /another network namespace/);
  t.notOk(isOtherNamespace({ bridges: ['b'], ports: [own('b', -1)] }, new Set(['lo'])), 'a bridge that is down says nothing'); // prettier-ignore
  const lost = look([], [guest(1, [nic(1, 'vnet0')])], [], ['vnet0']);
  t.equal(await why(lost), undefined);
  t.match(await why(lost, async () => true), /migrates/);
  t.match(await why(lost, () => Promise.reject(new Error('x'))), /migrates/, 'libvirt cannot say');
  const comes = look([vif('vnet0', 8)], [guest(8, [])], ['vnet0']);
  t.match(await why(comes, async () => true), /migrates/, 'the domain that the row names');
  const many = (count: number) => Array.from({ length: count }, (_, n) => vif(`v${n}`, 10 + n));
  const names = (count: number) => many(count).map(({ name }) => name);
  t.match(await why(look(many(maximumUnattended + 1), [], names(maximumUnattended + 1))), /17 stale ports/);
  t.equal(await why(look(many(maximumUnattended), [], names(maximumUnattended))), undefined);
  t.equal(await why(look(many(40), [guest(1, [])], names(40))), undefined, 'libvirt knows a domain');
});

const isVif = ({ interfaces }: PortRow) => interfaces.length === 1 && interfaces[0]?.type === '';

/** Any port of a host with what may be wrong with it, and whether it is a stale row of a guest. */
const anyPort = fc.record({
  kind: fc.constantFrom('vif', 'vif', 'uplink', 'bond', 'internal', 'patch', 'vxlan', 'dpdkvhostuserclient', 'bridge'),
  fault: fc.constantFrom('none', 'device', 'failed', 'error'),
  owner: fc.constantFrom('nobody', 'running', 'paused', 'unreadable', 'elsewhere', 'earlier'),
  tag: fc.option(fc.integer({ min: 0, max: 4095 }), { nil: undefined }),
}); // prettier-ignore

t.test('random hosts: stale rows are deleted, and nothing else ever', async (t) => {
  const seed = Number(process.env['DROVER_SEED'] ?? Date.now() % 2 ** 31);
  t.comment(`DROVER_SEED=${seed}`);
  let deleted = 0;
  const hosts = fc.property(fc.array(anyPort, { minLength: 4, maxLength: 24 }), (all) => {
    const [ports, domains, gone]: [PortRow[], DomainView[], string[]] = [[], [], []];
    const want = new Set<string>();
    for (const [n, { kind, fault, owner, tag }] of all.entries()) {
      const name = kind === 'bridge' ? `br${n}` : `p${n}`;
      const ids = vif(name, n).interfaces[0]?.externalIds ?? {};
      const type =
        kind === 'vif' || kind === 'uplink' || kind === 'bond' ? '' : kind === 'bridge' ? 'internal' : kind;
      const row = { type, ...(kind === 'uplink' ? {} : { externalIds: ids }), ...(fault === 'failed' ? { ofport: -1 } : fault === 'error' ? { error: 'x', ofport: -1 } : {}) }; // prettier-ignore
      ports.push(port(name, { row, tag, ...(kind === 'bond' ? { second: row } : {}), ...(kind === 'bridge' ? { bridge: name } : {}) })); // prettier-ignore
      if (fault === 'device') gone.push(name);
      // `elsewhere`: the guest runs with another device; `earlier`: that, and its own port works.
      const target = owner === 'elsewhere' || owner === 'earlier' ? `q${n}` : name;
      if (owner === 'earlier') ports.push(vif(target, n));
      if (owner === 'unreadable') domains.push(guest(n, [], { xmlUnknown: 'x' }));
      else if (owner !== 'nobody') domains.push(guest(n, [nic(n, target)], { state: owner === 'paused' ? 'paused' : 'running' })); // prettier-ignore
      if (kind === 'vif' && fault !== 'none' && (owner === 'nobody' || owner === 'earlier')) want.add(name);
    }
    const faults = findFaults(look(ports, domains, gone));
    const deletes = faults.filter(({ act }) => act === 'delete');
    deleted += deletes.length;
    if (
      deletes.length !== want.size ||
      !deletes.every(({ port: name, row }) => want.has(name) && row?.name === name)
    )
      throw new Error(`deletes ${deletes.map((each) => each.port).join()}; right: ${[...want].join()}`);
    const taken = faults.find(
      ({ act, row, held }) => act !== 'delete' && held === undefined && row && !isVif(row),
    );
    if (taken) throw new Error(`${taken.act} of ${taken.port}, which is no guest's`);
  });
  fc.assert(hosts, { seed, numRuns: 600 });
  t.ok(deleted > 300, `${deleted} right deletes, 0 wrong ones`);
});
