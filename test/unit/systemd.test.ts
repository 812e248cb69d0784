/** systemd/ and its installer: systemd takes the units with their drop-ins, limits fit each other, and a tree is left as it was. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { guestsSection } from '../../proto/wire/guest-settings.js';

const project = join(import.meta.dirname, '../../..');
const installer = join(project, 'scripts/setup/install-units.sh');
const read = (path: string): string => readFileSync(join(project, 'systemd', path), 'utf8');
const units = readdirSync(join(project, 'systemd')).filter((name) => name.endsWith('.service'));

function temporary(t: Test, name: string): string {
  const directory = mkdtempSync(join(tmpdir(), `drover-${name}-`));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Every file, folder and link below a folder, with what is in it. */
function contents(directory: string): Record<string, string> {
  const paths = readdirSync(directory, { recursive: true }) as string[];
  return Object.fromEntries(
    paths.sort().map((path) => {
      const full = join(directory, path);
      const entry = lstatSync(full);
      if (entry.isSymbolicLink()) return [path, `→ ${readlinkSync(full)}`];
      return [path, entry.isDirectory() ? 'folder' : readFileSync(full, 'utf8')];
    }),
  );
}

const install = (...args: string[]) => spawnSync('bash', [installer, ...args], { encoding: 'utf8' });

/** Values of a key over all lines of a unit, split at spaces. */
function words(unit: string, key: string): string[] {
  return [...read(unit).matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].flatMap(([, value = '']) =>
    value.split(' ').filter((word) => word !== ''),
  );
}

const noAnalyze = spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'needs systemd-analyze';

t.test(
  'systemd takes units and drop-ins beside those of libvirt and Open vSwitch',
  { skip: noAnalyze },
  async (t) => {
    const root = temporary(t, 'verify');
    t.equal(install('--root', root, '--hand-over').status, 0);
    const system = join(root, 'etc/systemd/system');
    const program = join(root, 'node');
    copyFileSync('/bin/true', program);
    copyFileSync(
      join(project, 'systemd/drover-controlplane.service'),
      join(system, 'drover-controlplane.service'),
    );
    for (const unit of units)
      writeFileSync(
        join(system, unit),
        readFileSync(join(system, unit), 'utf8').replaceAll('/usr/bin/node', program),
      );
    const others = ['libvirtd.service', 'libvirt-guests.service'].filter((unit) =>
      existsSync(`/lib/systemd/system/${unit}`),
    );
    // A colon at the end: the machine's own units too.
    const env = { ...process.env, SYSTEMD_UNIT_PATH: `${system}:` };
    const verify = (...names: string[]) =>
      spawnSync('systemd-analyze', ['verify', '--man=no', ...names], { encoding: 'utf8', env });
    const { status, stderr } = verify(...units, ...others);
    const ours = stderr
      .split('\n')
      .filter((line) => line.includes(root) || /drover|ordering cycle/.test(line));
    t.same([status, ours], [0, []]);

    writeFileSync(join(system, 'libvirtd.service.d/60-wrong.conf'), '[Service]\nKillMode=sometimes\n');
    if (others.length > 0)
      t.match(verify('libvirtd.service').stderr, /60-wrong.conf/, 'drop-ins are looked at');
  },
);

/** Today's scores are 40, 13, 30 and 30. */
const exposures: Readonly<Record<string, number>> = {
  'drover-agent.service': 41,
  'drover-controlplane.service': 14,
  'drover-guests.service': 31,
  'drover-ports.service': 31,
};

t.test('exposure of each unit', { skip: noAnalyze }, async (t) => {
  t.same(Object.keys(exposures), units.toSorted());
  for (const [unit, most] of Object.entries(exposures)) {
    const security = ['security', '--offline=true', '--no-pager', `--threshold=${most}`];
    const { status, stdout } = spawnSync('systemd-analyze', [...security, join(project, 'systemd', unit)], {
      encoding: 'utf8',
    });
    t.comment(stdout.trim().split('\n').at(-1));
    t.equal(status, 0, `${unit}: at most ${most / 10}`);
  }
});

t.test('limits fit the budget of a profile that says nothing', async (t) => {
  const budget = guestsSection.parse({}).stop.budget_seconds;
  t.ok(Number(words('drover-guests.service', 'TimeoutStopSec')[0]) >= budget + 30);
  const delay = Number(/^InhibitDelayMaxSec=(\d+)$/m.exec(read('logind.conf.d/zz-drover.conf'))?.[1]);
  t.ok(delay >= budget + 15, `logind waits ${delay} s`);
  const names = ['99-kubelet.conf', 'unattended-upgrades-logind-maxdelay.conf', 'zz-drover.conf'];
  t.same(names.toSorted(), names, 'the last file wins');
});

t.test('order: guests, agent, libvirt, Open vSwitch, network', async (t) => {
  const switches = [
    'openvswitch-switch.service',
    'openvswitch.service',
    'ovs-vswitchd.service',
    'ovsdb-server.service',
  ];
  const libvirts = ['libvirtd.service', 'virtqemud.service'];
  const holds = (unit: string, key: string, wanted: readonly string[]) =>
    t.same(
      wanted.filter((name) => !words(unit, key).includes(name)),
      [],
      `${unit}: ${key}`,
    );
  holds('drover-guests.service', 'After', [
    'drover-agent.service',
    'virt-guest-shutdown.target',
    'systemd-logind.service',
    'dbus.service',
    'network.target',
    'remote-fs.target',
    ...libvirts,
    ...switches,
  ]);
  holds('drover-agent.service', 'After', [
    ...libvirts,
    ...switches,
    'systemd-logind.service',
    'dbus.service',
  ]);
  holds('drover-ports.service', 'After', switches);
  holds('drover-ports.service', 'Before', libvirts);
  for (const libvirt of libvirts) {
    holds(`${libvirt}.d/50-drover.conf`, 'After', [...switches, 'drover-ports.service']);
    t.match(read(`${libvirt}.d/50-drover.conf`), /^KillMode=process$/m, 'guests outlive the daemon');
  }
  holds('machine.scope.d/50-drover.conf', 'Before', ['drover-guests.service']);
  for (const unit of ['drover-guests.service', 'drover-ports.service', 'drover-agent.service'])
    t.notMatch(
      read(unit),
      /^(Requires|BindsTo|PartOf|Requisite)=/m,
      `${unit}: nothing that ends takes it along`,
    );
});

t.test('the installer', async (t) => {
  const root = temporary(t, 'install');
  const wants = join(root, 'etc/systemd/system/multi-user.target.wants');
  mkdirSync(wants, { recursive: true });
  mkdirSync(join(root, 'etc/libvirt/hooks'), { recursive: true });
  symlinkSync('/lib/systemd/system/libvirt-guests.service', join(wants, 'libvirt-guests.service'));
  const before = contents(root);

  const { status, stdout } = install('--root', root);
  t.equal(status, 0);
  t.match(stdout, /wrote \/etc\/systemd\/system\/drover-guests.service\n/);
  const etc = (path: string) => join(root, 'etc/systemd', path);
  for (const unit of ['drover-agent.service', 'drover-guests.service', 'drover-ports.service']) {
    t.equal(readFileSync(etc(`system/${unit}`), 'utf8'), read(unit));
    t.equal(readlinkSync(join(wants, unit)), `/etc/systemd/system/${unit}`);
  }
  for (const folder of ['libvirtd.service.d', 'virtqemud.service.d', 'machine-.scope.d'])
    t.equal(statSync(etc(`system/${folder}/50-drover.conf`)).mode & 0o777, 0o644);
  const hook = join(root, 'etc/libvirt/hooks/qemu.d/50-drover');
  t.equal(readFileSync(hook, 'utf8'), read('libvirt-hook-qemu'));
  t.equal(statSync(hook).mode & 0o777, 0o755);
  t.notOk(existsSync(etc('logind.conf.d')), 'libvirt-guests stays the owner until it is told');
  t.ok(lstatSync(join(wants, 'libvirt-guests.service')).isSymbolicLink());

  t.match(install('--root', root, '--hand-over').stdout, /guest shutdown is Drover's/);
  t.notOk(existsSync(join(wants, 'libvirt-guests.service')));
  t.match(readFileSync(etc('system/libvirt-guests.service.d/50-drover.conf'), 'utf8'), /^ExecStop=$/m);
  t.ok(existsSync(etc('logind.conf.d/zz-drover.conf')));
  const after = contents(root);
  t.notMatch(install('--root', root, '--hand-over').stdout, /wrote/, 'a second time writes nothing');
  t.same(contents(root), after);

  t.equal(install('--root', root, '--remove').status, 0);
  t.same(contents(root), before, 'as it was');
  t.equal(install('--root', root, '--remove').status, 0, 'nothing left to remove');

  t.match(install('--root', join(root, 'none')), { status: 1, stderr: /--root: got ".*none"/ });
  t.match(install('--what'), { status: 64, stderr: /--hand-over/ });
});

t.test('the installer copies the program', async (t) => {
  const root = temporary(t, 'program');
  const checkout = temporary(t, 'checkout');
  const put = (path: string, text = '') => {
    mkdirSync(dirname(join(checkout, path)), { recursive: true });
    writeFileSync(join(checkout, path), text);
  };
  for (const path of [
    'proto/a.proto',
    'docs/a.md',
    'systemd/a.service',
    'scripts/setup/a.sh',
    'package.json',
  ])
    put(path);
  for (const module of ['one', '@scope/two', 'one/node_modules/inner', 'developing'])
    put(`node_modules/${module}/index.js`, module);
  const packages = {
    '': {},
    'node_modules/one': {},
    'node_modules/one/node_modules/inner': {},
    'node_modules/@scope/two': {},
    'node_modules/developing': { dev: true },
    'node_modules/of-another-platform': { optional: true },
  };
  put('package-lock.json', JSON.stringify({ packages }));
  t.match(install('--root', root, '--program', checkout), { status: 1, stderr: /no build\/agent\/bin.cjs/ });
  put('build/agent/bin.cjs', 'program');
  for (const more of [[], ['--hard-links']]) {
    t.equal(install('--root', root, '--program', checkout, ...more).status, 0);
    const files = execFileSync('find', ['.', '-type', 'f'], {
      cwd: join(root, 'usr/lib/drover'),
      encoding: 'utf8',
    });
    t.same(files.trim().split('\n').sort(), [
      './build/agent/bin.cjs',
      './docs/a.md',
      './node_modules/@scope/two/index.js',
      './node_modules/one/index.js',
      './node_modules/one/node_modules/inner/index.js',
      './package.json',
      './proto/a.proto',
      './scripts/setup/a.sh',
      './systemd/a.service',
    ]);
    const inode = (path: string) => statSync(path).ino;
    const module = 'node_modules/one/index.js';
    const isSame = inode(join(root, 'usr/lib/drover', module)) === inode(join(checkout, module));
    t.equal(isSame, more.length > 0);
  }
  t.equal(readlinkSync(join(root, 'usr/local/bin/drover-agent')), '/usr/lib/drover/build/agent/bin.cjs');
});
