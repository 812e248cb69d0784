/** agent/guests/preflight: what is refused, what is warned of, and what it says of the cure. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t from 'tap';
import { isRefused, preflight, type StopBudget } from '../../../../agent/guests/preflight/preflight.js';
import { readOwnerFiles, type OwnerFiles } from '../../../../agent/guests/preflight/owner-files.js';
import { HostRoot } from '../../../../agent/kernel/root.js';
import type { EffectiveLimits, EffectiveUnit } from '../../../../agent/systemd/effective-limits.js';

const service = (after: readonly string[], more: Partial<EffectiveUnit> = {}): EffectiveUnit => ({
  activeState: 'active',
  fileState: 'enabled',
  after,
  timeoutStopMs: 90_000,
  hasStopCommand: false,
  ...more,
});

const switches = ['openvswitch-switch.service', 'ovs-vswitchd.service', 'ovsdb-server.service'];
const buses = ['dbus.service', 'systemd-logind.service'];
const below = ['libvirtd.service', ...switches, ...buses];

/** A Debian host that is set up as install-units.sh --hand-over leaves it. */
const host: EffectiveLimits['units'] = {
  ...Object.fromEntries([...switches, ...buses].map((name) => [name, service([])])),
  'drover-guests.service': service(
    ['drover-agent.service', 'virt-guest-shutdown.target', 'network.target', ...below],
    { timeoutStopMs: 330_000, hasStopCommand: true },
  ),
  'drover-agent.service': service(below),
  'drover-ports.service': service(switches),
  'libvirtd.service': service([...switches, 'drover-ports.service']),
  'virt-guest-shutdown.target': service([], { fileState: 'static' }),
  'libvirt-guests.service': service([], { activeState: 'inactive', fileState: 'disabled' }),
};

const noFiles: OwnerFiles = { libvirtGuests: [], autoShutdown: [], novaResume: undefined };
const stop: StopBudget = {
  needMs: 120_000,
  budgetMs: 300_000,
  overBudget: 'warn',
  leftRunning: 0,
  resumes: true,
};

interface Case {
  readonly why: string;
  /** Undefined: the unit is not installed. */
  readonly units?: Record<string, EffectiveUnit | undefined>;
  readonly delayMs?: number | undefined;
  readonly files?: Partial<OwnerFiles>;
  readonly stop?: Partial<StopBudget>;
  /** Findings that are not ok: check, status, and words of message and cure. */
  readonly wants: readonly (readonly [check: string, status: string, words: RegExp])[];
}

const libvirtGuests = (more: Partial<EffectiveUnit>) => ({
  'libvirt-guests.service': service([], { hasStopCommand: true, ...more }),
});
const without = (name: string, gone: string): Record<string, EffectiveUnit> => ({
  [name]: {
    ...(host[name] as EffectiveUnit),
    after: host[name]?.after.filter((each) => each !== gone) ?? [],
  },
});

const cases: Case[] = [
  { why: 'a host that was handed over', wants: [] },
  {
    why: 'libvirt-guests as Debian installs it',
    units: libvirtGuests({}),
    files: {
      libvirtGuests: [{ file: '/etc/default/libvirt-guests', key: 'ON_SHUTDOWN', value: 'shutdown' }],
    },
    wants: [
      ['owners', 'refused', /active, enabled, ON_SHUTDOWN=shutdown in .*--hand-over.*Never systemctl stop/s],
    ],
  },
  {
    why: 'disabled, but it runs: its stop command would still run',
    units: libvirtGuests({ fileState: 'disabled' }),
    wants: [['owners', 'refused', /active, disabled/]],
  },
  {
    why: 'it does not run, but will after the next boot',
    units: libvirtGuests({ activeState: 'inactive' }),
    wants: [['owners', 'refused', /inactive, enabled/]],
  },
  {
    why: 'libvirt-guests that is off',
    units: libvirtGuests({ activeState: 'inactive', fileState: 'disabled' }),
    wants: [],
  },
  { why: 'it runs, and has lost its commands', units: libvirtGuests({ hasStopCommand: false }), wants: [] },
  {
    why: 'libvirt stops guests by itself',
    files: {
      autoShutdown: [{ file: '/etc/libvirt/qemu.conf', key: 'auto_shutdown_try_save', value: 'all' }],
    },
    wants: [['owners', 'refused', /auto_shutdown_try_save = "all" in \/etc\/libvirt\/qemu.conf.*= "none"/s]],
  },
  {
    why: 'others that own guests',
    units: {
      'pve-guests.service': service([], { hasStopCommand: true }),
      'xendomains.service': service([], { hasStopCommand: true, activeState: 'inactive' }),
      'pacemaker.service': service([]),
      'ganeti-noded.service': service([]),
    },
    wants: [
      ['owners', 'refused', /pve-guests.*Proxmox/s],
      ['owners', 'refused', /xendomains/],
      ['owners', 'warning', /pacemaker.*VirtualDomain/s],
      ['owners', 'warning', /ganeti/],
    ],
  },
  {
    why: 'Nova starts guests too',
    units: { 'nova-compute.service': service([]) },
    files: {
      novaResume: { file: '/etc/nova/nova.conf', key: 'resume_guests_state_on_host_boot', value: 'true' },
    },
    wants: [['owners', 'warning', /Nova starts guests.*nova.conf/s]],
  },
  {
    why: 'Nova starts guests, and Drover does not',
    units: { 'nova-compute.service': service([]) },
    files: { novaResume: { file: 'x', key: 'resume_guests_state_on_host_boot', value: 'true' } },
    stop: { resumes: false },
    wants: [],
  },
  {
    why: "logind's own limit",
    delayMs: 5_000,
    wants: [
      ['inhibitor-limit', 'warning', /waits 5 s .* up to 135 s.*InhibitDelayMaxSec=315 .*zz-drover.conf/s],
    ],
  },
  { why: 'as long as it takes', delayMs: 135_000, wants: [] },
  {
    why: 'the budget cuts a longer plan off',
    delayMs: 315_000,
    stop: { needMs: 900_000 },
    wants: [['budget', 'warning', /takes 900 s at most, the budget is 300 s.*stop.parallel/s]],
  },
  {
    why: 'a plan over its budget, where the profile refuses it',
    stop: { needMs: 300_001, overBudget: 'refuse' },
    wants: [['budget', 'refused', /takes 301 s/]],
  },
  { why: 'no logind', delayMs: undefined, wants: [['inhibitor-limit', 'warning', /logind does not answer/]] },
  {
    why: "guests that stay hold libvirt's own lock",
    stop: { leftRunning: 3 },
    wants: [['inhibitor-limit', 'warning', /3 guests are left.*libvirtd holds a delay lock.*waits 315 s/]],
  },
  {
    why: 'a longer budget than the unit has time',
    stop: { budgetMs: 600_000 },
    wants: [['unit-timeout', 'refused', /has 330 s .*budget is 600 s.*TimeoutStopSec=630.*60-budget.conf/s]],
  },
  {
    why: 'a unit without a limit',
    units: {
      'drover-guests.service': {
        ...(host['drover-guests.service'] as EffectiveUnit),
        timeoutStopMs: Number.POSITIVE_INFINITY,
      },
    },
    wants: [],
  },
  {
    why: 'no second line',
    units: { 'drover-guests.service': undefined },
    wants: [['unit-timeout', 'refused', /not installed.*install-units.sh/s]],
  },
  {
    why: 'a second line that was not started',
    units: {
      'drover-guests.service': {
        ...(host['drover-guests.service'] as EffectiveUnit),
        activeState: 'inactive',
      },
    },
    wants: [['unit-timeout', 'refused', /is inactive.*systemctl enable --now/s]],
  },
  {
    why: 'a second line that is masked',
    units: {
      'drover-guests.service': { ...(host['drover-guests.service'] as EffectiveUnit), hasStopCommand: false },
    },
    wants: [['unit-timeout', 'refused', /no stop command/]],
  },
  {
    why: 'scopes that nothing orders',
    units: without('drover-guests.service', 'virt-guest-shutdown.target'),
    wants: [['unit-order', 'refused', /drover-guests.service has no After=virt-guest-shutdown.target/]],
  },
  {
    why: 'libvirt as it is shipped',
    units: { 'libvirtd.service': service(['network.target']) },
    wants: [
      ['unit-order', 'refused', /libvirtd.service has no After=openvswitch-switch.service .*drover-ports/],
    ],
  },
  {
    why: 'the modular daemon is held to the same',
    units: { 'virtqemud.service': service([]) },
    wants: [['unit-order', 'refused', /no After=virtqemud.service.*; virtqemud.service has no After=/]],
  },
  {
    why: 'a masked daemon has no order and needs none',
    units: { 'libvirtd.service': service([], { activeState: 'inactive', fileState: 'masked' }) },
    wants: [],
  },
  {
    why: 'the target takes no part',
    units: { 'virt-guest-shutdown.target': service([], { activeState: 'inactive' }) },
    wants: [['unit-order', 'refused', /target is not active/]],
  },
  {
    why: 'no sweep at boot',
    units: { 'drover-ports.service': service([], { activeState: 'inactive', fileState: 'disabled' }) },
    wants: [['unit-order', 'warning', /stale ports/]],
  },
  {
    why: 'a host without Open vSwitch has nothing to order with it',
    units: {
      ...Object.fromEntries([...switches, 'drover-ports.service'].map((name) => [name, undefined])),
      'libvirtd.service': service([]),
    },
    wants: [],
  },
];

t.test('findings', async (t) => {
  for (const each of cases) {
    const units = Object.fromEntries(
      Object.entries({ ...host, ...each.units }).flatMap(([name, unit]) => (unit ? [[name, unit]] : [])),
    );
    const inhibitDelayMaxMs = 'delayMs' in each ? each.delayMs : 315_000;
    const limits = { inhibitDelayMaxMs, defaultTimeoutStopMs: 90_000, units };
    const found = preflight({ limits, files: { ...noFiles, ...each.files } }, { ...stop, ...each.stop });
    const wrong = found.filter(({ status }) => status !== 'ok');
    t.same(
      wrong.map(({ check, status }) => [check, status]),
      each.wants.map(([check, status]) => [check, status]),
      each.why,
    );
    for (const [n, [, , words]] of each.wants.entries())
      t.match(`${wrong[n]?.message}\n${wrong[n]?.cure}`, words, each.why);
    t.ok(wrong.every(({ cure }) => cure !== '') && found.every(({ message }) => message !== ''));
    t.equal(
      isRefused(found),
      each.wants.some(([, status]) => status === 'refused'),
    );
    t.equal(new Set(found.map(({ check }) => check)).size, 5, 'every check says something');
  }
});

t.test('without systemd it is refused, and nothing else is said of units', async (t) => {
  const limits = { inhibitDelayMaxMs: undefined, defaultTimeoutStopMs: undefined, units: {} };
  const found = preflight({ limits, files: noFiles }, stop);
  t.same(
    found.map(({ check, status }) => `${check} ${status}`),
    ['owners ok', 'unit-order refused', 'budget ok'],
  );
});

t.test('files of other owners', async (t) => {
  const root = mkdtempSync(join(tmpdir(), 'drover-owners-'));
  t.teardown(() => rmSync(root, { recursive: true, force: true }));
  const write = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  t.same(readOwnerFiles(new HostRoot(root)), noFiles, 'nothing is there');
  write(
    '/etc/default/libvirt-guests',
    '#ON_SHUTDOWN=suspend\nON_SHUTDOWN=shutdown\nURIS=default\nON_BOOT="start"\n',
  );
  write('/etc/sysconfig/libvirt-guests', 'ON_SHUTDOWN=suspend # as it was\n');
  write(
    '/etc/libvirt/qemu.conf',
    '#auto_shutdown_try_save = "all"\nauto_shutdown_try_shutdown = "persistent"\nauto_shutdown_poweroff = "none"\nauto_shutdown_wait = 30\n',
  );
  write('/etc/libvirt/virtqemud.conf', 'auto_shutdown_poweroff = "transient"\n');
  write('/etc/nova/nova.conf', '[DEFAULT]\nresume_guests_state_on_host_boot = False\n');
  write('/etc/nova/nova.conf.d/50-hosts.conf', '[DEFAULT]\nresume_guests_state_on_host_boot=True\n');
  t.same(readOwnerFiles(new HostRoot(root)), {
    libvirtGuests: [
      { file: '/etc/default/libvirt-guests', key: 'ON_SHUTDOWN', value: 'shutdown' },
      { file: '/etc/default/libvirt-guests', key: 'ON_BOOT', value: 'start' },
      { file: '/etc/sysconfig/libvirt-guests', key: 'ON_SHUTDOWN', value: 'suspend' },
    ],
    autoShutdown: [
      { file: '/etc/libvirt/qemu.conf', key: 'auto_shutdown_try_shutdown', value: 'persistent' },
      { file: '/etc/libvirt/virtqemud.conf', key: 'auto_shutdown_poweroff', value: 'transient' },
    ],
    novaResume: {
      file: '/etc/nova/nova.conf.d/50-hosts.conf',
      key: 'resume_guests_state_on_host_boot',
      value: 'True',
    },
  });
});
