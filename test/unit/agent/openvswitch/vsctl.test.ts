/** agent/openvswitch against a real ovsdb-server and ovs-vswitchd in a network namespace of their own. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
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
  await t.rejects(vsctl({ database: `unix:${directory}/none.sock`, timeoutSeconds: 1 }).bridges(), {
    code: /unavailable|deadline-exceeded/,
  });
  await ovs.deleteBridge('br-test');
  await ovs.deleteBridge('br-test');
  t.same(await ovs.bridges(), []);
});
