/** agent/openvswitch against a real ovsdb-server and ovs-vswitchd in a network namespace of their own. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { maximumCommandBytes, maximumCommands, ovsDatabase } from '../../../../agent/openvswitch/database.js';
import { parseTable } from '../../../../agent/openvswitch/ovsdb-json.js';
import { vsctl } from '../../../../agent/openvswitch/vsctl.js';
import { until } from '../../../support/poll.js';
import { hasProgram } from '../../../support/private-libvirtd.js';

t.test('values of the database', async (t) => {
  const table = (value: unknown) => JSON.stringify({ headings: ['v'], data: [[value]] });
  const cases: [unknown, unknown][] = [
    ['text', 'text'], [-1, -1], [['set', []], undefined], [['set', [5]], 5], [['set', [1, 2]], [1, 2]],
    [['map', [['a', 'b']]], { a: 'b' }], [['uuid', 'x-y'], 'x-y'], [['set', [['uuid', 'z']]], 'z'],
  ]; // prettier-ignore
  for (const [value, want] of cases) t.same(parseTable(table(value)), [{ v: want }], JSON.stringify(value));
  t.same(parseTable(''), []);
  for (const bad of ['x', '{}', '[]']) t.throws(() => parseTable(bad), { code: 'failed-precondition' });
});

t.test('what can go wrong', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-vsctl-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  await t.rejects(vsctl({ program: join(directory, 'none') }).version(), {
    code: 'unavailable',
    cure: /openvswitch-switch/,
  });
  t.throws(() => vsctl({ timeoutSeconds: 0.5 }), { code: 'invalid-argument' });
  for (const name of ['', '-x', 'a b', 'a'.repeat(16), 'br;rm'])
    await t.rejects(vsctl().addBridge(name, 'netdev'), { code: 'invalid-argument', field: 'bridge' });
  const database = ovsDatabase({ program: join(directory, 'none') });
  await t.rejects(database.list('Interface', ['name']), { code: 'unavailable' });
  await t.rejects(database.list('Interface', []), { code: 'invalid-argument' });
  for (const word of ['-x', 'a b', 'a,b', '']) {
    await t.rejects(database.list(word, ['name']), { code: 'invalid-argument' });
    await t.rejects(database.list('Port', [word]), { code: 'invalid-argument' });
  }
  for (const commands of [[[]], [['--', 'x']], [['set', 'a', '--', 'b']], [['a\0b']]])
    await t.rejects(database.run(commands), { code: 'invalid-argument' });
  const many = Array.from({ length: maximumCommands + 1 }, () => ['list', 'Port']);
  await t.rejects(database.run(many), { code: 'resource-exhausted' });
  await t.rejects(database.run([['x'.repeat(maximumCommandBytes + 1)]]), { code: 'resource-exhausted' });
  await database.run([]);
  const loud = join(directory, 'loud');
  writeFileSync(loud, '#!/bin/sh\nexec head -c 70000000 /dev/zero\n');
  chmodSync(loud, 0o755);
  await t.rejects(ovsDatabase({ program: loud }).list('Port', ['name']), { message: /maxBuffer/ });
  const deaf = join(directory, 'deaf');
  writeFileSync(deaf, '#!/bin/sh\nexec sleep 60\n');
  chmodSync(deaf, 0o755);
  const start = performance.now();
  await t.rejects(vsctl({ program: deaf, timeoutSeconds: 1 }).bridges(), { code: 'deadline-exceeded' });
  t.ok(performance.now() - start < 4_000);
});

const servers = `
set -e
export OVS_RUNDIR=$1 OVS_LOGDIR=$1 OVS_DBDIR=$1
ovsdb-tool create $1/conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server --remote=punix:$1/db.sock --pidfile=$1/db.pid --detach --log-file=$1/db.log $1/conf.db
ovs-vsctl --db=unix:$1/db.sock --no-wait init
ovs-vswitchd --pidfile=$1/sw.pid --detach --log-file=$1/sw.log unix:$1/db.sock
touch $1/ready
cat >/dev/null || true
kill $(cat $1/sw.pid) $(cat $1/db.pid)`;

const able = hasProgram('ovs-vswitchd') && process.getuid?.() === 0;
t.test('a real Open vSwitch', { skip: able ? false : 'needs root and openvswitch-switch' }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-ovs-'));
  const holder = spawn('unshare', ['-n', 'bash', '-c', servers, 'bash', directory], {
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  t.teardown(async () => {
    holder.stdin.end();
    await until(() => holder.exitCode !== null, 10_000, 'Open vSwitch did not end');
    rmSync(directory, { recursive: true, force: true });
  });
  await until(() => existsSync(join(directory, 'ready')), 15_000, 'Open vSwitch did not start');
  const ovs = vsctl({ database: `unix:${directory}/db.sock`, timeoutSeconds: 10 });
  t.match(await ovs.version(), /^\d+\.\d+\.\d+/);
  t.same(await ovs.bridges(), []);
  await ovs.addBridge('br-test', 'netdev');
  await ovs.addBridge('br-test', 'netdev');
  t.same(await ovs.bridges(), [{ name: 'br-test', datapath: 'netdev' }]);
  const [own] = await ovs.interfaces();
  t.match(own, { name: 'br-test', ofport: 65_534, error: '', externalIds: {} });
  const database = ovsDatabase({ database: `unix:${directory}/db.sock`, timeoutSeconds: 10 });
  await database.run([
    ['set', 'Interface', 'br-test', 'ingress_policing_rate=4000', 'ingress_policing_burst=3200'],
    ['set', 'Interface', 'br-test', 'external_ids:note="a b"'],
  ]);
  t.same(await database.list('Interface', ['name', 'ingress_policing_rate', 'external_ids']), [
    { name: 'br-test', ingress_policing_rate: 4000, external_ids: { note: 'a b' } },
  ]);
  const half = [
    ['set', 'Interface', 'br-test', 'ingress_policing_rate=1'],
    ['set', 'Interface', 'none', 'ingress_policing_rate=1'],
  ];
  await t.rejects(database.run(half), { code: 'failed-precondition', message: /none/ });
  t.match(
    await database.list('Interface', ['ingress_policing_rate']),
    [{ ingress_policing_rate: 4000 }],
    'all or nothing',
  );
  t.same(await database.list('QoS', ['type']), [], 'a table without rows');
  await t.rejects(vsctl({ database: `unix:${directory}/none.sock`, timeoutSeconds: 1 }).bridges(), {
    code: /unavailable|deadline-exceeded/,
  });
  await ovs.deleteBridge('br-test');
  await ovs.deleteBridge('br-test');
  t.same(await ovs.bridges(), []);
});
