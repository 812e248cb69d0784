/** agent/libvirt against a real libvirtd of its own, with QEMU under KVM. Runs itself again with 16 pool threads. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import tap, { type Test } from 'tap';
import type { DomainEvent, Hypervisor } from '../../agent/libvirt/hypervisor.js';
import { openHypervisor } from '../../agent/libvirt/open-hypervisor.js';
import { DroverError } from '../../proto/wire/errors.js';
import { until } from '../support/poll.js';
import { hostDisk, PrivateLibvirtd, privateLibvirtdMissing } from '../support/private-libvirtd.js';

const deadlineMs = 2_000;
let socketsBefore = 0;

/** A call's outcome: its error code, or `ok`, and how long it took. */
async function timed(call: Promise<unknown>): Promise<{ code: string; ms: number }> {
  const start = performance.now();
  const code = await call.then(
    () => 'ok',
    (error: unknown) => (error instanceof DroverError ? error.code : String(error)),
  );
  return { code, ms: performance.now() - start };
}

/** Thread names of a process to their allowed CPUs. */
function allowedCpus(pid: number): Record<string, string> {
  const rows = readdirSync(`/proc/${pid}/task`).map((tid) => {
    const status = readFileSync(`/proc/${pid}/task/${tid}/status`, 'utf8');
    return [
      /^Name:\s+(.*)$/m.exec(status)?.[1] ?? tid,
      /^Cpus_allowed_list:\s+(.*)$/m.exec(status)?.[1] ?? '',
    ];
  });
  return Object.fromEntries(rows) as Record<string, string>;
}

function collect(hypervisor: Hypervisor): { events: DomainEvent[]; kinds(name: string): string[] } {
  const events: DomainEvent[] = [];
  hypervisor.onDomainEvent((event) => events.push(event));
  return {
    events,
    kinds: (name) => events.filter((event) => event.name === name).map((event) => event.kind),
  };
}

/** Sockets of this process, other than its own pipes to the test runner. */
function sockets(): number {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return targets.filter((target) => target.startsWith('socket:')).length - socketsBefore;
}

async function main(t: Test): Promise<void> {
  const host = await PrivateLibvirtd.prepare();
  socketsBefore = sockets();
  t.teardown(() => host.close());
  const names = { a: `drover-a-${process.pid}`, b: `drover-b-${process.pid}` };
  const log: string[] = [];
  const note = (_fields: object, message: string) => void log.push(message);

  // (g) before there is a libvirtd
  const begun = performance.now();
  const hypervisor = await openHypervisor({
    uri: host.uri,
    pidDirectory: host.pidDirectory,
    deadlineMs,
    queueLimit: 16,
    log: { debug: note, info: note, warn: note },
  });
  t.teardown(() => hypervisor.close());
  const states: boolean[] = [];
  hypervisor.onReachable((reachable) => states.push(reachable));
  const seen = collect(hypervisor);

  await t.test('starts without a libvirtd and finds it when it comes', async (t) => {
    t.ok(performance.now() - begun < deadlineMs, 'opening does not wait for it');
    t.equal(hypervisor.reachable, false);
    const early = await timed(hypervisor.domains());
    t.equal(early.code, 'unavailable');
    t.ok(early.ms < 50, `answered at once (${early.ms.toFixed(1)} ms)`);
    await host.start();
    await until(() => hypervisor.reachable, 10_000, 'libvirtd was not found');
    t.same(states, [true]);
    t.match(log, ['libvirt cannot be reached; trying again', 'connected to libvirt']);
    // The first question makes a fresh libvirtd probe QEMU, which can take longer than the deadline of this test.
    t.match(await until(() => hypervisor.versions(), 30_000, 'no versions'), {
      libvirt: /^\d+\.\d+\.\d+$/,
      qemu: /^\d+\.\d+\.\d+$/,
    });
  });

  const disk = hostDisk();
  const a = await host.define(
    names.a,
    `<metadata><drover:allocation xmlns:drover="https://drover.dev/xmlns/1" id="alloc-7"/></metadata>`,
  );
  const b = await host.define(
    names.b,
    `<cputune><shares>300</shares><vcpupin vcpu='1' cpuset='0'/></cputune>`,
  );

  await t.test('lifecycle events arrive in order', async (t) => {
    for (const command of ['start', 'suspend', 'resume']) await host.virsh(command, names.a);
    await until(
      () => seen.kinds(names.a).filter((kind) => kind === 'resumed').length === 2,
      5_000,
      'events are missing',
    );
    await host.virsh('destroy', names.a);
    await until(() => seen.kinds(names.a).includes('stopped'), 5_000, 'no stopped event');
    // QEMU resumes its CPUs before libvirt calls it started.
    const kinds = seen.kinds(names.a).filter((kind) => kind !== 'shutdown'); // QEMU may or may not say so before it ends
    t.same(kinds, ['defined', 'resumed', 'started', 'suspended', 'resumed', 'stopped']);
    t.equal(seen.events.find((event) => event.name === names.a)?.uuid, a);
    for (const name of [names.a, names.b]) await host.virsh('start', name);
  });

  await t.test('domains are what libvirt, the XML and the pid file say', async (t) => {
    const [first, second] = await hypervisor.domains();
    t.match(first, {
      uuid: a,
      name: names.a,
      state: 'running',
      vcpus: 2,
      memoryBytes: 64 * 2 ** 20,
      pid: host.qemuPid(names.a),
      allocationId: 'alloc-7',
    });
    t.same(first?.disks, [
      { target: 'vda', source: `${host.directory}/${names.a}.img`, type: 'file', cache: 'none' },
    ]);
    t.match(second, {
      uuid: b,
      explicit: {
        vcpuPins: [1],
        emulatorPin: false,
        vcpuBandwidth: false,
        cpuShares: true,
        blockDevices: [],
      },
      allocationId: '',
    });
    await host.virsh(
      'metadata',
      names.b,
      '--live',
      '--uri',
      'https://drover.dev/xmlns/1',
      '--key',
      'drover',
      '--set',
      `<allocation id='alloc-8'/>`,
    );
    await until(
      async () => (await hypervisor.domains())[1]?.allocationId === 'alloc-8',
      2_000,
      'an event did not renew the XML',
    );
  });

  await t.test('pins, scheduler and block limits take effect', async (t) => {
    const pid = host.qemuPid(names.a);
    await hypervisor.pinVcpu(a, 0, [1]);
    await hypervisor.pinVcpu(a, 1, [0, 1]);
    await hypervisor.pinEmulator(a, [0]);
    const threads = allowedCpus(pid);
    t.equal(threads['CPU 0/KVM'], '1');
    t.equal(threads['CPU 1/KVM'], '0-1');
    t.equal(allowedCpus(pid)['qemu-system-x86'], '0');
    t.same(
      (await hypervisor.domains())[0]?.explicit.vcpuPins,
      [],
      'a pin of the running domain is not called explicit',
    );
    const cgroup = host.cgroup('cpu', names.a);
    const read = (file: string) => readFileSync(`${cgroup}/${file}`, 'utf8').trim();
    await hypervisor.setScheduler(a, { vcpuPeriodUs: 50_000, vcpuQuotaUs: 20_000, cpuShares: 512 });
    t.same(
      [read('vcpu0/cpu.cfs_period_us'), read('vcpu1/cpu.cfs_quota_us'), read('cpu.shares')],
      ['50000', '20000', '512'],
    );
    await hypervisor.setScheduler(a, { vcpuQuotaUs: -1 });
    t.same(
      [read('vcpu0/cpu.cfs_period_us'), read('vcpu0/cpu.cfs_quota_us'), read('cpu.shares')],
      ['50000', '-1', '512'],
      'what is absent stays',
    );
    for (const [vcpu, cpus, code] of [
      [0, [], 'invalid-argument'],
      [0, [-1], 'invalid-argument'],
      [7, [0], 'libvirt-failed'],
    ] as const) {
      t.equal(
        (await timed(hypervisor.pinVcpu(a, vcpu, cpus))).code,
        code,
        `vcpu ${vcpu} to [${cpus.join()}]`,
      );
    }
    t.equal(
      (await timed(hypervisor.pinVcpu('00000000-1111-4111-8111-000000000000', 0, [0]))).code,
      'not-found',
    );
  });

  await t.test('block limits', { skip: disk ? false : 'needs a vd*, sd* or nvme* disk' }, async (t) => {
    if (!disk) return;
    const cgroup = host.cgroup('blkio', names.a);
    const read = (file: string) => readFileSync(`${cgroup}/blkio.throttle.${file}`, 'utf8').trim();
    await hypervisor.setBlockLimits(a, disk.path, { writeBytesSec: 2_097_152, readIopsSec: 100 });
    await hypervisor.setBlockLimits(a, disk.path, { readBytesSec: 4_194_304 });
    t.equal(read('write_bps_device'), `${disk.number} 2097152`);
    t.equal(read('read_iops_device'), `${disk.number} 100`);
    t.equal(read('read_bps_device'), `${disk.number} 4194304`);
    await hypervisor.setBlockLimits(a, disk.path, { writeBytesSec: 0 });
    t.equal(read('write_bps_device'), '', '0 lifts a limit');
    t.equal(read('read_iops_device'), `${disk.number} 100`, 'and leaves the others');
    t.equal(
      (await timed(hypervisor.setBlockLimits(a, 'vda,1', { writeBytesSec: 1 }))).code,
      'invalid-argument',
    );
  });

  await t.test('a stopped QEMU delays no other domain', async (t) => {
    const pid = host.qemuPid(names.b);
    process.kill(pid, 'SIGSTOP');
    try {
      const list = timed(hypervisor.domains());
      const own = timed(hypervisor.pinEmulator(b, [0, 1]));
      const other = await timed(hypervisor.pinVcpu(a, 0, [0]));
      t.equal(other.code, 'ok');
      t.ok(other.ms < 1_000, `pinned in ${other.ms.toFixed(0)} ms`);
      t.equal((await list).code, 'ok');
      t.comment(`list ${(await list).ms.toFixed(0)} ms, pin of the stopped one ${JSON.stringify(await own)}`);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  });

  await t.test('a stopped libvirtd: deadlines hold, files stay fast, the queue has an end', async (t) => {
    for (const name of [names.a, names.b]) await host.virsh('suspend', name); // spinning guests would slow the reads, too
    host.signal('SIGSTOP');
    try {
      const six = Array.from({ length: 6 }, () => timed(hypervisor.domains()));
      const readMs: number[] = [];
      const reading = (async () => {
        for (const end = performance.now() + deadlineMs; performance.now() < end;) {
          const start = performance.now();
          await readFile('/proc/self/status');
          readMs.push(performance.now() - start);
        }
      })();
      for (const { code, ms } of await Promise.all(six)) {
        t.equal(code, 'deadline-exceeded');
        t.ok(ms < deadlineMs + 500, `${ms.toFixed(0)} ms`);
      }
      await reading;
      const sorted = readMs.toSorted((x, y) => x - y);
      const late = sorted[Math.floor(sorted.length * 0.99)] as number;
      t.ok(
        late < 50,
        `99 % of ${sorted.length} file reads took at most ${late.toFixed(1)} ms, the slowest ${(sorted.at(-1) ?? 0).toFixed(1)} ms`,
      );
      const many = await Promise.all(Array.from({ length: 20 }, () => timed(hypervisor.versions())));
      t.equal(many.filter(({ code }) => code === 'resource-exhausted').length, 4, 'of 20, 16 may wait');
      t.equal(many.filter(({ code }) => code === 'deadline-exceeded').length, 16);
    } finally {
      host.signal('SIGCONT');
    }
    await until(async () => (await hypervisor.domains()).length === 2, 10_000, 'libvirt did not come back');
    for (const name of [names.a, names.b]) await host.virsh('resume', name);
    await hypervisor.pinVcpu(a, 0, [1]);
    t.equal(allowedCpus(host.qemuPid(names.a))['CPU 0/KVM'], '1');
  });

  await t.test(
    'a libvirtd that hangs longer than keepalive is a lost connection, and comes back',
    async (t) => {
      states.length = 0;
      const start = performance.now();
      host.signal('SIGSTOP');
      try {
        const stuck = Array.from({ length: 6 }, () => timed(hypervisor.domains()));
        await until(() => !hypervisor.reachable, 15_000, 'keepalive did not notice');
        t.comment(`lost after ${(performance.now() - start).toFixed(0)} ms`);
        t.same(new Set((await Promise.all(stuck)).map(({ code }) => code)), new Set(['deadline-exceeded']));
        const refused = await timed(hypervisor.domains());
        t.equal(refused.code, 'unavailable');
        t.ok(refused.ms < 50, `refused in ${refused.ms.toFixed(1)} ms`);
        // Opening and closing have their bounds, too, while virConnectOpen itself waits without limit.
        const second = await openHypervisor({
          uri: host.uri,
          pidDirectory: host.pidDirectory,
          deadlineMs: 500,
        });
        t.equal(second.reachable, false);
        const closed = await timed(second.close());
        t.ok(closed.ms < 1_000, `closed in ${closed.ms.toFixed(0)} ms`);
      } finally {
        host.signal('SIGCONT');
      }
      await until(() => hypervisor.reachable, 10_000, 'no reconnect');
      t.same(states, [false, true]);
      const all = await Promise.all(Array.from({ length: 6 }, () => timed(hypervisor.domains())));
      t.same(
        all.map(({ code }) => code),
        Array.from({ length: 6 }, () => 'ok'),
        'every connection works again',
      );
    },
  );

  await t.test('a libvirtd that is killed and started again', async (t) => {
    const pid = host.qemuPid(names.a);
    for (let round = 0; round < 2; round++) {
      states.length = 0;
      seen.events.length = 0;
      await host.kill();
      await until(() => !hypervisor.reachable, 2_000, 'the loss was not noticed');
      t.equal((await timed(hypervisor.pinVcpu(a, 0, [0]))).code, 'unavailable');
      await host.start();
      await until(() => hypervisor.reachable, 15_000, 'no reconnect');
      t.same(states, [false, true]);
      t.match(
        (await hypervisor.domains())[0],
        { name: names.a, pid, state: 'running' },
        'the domain lived on',
      );
      await host.virsh('suspend', names.a);
      await host.virsh('resume', names.a);
      await until(() => seen.kinds(names.a).includes('resumed'), 5_000, 'no event after the restart');
      t.same(seen.kinds(names.a), ['suspended', 'resumed'], 'each event once');
    }
    // Two losses with up to four connections each: a connection that is not given back leaves its socket.
    t.ok(sockets() <= 4, `${sockets()} sockets are open`);
  });
}

tap.setTimeout(110_000);
const why = privateLibvirtdMissing();
const threads = { ...process.env, UV_THREADPOOL_SIZE: '16' };
if (why !== undefined) tap.test('libvirt', { skip: why }, () => undefined);
else if (process.env['UV_THREADPOOL_SIZE'] === '16') await tap.test('libvirt', { timeout: 110_000 }, main);
else
  await tap.spawn(
    process.execPath,
    [fileURLToPath(import.meta.url)],
    { env: threads, timeout: 115_000 },
    'with 16 pool threads',
  );
