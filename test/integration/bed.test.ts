import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { CommandError, maximumOutputBytes, runner } from '../../scripts/hypervisor/command.js';
import { domainType } from '../../scripts/hypervisor/machine.js';
import { isAlive, namespaceOf, processesIn } from '../../scripts/hypervisor/processes.js';
import * as domains from '../../scripts/hypervisor/sample-domain.js';
import { imageBytes, writeGuestImage } from '../../scripts/hypervisor/sample-guest.js';
import { type Bed, type BedHost, makeBed, maximumHosts } from '../support/bed.js';
import { stateRoot } from '../support/bed-state.js';
import { until } from '../support/poll.js';

const skip = process.getuid?.() === 0 ? false : 'needs root for network and mount namespaces';

/** Everything on the machine that belongs to one bed. */
function remains(hosts: readonly BedHost[]): string[] {
  const bed = (hosts[0] as BedHost).name.split('-')[0] as string;
  const names = (directory: string) => (existsSync(directory) ? readdirSync(directory) : []);
  const cgroups = names('/sys/fs/cgroup').flatMap((controller) =>
    names(join('/sys/fs/cgroup', controller, 'machine')),
  );
  return [
    ...names('/run/netns').filter((name) => name.startsWith(`${bed}-`)),
    ...names('/sys/class/net').filter(
      (name) => name === bed || name.startsWith(`${bed.replace('drb', 'drv')}-`),
    ),
    ...cgroups.filter((name) => name.includes(`-${bed}-`)),
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(`${bed}-`)),
    ...hosts.map((host) => host.directory).filter((directory) => existsSync(directory)),
    ...hosts.filter((host) => isAlive(host.holder)).map((host) => `process ${host.holder}`),
  ];
}

/** A TCP server in a host that says `hello`; answers its port. */
async function serve(bed: Bed, host: BedHost): Promise<number> {
  const code = `const s = require('net').createServer(c => c.end('hello')).listen(0, () => console.log(s.address().port))`;
  const child = bed.spawn(host, [process.execPath, '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  return new Promise((resolve) =>
    child.stdout?.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
  );
}

/** What a host reads from an address, or the error code; `timeout` when nothing comes for 400 ms. */
function call(bed: Bed, host: BedHost, address: string, port: number): Promise<string> {
  const code = `const s = require('net').connect(${port}, '${address}'); const say = (w) => { console.log(w); process.exit() };
    s.setTimeout(400, () => say('timeout')); s.on('data', d => say(String(d))); s.on('error', e => say(e.code))`;
  return bed.exec(host, [process.execPath, '-e', code]).then((out) => out.trim());
}

t.test('two hosts', { skip }, async (t) => {
  const begin = performance.now();
  const bed = await makeBed(2, { hypervisor: true });
  t.teardown(() => bed.down());
  const upMs = performance.now() - begin;
  const [one, two] = bed.hosts as [BedHost, BedHost];
  t.comment(`up in ${Math.round(upMs)} ms`);
  t.equal((await bed.exec(one, ['hostname'])).trim(), one.name, 'a hostname of its own');
  t.equal((await bed.exec(one, ['pwd'])).trim(), process.cwd(), 'programs start in the same directory');

  await t.test('the network, cut and healed', async (t) => {
    const port = await serve(bed, one);
    t.equal(await call(bed, two, one.address, port), 'hello');
    await bed.partition(one);
    await bed.partition(one);
    t.equal(await call(bed, two, one.address, port), 'timeout', 'packets vanish without an answer');
    t.equal(await call(bed, one, two.address, port), 'timeout', 'in the other direction too');
    t.equal(await call(bed, one, '127.0.0.1', port), 'hello', 'the host itself goes on');
    await bed.heal(one);
    t.equal(await call(bed, two, one.address, port), 'hello');
    const outside = createServer((socket) => socket.end('outside')).listen(0, bed.address);
    await once(outside, 'listening');
    t.teardown(() => outside.close());
    t.equal(
      await call(bed, two, bed.address, (outside.address() as AddressInfo).port),
      'outside',
      'the machine is reached',
    );
  });

  await t.test('a domain with an Open vSwitch port', async (t) => {
    const name = one.domainName('writer');
    await writeGuestImage(join(one.imagesDirectory, 'w.img'), 'write');
    const imagePath = '/var/lib/libvirt/images/w.img';
    const sample = { name, imagePath, bridge: 'br-int', type: domainType(), allocationId: 'alloc "1" <&>' };
    await domains.removeDomain(one.run, name);
    await domains.defineDomain(one.run, domains.domainXml(sample));
    await domains.startDomain(one.run, name);
    t.same(await domains.listDomains(one.run, 'running'), [name]);
    t.same(await domains.listDomains(two.run), [], 'the other host does not see it');
    t.match(
      await runner()(['virsh', '-c', one.libvirtUri, 'list', '--name']),
      name,
      'the machine reaches libvirtd by its socket',
    );
    t.match(
      await bed.exec(one, ['virsh', 'dumpxml', name]),
      /alloc &quot;1&quot; &lt;&amp;&gt;/,
      'the allocation is kept',
    );
    t.match(await bed.exec(one, ['ovs-vsctl', 'list-ports', 'br-int']), /vnet\d/);
    t.equal(
      (await bed.exec(two, ['ovs-vsctl', 'list-ports', 'br-int'])).trim(),
      '',
      'the other switch has no port',
    );
    const written = async () =>
      Number(/wr_bytes (\d+)/.exec(await bed.exec(one, ['virsh', 'domblkstat', name, 'vda']))?.[1]);
    await until(async () => (await written()) > imageBytes, 60_000, 'the guest did not write round its area');
    t.equal(
      await bed.exec(one, ['stat', '-c', '%s', imagePath]),
      `${imageBytes}\n`,
      'and does not grow its disk',
    );
  });

  await t.test('libvirtd stops and starts again beside a running domain', async (t) => {
    const place = namespaceOf(two.holder, 'mnt') as string;
    const [pid] = processesIn('mnt', place, 'libvirtd');
    process.kill(pid as number, 'SIGKILL');
    await until(() => !isAlive(pid as number), 5_000, 'libvirtd did not end');
    const again = await bed.startHypervisor(two);
    t.same(again.started, ['libvirtd'], 'only what did not run is started');
    t.same((await bed.startHypervisor(two)).started, []);
    await again.stop();
    t.same(processesIn('mnt', place, 'libvirtd'), []);
    t.equal(processesIn('mnt', place, 'ovs-vswitchd').length, 1, 'what it did not start goes on');
  });

  t.not(remains(bed.hosts).length, 0, 'something is there to be removed');
  await bed.down();
  t.same(remains(bed.hosts), []);
});

t.test('a bed whose owner is killed goes away', { skip }, async (t) => {
  const code = `import { makeBed } from ${JSON.stringify(join(import.meta.dirname, '../support/bed.js'))};
    const bed = await makeBed(1); console.log(JSON.stringify(bed.hosts[0])); setInterval(() => {}, 1000)`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const host = await new Promise<BedHost>((resolve) =>
    child.stdout.once('data', (line: Buffer) => resolve(JSON.parse(line.toString()) as BedHost)),
  );
  t.not(remains([host]).length, 0);
  child.kill('SIGKILL');
  await until(() => remains([host]).length === 0, 10_000, `still there: ${remains([host]).join(', ')}`);
  t.notOk(existsSync(join(stateRoot, host.name)));
  await t.rejects(makeBed(maximumHosts + 1), /a bed has 1 to 200 hosts/);
});

t.test('programs end in time, with bounded output and their words in the error', async (t) => {
  const run = runner();
  await t.rejects(run(['sleep', '60'], { timeoutMs: 50 }), /no answer within 50 ms/);
  await t.rejects(run(['sh', '-c', 'echo broken >&2; exit 3']), {
    name: 'CommandError',
    exitCode: 3,
    message: /exit code 3: broken/,
  });
  await t.rejects(run(['/no/such/program']), CommandError);
  t.equal(await run(['cat'], { input: 'text' }), 'text');
  t.equal((await run(['head', '-c', `${maximumOutputBytes + 10}`, '/dev/zero'])).length, maximumOutputBytes);
  await t.rejects(
    until(() => false, 60, 'never'),
    /never \(waited 60 ms\)/,
  );
  await t.rejects(
    until(() => new Promise<boolean>(() => undefined), 60, 'hangs'),
    /hangs/,
    'a hanging check too',
  );
});
