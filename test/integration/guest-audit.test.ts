/**
 * The audit over real KVM guests of a libvirtd of the test's own: an orphan is found, suspended and turned off, or goes on when
 * it is known again; a QEMU that libvirt does not know is found and never touched.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Auditor } from '../../agent/guests/audit/auditor.js';
import { lookAround } from '../../agent/guests/audit/look.js';
import { Quarantine } from '../../agent/guests/audit/quarantine.js';
import { readCgroupLayout } from '../../agent/kernel/cgroup.js';
import { HostRoot } from '../../agent/kernel/root.js';
import { openHypervisor } from '../../agent/libvirt/open-hypervisor.js';
import { ovsDatabase } from '../../agent/openvswitch/database.js';
import type { DeletedAction } from '../../proto/wire/guest-settings.js';
import { until } from '../support/poll.js';
import { PrivateLibvirtd, privateLibvirtdMissing } from '../support/private-libvirtd.js';

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
const kernel = new HostRoot('/');
const placed =
  "<metadata><drover:allocation xmlns:drover='https://drover.dev/xmlns/1' id='gone'/></metadata>";

t.setTimeout(120_000);
const skip = privateLibvirtdMissing() ?? false;
t.test('orphans and ghosts', { skip, timeout: 90_000 }, async (t) => {
  const libvirtd = await PrivateLibvirtd.launch();
  t.teardown(() => libvirtd.close());
  const folder = mkdtempSync(join(tmpdir(), 'drover-guest-audit-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const hypervisor = await openHypervisor({ uri: libvirtd.uri, pidDirectory: libvirtd.pidDirectory });
  t.teardown(() => hypervisor.close());
  await until(() => hypervisor.reachable, 20_000, 'libvirtd did not answer');
  const { power } = hypervisor;
  if (!power) throw new Error('this driver cannot stop guests');

  const name = (label: string): string => `drover-audit-${process.pid}-${label}`;
  const uuids = {
    orphan: await libvirtd.define(name('orphan'), placed, 1),
    held: await libvirtd.define(name('held'), '', 1),
    stranger: await libvirtd.define(name('stranger'), '', 1),
  };
  for (const label of Object.keys(uuids)) await libvirtd.virsh('start', name(label));
  const ghostUuid = randomUUID();
  const ghost = spawn(
    'qemu-system-x86_64',
    ['-name', `guest=${name('ghost')},debug-threads=on`, '-uuid', ghostUuid, '-machine', 'none', '-S'].concat(
      ['-display', 'none', '-monitor', 'none', '-nodefaults'],
    ),
    { stdio: 'ignore' },
  );
  t.teardown(() => ghost.kill('SIGKILL'));

  let laterMs = 0;
  let covered = new Set([uuids.orphan, uuids.held]);
  const mine = new Set([...Object.values(uuids), ghostUuid]);
  const file = join(folder, 'quarantine.json');
  const open = async (): Promise<Auditor> =>
    new Auditor({
      look: async () => {
        const cgroup = async () => readCgroupLayout(kernel);
        const seen = await lookAround({ kernel, hypervisor, openvswitch: ovsDatabase(), cgroup });
        // Other tests run their guests beside this one: their processes and groups are strange to this libvirtd.
        return {
          ...seen,
          processes: seen.processes.filter(({ uuid }) => mine.has(uuid)),
          emptyGroups: seen.emptyGroups.filter((group) => group.name.startsWith(name(''))),
        };
      },
      promised: {
        isTold: true,
        generation: 1,
        covers: ({ uuid }) => covered.has(uuid),
        allocations: () => [...covered].map((uuid) => ({ id: `of ${uuid}`, instanceUuid: uuid })),
      },
      ...{ power, log: quiet, now: Date.now },
      monotonicMs: () => performance.now() + laterMs,
      quarantine: await Quarantine.load({ file, bootId: 'this' }),
    });
  let auditor = await open();
  const pass = async (action: DeletedAction): Promise<string[]> => {
    laterMs += 61_000;
    const found = await auditor.pass({
      running_deleted_instance_action: action,
      running_deleted_instance_age_seconds: 60,
    });
    return found.map(
      ({ kind, name: whom = '', outcome }) => `${kind} ${whom.replace(name(''), '')} ${outcome}`,
    );
  };
  const state = (label: string): Promise<string> => libvirtd.virsh('domstate', name(label));

  await until(() => existsSync(`/proc/${ghost.pid}/cmdline`), 5_000, 'the ghost runs');
  await until(
    async () => (await pass('log')).includes('ghost-process ghost logged'),
    10_000,
    'the ghost is found',
  );
  t.same(await pass('log'), ['ghost-process ghost logged'], 'and nothing else');

  covered = new Set();
  await pass('log');
  const found = [
    'running-deleted held logged',
    'running-deleted orphan logged',
    'ghost-process ghost logged',
  ];
  t.same((await pass('log')).toSorted(), found.toSorted(), 'found in two passes');
  const evidence = auditor.findings.find(({ uuid }) => uuid === uuids.orphan)?.evidence ?? [];
  t.match(evidence, [/no allocation/, /libvirt: running/, /QEMU: process \d+/]);
  for (const fact of evidence) t.comment(fact);
  t.same(
    [await state('orphan'), await state('held')],
    ['running', 'running'],
    'by default they are only told of',
  );

  await pass('reap');
  t.same([await state('orphan'), await state('held')], ['paused', 'paused']);
  auditor = await open(); // an agent that was killed now
  covered = new Set([uuids.held]);
  await pass('reap');
  t.equal(await state('held'), 'running', 'known again: it runs again');
  await pass('reap');
  t.equal(await state('orphan'), 'shut off');
  t.match(await libvirtd.virsh('dumpxml', name('orphan')), /drover:allocation/, 'its definition is there');
  t.ok(existsSync(join(libvirtd.directory, `${name('orphan')}.img`)), 'and its disk');
  t.equal(await state('stranger'), 'running');
  t.equal(ghost.exitCode, null, 'the ghost lives');
  const began = performance.now();
  await pass('log');
  t.notOk(existsSync(file), 'nobody is in quarantine any more');
  t.comment(`a pass over ${mine.size} guests: ${Math.round(performance.now() - began)} ms`);
});
