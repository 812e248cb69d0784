/** Reading ports and what is done to them, against a real Open vSwitch: what has changed meanwhile is left alone. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ovsDatabase, type OvsDatabase } from '../../../../agent/openvswitch/database.js';
import { maximumTransactionBytes } from '../../../../agent/openvswitch/ovsdb-client.js';
import { addPort, deletePorts, setVlan } from '../../../../agent/openvswitch/port-acts.js';
import { readPorts, type PortRow } from '../../../../agent/openvswitch/ports.js';
import { until } from '../../../support/poll.js';
import { PrivateOpenvswitch, privateOpenvswitchMissing } from '../../../support/private-openvswitch.js';

const plain = { tag: undefined, trunks: [], mode: '' };

t.test('what can go wrong', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-transact-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const saying = (text: string, name = 'x') => {
    const client = join(directory, name);
    writeFileSync(client, `#!/bin/sh\n${text}\n`);
    chmodSync(client, 0o755);
    return ovsDatabase({ client, timeoutSeconds: 1 });
  };
  t.throws(() => ovsDatabase({ timeoutSeconds: 0 }), { code: 'invalid-argument' });
  const missing = ovsDatabase({ client: join(directory, 'none') });
  await t.rejects(readPorts(missing), { code: 'unavailable', cure: /openvswitch-switch/ });
  await t.rejects(readPorts(saying('echo hello')), { code: 'failed-precondition', message: /hello/ });
  await t.rejects(readPorts(saying('echo {}')), { code: 'failed-precondition' });
  await t.rejects(readPorts(saying('exec sleep 60')), {
    code: 'deadline-exceeded',
    message: /ovsdb-client select Bridge/,
  });
  const refused = saying(`echo '[{"error":"constraint violation","details":"no"},null]'`);
  await t.rejects(refused.transact([]), { code: 'failed-precondition', message: /constraint violation: no/ });
  const huge = [{ op: 'comment', comment: 'x'.repeat(maximumTransactionBytes) }];
  await t.rejects(saying('echo []').transact(huge), { code: 'resource-exhausted' });
  for (const word of ['-x', '', 'a b'])
    await t.rejects(addPort(missing, { name: word, bridge: 'b', vlan: plain, externalIds: {} }), {
      code: 'invalid-argument',
    });
});

const find = async (database: OvsDatabase, name: string): Promise<PortRow> =>
  (await readPorts(database)).ports.find((each) => each.name === name) as PortRow;

async function reads(t: Test, ovs: PrivateOpenvswitch, database: OvsDatabase): Promise<void> {
  t.same(await readPorts(database), { bridges: [], ports: [] }, 'no bridge at all');
  const bridge = (name: string) => ['add-br', name, '--', 'set', 'bridge', name, 'datapath_type=netdev'];
  await ovs.vsctl(...bridge('br-a'), '--', ...bridge('br-b'));
  await ovs.tap('tap0', 'tap1', 'tap2');
  await addPort(database, {
    name: 'tap0',
    bridge: 'br-a',
    vlan: { tag: 6, trunks: [5, 6], mode: 'native-untagged' },
    externalIds: { 'attached-mac': '52:54:00:aa:00:01', 'iface-id': 'a "b", c=d', 'vm-id': 'v' },
  });
  await ovs.vsctl(
    'add-bond',
    'br-b',
    'bond0',
    'tap1',
    'tap2',
    'tag=9',
    '--',
    'set',
    'Port',
    'bond0',
    'other_config:x=y',
  );
  await ovs.vsctl('add-port', 'br-a', 'p0', '--', 'set', 'Interface', 'p0', 'type=patch', 'options:peer=p1').catch(() => ''); // prettier-ignore
  const { bridges, ports } = await readPorts(database);
  t.same(bridges.toSorted(), ['br-a', 'br-b']);
  t.same(ports.map((each) => `${each.bridge} ${each.name} ${each.interfaces.length}`).toSorted(), ['br-a br-a 1', 'br-a p0 1', 'br-a tap0 1', 'br-b bond0 2', 'br-b br-b 1']); // prettier-ignore
  t.match(ports.find(({ name }) => name === 'tap0'), {
    vlan: { tag: 6, trunks: [5, 6], mode: 'native-untagged' },
    interfaces: [{ name: 'tap0', type: '', ofport: Number, error: '', externalIds: { 'attached-mac': '52:54:00:aa:00:01', 'iface-id': 'a "b", c=d', 'vm-id': 'v' } }],
  }); // prettier-ignore
  t.match(
    ports.find(({ name }) => name === 'bond0'),
    { vlan: { tag: 9, trunks: [] }, otherConfig: { x: 'y' } },
  );
  t.match(ports.find(({ name }) => name === 'p0')?.interfaces, [{ type: 'patch' }]);
}

/** Each change is one that libvirt, an operator or Neutron may make between a look and an act. */
async function guarded(t: Test, ovs: PrivateOpenvswitch, database: OvsDatabase): Promise<void> {
  const remake = [
    '--if-exists',
    'del-port',
    'tap9',
    '--',
    'add-port',
    'br-a',
    'tap9',
    '--',
    'set',
    'Interface',
    'tap9',
    'external_ids:vm-id=v1',
  ];
  const vsctl = (...words: string[]) => ovs.vsctl(...words).catch(() => '');
  await vsctl(...remake);
  const changes: [string, () => Promise<unknown>][] = [
    ['the row is another one', () => vsctl(...remake)],
    ['another guest has taken it over', () => vsctl('--may-exist', 'add-port', 'br-a', 'tap9', '--', 'set', 'Interface', 'tap9', 'external_ids:vm-id=v2')],
    ['a tag was set', () => vsctl('set', 'Port', 'tap9', 'tag=3')],
    ['other_config', () => vsctl('set', 'Port', 'tap9', 'other_config:net_uuid=n')],
    ['the device is there: Open vSwitch opens it by itself', async () => {
      await ovs.tap('tap9');
      await until(async () => ((await find(database, 'tap9')).interfaces[0]?.ofport ?? -1) > 0, 5_000, 'not opened');
    }],
  ]; // prettier-ignore
  for (const [name, change] of changes) {
    const seen = await find(database, 'tap9');
    await change();
    const now = await find(database, 'tap9');
    await t.rejects(
      deletePorts(database, [await find(database, 'tap0'), seen]),
      { code: 'stale-revision' },
      name,
    );
    await t.rejects(setVlan(database, seen, plain), { code: 'stale-revision' }, name);
    t.same(await find(database, 'tap9'), now, `${name}: as it is`);
  }
  t.ok(await find(database, 'tap0'), 'and nothing else of that transaction');
  await t.rejects(addPort(database, { name: 'tap9', bridge: 'br-b', vlan: plain, externalIds: {} }), {
    code: 'failed-precondition',
    message: /already exists/,
  });
}

/** Rows as libvirt makes them, of one port or shared by two. */
async function qosRows(t: Test, ovs: PrivateOpenvswitch, database: OvsDatabase): Promise<void> {
  const ids = (name: string) => [`external_ids:ifname=${name}`, 'external_ids:vm-id=u'];
  const rows = async (table: string) =>
    (await ovs.vsctl('--bare', '--columns=external_ids', 'list', table)).trim();
  for (const name of ['q0', 'q1', 'q2'])
    await ovs.vsctl('add-port', 'br-b', name, '--', 'set', 'Interface', name, 'external_ids:vm-id=u');
  for (const name of ['q0', 'q1']) {
    await ovs.vsctl(
      ...['--', '--id=@queue', 'create', 'Queue', 'other_config:max-rate=1000', ...ids(name)],
      ...['--', '--id=@qos', 'create', 'QoS', 'type=linux-htb', 'queues:0=@queue', ...ids(name)],
      ...['--', 'set', 'Port', name, 'qos=@qos'],
    );
  }
  await deletePorts(database, [await find(database, 'q0'), await find(database, 'q2')]);
  for (const table of ['QoS', 'Queue'])
    t.match(await rows(table), /^ifname=q1,? vm-id=u$/, `${table}: those of q0 are gone, others are not`);
  const qos = (await ovs.vsctl('--bare', '--columns=_uuid', 'list', 'QoS')).trim();
  await ovs.vsctl('add-port', 'br-b', 'q3', '--', 'set', 'Port', 'q3', `qos=${qos}`);
  await deletePorts(database, [await find(database, 'q1')]);
  t.match(await rows('QoS'), /ifname=q1/, 'what another port has stays');
  await ovs.vsctl('del-port', 'q3');
  for (const table of ['QoS', 'Queue']) await ovs.vsctl('--all', 'destroy', table);
}

t.test('a real Open vSwitch', { skip: privateOpenvswitchMissing() ?? false }, async (t) => {
  const ovs = await PrivateOpenvswitch.launch();
  t.teardown(() => ovs.close());
  const database = ovsDatabase({ database: ovs.database, timeoutSeconds: 10 });
  await reads(t, ovs, database);
  await guarded(t, ovs, database);

  await qosRows(t, ovs, database);
  const row = await find(database, 'tap9');
  await setVlan(database, row, { tag: 2, trunks: [1, 2], mode: 'native-tagged' });
  t.match(await find(database, 'tap9'), {
    uuid: row.uuid,
    vlan: { tag: 2, trunks: [1, 2], mode: 'native-tagged' },
  });
  await setVlan(database, await find(database, 'tap9'), plain);
  t.same((await find(database, 'tap9')).vlan, plain);
  await deletePorts(database, [await find(database, 'tap9'), await find(database, 'tap0')]);
  t.same((await readPorts(database)).ports.map(({ name }) => name).toSorted(), [
    'bond0',
    'br-a',
    'br-b',
    'p0',
  ]);
  t.equal(
    await ovs.vsctl('--bare', '--columns=name', 'find', 'Interface', 'name=tap9'),
    '',
    'its Interface is gone',
  );
  await deletePorts(database, []);

  ovs.signal('db', 'SIGSTOP');
  const impatient = ovsDatabase({ database: ovs.database, timeoutSeconds: 1 });
  await t.rejects(readPorts(impatient), { code: 'deadline-exceeded' });
  ovs.signal('db', 'SIGCONT');
  const away = ovsDatabase({ database: `unix:${ovs.directory}/none.sock` });
  await t.rejects(readPorts(away), { code: 'unavailable' });
});
