/** The pages hold what the code says: keys and defaults, limits, links, targets, commands; and the units are sound. */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix } from 'node:path';
import t from 'tap';
import * as agent from '../../../agent/config.js';
import { maximumReportedDomains } from '../../../agent/host/reports.js';
import { maximumWaitingCalls } from '../../../agent/reconcile/reconciler.js';
import { maximumLedgerEntries } from '../../../agent/reconcile/ledger.js';
import { maximumEnrolments } from '../../../controlplane/api/enrolment.js';
import { maximumEnrolmentBytes, maximumStreams } from '../../../controlplane/api/server.js';
import { commands } from '../../../controlplane/cli/commands/index.js';
import * as controlPlane from '../../../controlplane/config.js';
import { maximumHosts } from '../../../controlplane/fleet/directory.js';
import { longestAnswer } from '../../../controlplane/api/health.js';
import { operationLimits } from '../../../controlplane/operations/operations.js';
import { profileLimits } from '../../../controlplane/profiles/profiles.js';
import * as tokens from '../../../controlplane/security/join-tokens.js';
import { maximumRequestBytes } from '../../../proto/wire/csr.js';
import * as limits from '../../../proto/wire/limits.js';
import { maximumLabels } from '../../../proto/wire/names.js';
import { maximumProfileBytes, maximumTrialSeconds, parseProfile } from '../../../proto/wire/profile.js';
import { tunerSettings } from '../../../proto/wire/tuner-settings.js';
import { coded, commandsOf, deadLinks, makeTargets, rowsBelow } from './markdown.js';

const root = join(import.meta.dirname, '../../../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const below = (folder: string): string[] =>
  (readdirSync(join(root, folder), { recursive: true }) as string[]).map((file) => posix.join(folder, file));
const pages = [...below('docs'), ...readdirSync(root)].filter((path) => path.endsWith('.md'));

t.test('every relative link leads somewhere', async (t) => {
  t.same(deadLinks(root, 'docs/x.md', '[a](nowhere.md) [b](README.md#x) [c](https://x) [d](#e)'), [
    'docs/x.md: nowhere.md',
  ]);
  t.same(deadLinks(root, 'docs/x.md', '```\n[a](nowhere.md)\n```'), []);
  t.ok(pages.length > 10, `${pages.length} pages`);
  t.same(
    pages.flatMap((page) => deadLinks(root, page, read(page))),
    [],
  );
});

t.test('the index names every page', async (t) => {
  const index = read('docs/README.md');
  const missing = below('docs').filter(
    (page) =>
      page.endsWith('.md') && page !== 'docs/README.md' && !index.includes(`(${page.slice('docs/'.length)})`),
  );
  t.same(missing, []);
});

t.test('every target and command that a page names exists', async (t) => {
  t.same(makeTargets('Type `make run`, or\n\n    make test-unit\nthey make nothing'), ['run', 'test-unit']);
  const targets = [...read('Makefile').matchAll(/^([a-z0-9-]+):/gm)].map((match) => match[1] as string);
  for (const page of pages)
    for (const target of makeTargets(read(page))) t.ok(targets.includes(target), `${page}: make ${target}`);

  t.same(commandsOf('drover', '`drover host list --zone a`\n$ drover profile apply FILE\nthe drover is'), [
    ['host', 'list'],
    ['profile', 'apply'],
  ]);
  const known = new Set(
    commands.flatMap((command) =>
      'commands' in command ? command.commands.map((leaf) => `${command.name} ${leaf.name}`) : [command.name],
    ),
  );
  for (const page of pages)
    for (const [noun = '', verb = ''] of commandsOf('drover', read(page)))
      t.ok(known.has(noun) || known.has(`${noun} ${verb}`), `${page}: drover ${noun} ${verb}`);

  for (const [program, file] of [
    ['drover-agent', 'agent/bin.cjs'],
    ['drover-controlplane', 'controlplane/bin.js'],
  ] as const) {
    const help = execFileSync(process.execPath, [join(root, 'build', file), '--help'], { encoding: 'utf8' });
    const own = [...help.matchAll(/^ {2}([a-z-]+) \[/gm)].map((match) => match[1] as string);
    for (const page of pages)
      for (const [name = ''] of commandsOf(program, read(page)))
        t.ok(own.includes(name), `${page}: ${program} ${name}`);
  }
});

t.test('configuration.md has every key with its default', async (t) => {
  const page = read('docs/reference/configuration.md');
  for (const [file, config] of [
    ['agent.yaml', agent],
    ['controlplane.yaml', controlPlane],
  ] as const) {
    const rows = rowsBelow(page, file);
    t.same(
      rows.map(([key]) => coded(key)),
      config.configKeys,
      `${file}: the keys, in the order of the schema`,
    );
    const defaults = config.parseConfig('', file) as Record<string, unknown>;
    for (const [key, , shown] of rows) {
      const value = defaults[coded(key)];
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      if (value !== undefined && value !== '') t.equal(coded(shown), text, `${file}: default of ${key}`);
    }
  }
});

t.test('protocol.md has every limit with its value', async (t) => {
  const rows = rowsBelow(read('docs/reference/protocol.md'), 'Limits');
  const shown = new Map(rows.map(([, value, constant]) => [coded(constant), value ?? '']));
  const bytes = (value: number): string =>
    value >= 2 ** 20 ? `${value / 2 ** 20} MiB` : `${value / 1024} KiB`;
  const seconds = (ms: number): string => `${ms / 1000} s`;
  const count = (value: number): string => value.toLocaleString('en-US');
  const wanted: Record<string, string> = {
    protocolVersions: `${limits.protocolVersions.lowest} to ${limits.protocolVersions.highest}`,
    maximumMessageBytes: bytes(limits.maximumMessageBytes),
    outboxLimit: count(limits.outboxLimit),
    heartbeatIntervalMs: seconds(limits.heartbeatIntervalMs),
    keepalive: `${seconds(limits.keepalive.timeMs)} + ${seconds(limits.keepalive.timeoutMs)}`,
    unaryDeadlineMs: seconds(limits.unaryDeadlineMs),
    backoff: `${seconds(limits.backoff.firstMs)} to ${seconds(limits.backoff.longestMs)}`,
    maximumRequestBytes: bytes(maximumRequestBytes),
    maximumEnrolmentBytes: bytes(maximumEnrolmentBytes),
    maximumEnrolments: count(maximumEnrolments),
    maximumStreams: count(maximumStreams),
    maximumLabels: count(maximumLabels),
    maximumProfileBytes: bytes(maximumProfileBytes),
    maximumToldAllocations: count(limits.maximumToldAllocations),
    maximumTrialSeconds: `${maximumTrialSeconds} s`,
    maximumReportedDomains: count(maximumReportedDomains),
    maximumWaitingCalls: count(maximumWaitingCalls),
    maximumLedgerEntries: count(maximumLedgerEntries),
    maximumHosts: count(maximumHosts),
    profileLimits: `${count(profileLimits.profiles)}; ${profileLimits.revisions}`,
    operationLimits: `${count(operationLimits.kept)}, ${bytes(operationLimits.keptBytes)}; ${operationLimits.running}; ${seconds(operationLimits.longestDeadlineMs)}; ${count(operationLimits.errorChars)}`,
    longestAnswer: count(longestAnswer),
    maximumOutstandingTokens: count(tokens.maximumOutstandingTokens),
    maximumTtlSeconds: `${count(tokens.maximumTtlSeconds)} s`,
  };
  for (const [constant, value] of Object.entries(wanted)) t.equal(shown.get(constant), value, constant);
  t.same([...shown.keys()].toSorted(), Object.keys(wanted).toSorted(), 'and no other row');
});

t.test('the profile in profiles.md is one that Drover takes', async (t) => {
  const yaml = /```yaml\n([^]*?)```/.exec(read('docs/reference/profiles.md'))?.[1] ?? '';
  const sample = parseProfile(read('scripts/samples/nova-classic.yaml'));
  const { tuners, name, ...rest } = parseProfile(yaml, 'profiles.md');
  t.same(tuners, sample.tuners, 'with the settings of the sample');
  t.not(name, sample.name, 'under a name of its own');
  t.ok(rest.priority !== 0 && rest.selector.hosts.length > 0, 'with priority and selector');
});

t.test('every tuner is shown in a sample or on its page, and the overview links it', async (t) => {
  const samples = below('scripts/samples').flatMap((file) =>
    Object.keys(parseProfile(read(file), file).tuners),
  );
  t.ok(new Set(samples).size > 10, 'the samples use most of them');
  const rows = rowsBelow(read('docs/reference/tuners.md'), 'The tuners');
  t.same(
    rows.map(([name]) => name),
    Object.keys(tunerSettings).map((name) => `[${name}](tuners/${name}.md)`),
    'a line for each, in the order in which they run',
  );
  for (const name of Object.keys(tunerSettings)) {
    const example = /^```yaml\n([^]*?)^```/m.exec(read(`docs/reference/tuners/${name}.md`))?.[1] ?? '';
    t.ok(samples.includes(name) || new RegExp(`^ {2}${name}:`, 'm').test(example), name);
  }
});

t.test('each condition has its page', async (t) => {
  const types = [...read('controlplane/health/conditions.ts').matchAll(/verdict\(\s*'([a-z]+)'/g)];
  const named = [...new Set(types.map((match) => match[1] as string))];
  t.same(named.toSorted(), ['controllable', 'guests', 'reachable', 'tuned']);
  for (const name of named) {
    const page = read(`docs/runbooks/${name}.md`);
    const own = new RegExp(`verdict\\(\\s*'${name}',\\s*'([a-z]+)',\\s*'([a-z-]+)'`, 'g');
    for (const [, status = '', reason = ''] of read('controlplane/health/conditions.ts').matchAll(own))
      t.match(page, new RegExp(`\\| \`${status}\` +\\| \`${reason}\``), `${name}: ${status}, ${reason}`);
  }
});

const units = ['drover-agent.service', 'drover-controlplane.service'] as const;

t.test('the units keep their promises', async (t) => {
  for (const unit of units) {
    const text = read(`systemd/${unit}`).replaceAll(/^#.*\n/gm, '');
    for (const line of [
      'Restart=always',
      'NoNewPrivileges=yes',
      'ProtectSystem=strict',
      'StartLimitIntervalSec=0',
    ])
      t.match(text, new RegExp(`^${line}$`, 'm'), `${unit}: ${line}`);
    t.notMatch(text, /MemoryDenyWriteExecute/, `${unit}: V8 makes code at run time`);
    t.match(text, /^SystemCallFilter=@system-service @pkey$/m, `${unit}: V8 calls pkey_alloc`);
    for (const [, path = ''] of text.matchAll(/\/usr\/lib\/drover\/(\S+)/g))
      t.ok(existsSync(join(root, path)), `${unit}: ${path}`);
  }
  const text = read(`systemd/${units[0]}`).replaceAll(/^#.*\n/gm, '');
  t.match(text, /^Type=notify$/m);
  t.match(read('agent/commands/run.ts'), /notifier\(\)[^]*\.ready\(/, 'the agent says READY=1');
  t.match(text, /^Environment=UV_THREADPOOL_SIZE=48$/m);
  t.match(text, /^KillMode=process$/m, 'a stop ends no process but the agent');
  t.notMatch(text, /ProtectKernelTunables|ProtectControlGroups|PrivateDevices|ProtectProc/, 'it writes /sys');
});

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0;

t.test('systemd takes the units', { skip: analyze ? false : 'needs systemd-analyze' }, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-units-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const program = join(directory, 'node');
  copyFileSync('/bin/true', program);
  const files = units.map((unit) => join(directory, unit));
  units.forEach((unit, index) =>
    writeFileSync(files[index] as string, read(`systemd/${unit}`).replaceAll('/usr/bin/node', program)),
  );
  const verify = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { encoding: 'utf8' });
  const ours = verify.stderr.split('\n').filter((line) => line.includes(directory) || /drover-/.test(line));
  t.same([verify.status, ours], [0, []]);

  const broken = join(directory, 'drover-broken.service');
  writeFileSync(broken, '[Service]\nExecStart=relative\nKillMode=sometimes\n');
  t.not(spawnSync('systemd-analyze', ['verify', '--man=no', broken]).status, 0, 'a wrong unit is refused');

  for (const [file, most] of [
    [files[0] as string, 40],
    [files[1] as string, 20],
  ] as const) {
    const security = ['security', '--offline=true', '--no-pager', `--threshold=${most}`, file];
    const { status, stdout } = spawnSync('systemd-analyze', security, { encoding: 'utf8' });
    t.comment(stdout.trim().split('\n').at(-1));
    t.equal(status, 0, `${file}: exposure of at most ${most / 10}`);
  }
});
