/** `drover-agent plan | apply | verify | revert` alone on this machine, as an operator types them: exit codes and words. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

if (process.getuid?.() !== 0) {
  t.plan(0, 'needs root to tune this machine');
  process.exit(0);
}

const program = fileURLToPath(new URL('../../agent/bin.cjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'drover-standalone-'));
const enabled = '/sys/kernel/mm/transparent_hugepage/enabled';
const ksmRun = '/sys/kernel/mm/ksm/run';
const chosen = (): string => /\[(\w+)\]/.exec(readFileSync(enabled, 'utf8'))?.[1] ?? '';
const originals = { thp: chosen(), ksm: readFileSync(ksmRun, 'utf8').trim() };
const other = originals.thp === 'never' ? 'madvise' : 'never';

t.teardown(() => {
  writeFileSync(enabled, originals.thp);
  writeFileSync(ksmRun, originals.ksm);
  rmSync(folder, { recursive: true, force: true });
});

const config = join(folder, 'agent.yaml');
writeFileSync(config, `state_directory: ${join(folder, 'state')}\n`);

/** Runs the agent; a profile is given as text. */
function agent(command: string, profile?: string, more: readonly string[] = []) {
  const file = join(folder, 'profile.yaml');
  if (profile !== undefined) writeFileSync(file, profile);
  const argv = [
    program,
    command,
    '--config',
    config,
    ...(profile === undefined ? [] : ['--profile', file]),
    ...more,
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 30_000 });
  return { status, stdout, stderr };
}

const profile = `name: alone\ntuners:\n  transparent-hugepages: {enabled: ${other}}\n  ksm: {run: 'on'}\n`;

t.test('plan, apply, verify, drift, revert', async (t) => {
  const plan = agent('plan', profile);
  t.match(
    plan,
    {
      status: 2,
      stdout: new RegExp(`transparent-hugepages\\s+enabled\\s+${originals.thp} → ${other}\\s+host`),
    },
    'pending changes exit with 2',
  );
  t.equal(chosen(), originals.thp, 'and nothing was written');
  t.match(agent('apply', profile), { status: 0, stdout: /applied and read back; 2 original values/ });
  t.equal(chosen(), other);
  t.equal(readFileSync(ksmRun, 'utf8').trim(), '1');
  t.match(agent('verify', profile), { status: 0, stdout: /everything is as it should be/ });
  writeFileSync(enabled, originals.thp);
  t.match(agent('verify', profile), { status: 2, stdout: /1 differ/ }, 'drift is seen');
  t.match(agent('apply', profile), { status: 0 }, 'and healed');
  t.match(agent('status'), {
    status: 0,
    stdout: /no agent runs; no profile; libvirt .*; 2 original values in the ledger/,
  });
  t.match(JSON.parse(agent('verify', profile, ['--output', 'json']).stdout), {
    settings: [
      { tuner: 'ksm', outcome: 'in-sync' },
      { tuner: 'transparent-hugepages', original: originals.thp },
    ],
  });
  t.match(agent('revert'), { status: 0, stdout: /2 settings put back, the ledger is empty/ });
  t.equal(chosen(), originals.thp);
  t.equal(readFileSync(ksmRun, 'utf8').trim(), originals.ksm);
  t.match(agent('revert'), { status: 0, stdout: /0 settings put back/ }, 'twice in a row');
});

t.test('what cannot be is refused before anything is written', async (t) => {
  const thp = `  transparent-hugepages: {enabled: ${other}}\n`;
  const bad: [string, string, RegExp][] = [
    [
      'an unknown key',
      `name: x\ntuners:\n${thp}  ksm: {run: 'on', speed: 5}\n`,
      /tuners\.ksm\.speed: unknown key .*pages_to_scan/,
    ],
    [
      'an unknown tuner',
      `name: x\ntuners:\n${thp}  kms: {run: 'on'}\n`,
      /tuners\.kms: unknown key; did you mean ksm/,
    ],
    [
      'an empty set',
      `name: x\ntuners:\n${thp}  vcpu-pinning: {shared: ''}\n`,
      /tuners\.vcpu-pinning\.shared: got "".*at least one CPU/,
    ],
    [
      'a reversed set',
      `name: x\ntuners:\n${thp}  vcpu-pinning: {shared: 7-4}\n`,
      /shared: got "7-4".*upwards/,
    ],
    [
      'a set beyond the host',
      `name: x\ntuners:\n${thp}  vcpu-pinning: {shared: 4000-4001}\n`,
      /vcpu-pinning\.shared: got "4000-4001"/,
    ],
    [
      'a negative quota',
      `name: x\ntuners:\n${thp}  cpu-qos: {vcpu_quota_us: -5}\n`,
      /cpu-qos\.vcpu_quota_us: got -5.*-1 \(no limit\)/,
    ],
    [
      'an absurd quota',
      `name: x\ntuners:\n${thp}  cpu-qos: {vcpu_quota_us: 1e18}\n`,
      /cpu-qos\.vcpu_quota_us/,
    ],
    [
      'a device that is not there',
      `name: x\ntuners:\n${thp}  block-qos: {device: /dev/nosuch, write_bytes_sec: 1}\n`,
      /block-qos\.device: got "\/dev\/nosuch"/,
    ],
    ['no YAML', 'name: [', /profile\.yaml/],
  ];
  for (const [what, text, words] of bad) t.match(agent('apply', text), { status: 64, stderr: words }, what);
  t.equal(chosen(), originals.thp, 'nothing half-written');
  t.match(agent('plan', 'name: x\ntuners: {}\n', ['--output', 'xml']), {
    status: 64,
    stderr: /--output: got "xml"; want table, json or yaml/,
  });
  t.match(spawnSync(process.execPath, [program, 'plan', '--profile', '/nonexistent'], { encoding: 'utf8' }), {
    status: 3,
    stderr: /\/nonexistent cannot be read/,
  });
  writeFileSync(join(folder, 'bad.yaml'), 'reconcile_interval: 5\n');
  t.match(
    spawnSync(process.execPath, [program, 'run', '--check-config', '--config', join(folder, 'bad.yaml')], {
      encoding: 'utf8',
    }),
    { status: 64, stderr: /reconcile_interval.*unknown key/ },
  );
});
