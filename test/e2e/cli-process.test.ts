/** `drover` as a process: pipes that close, exit codes that a shell sees, start-up that loads no gRPC. */
import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { startCannedControlPlane } from '../support/canned-control-plane.js';
import { makeAuthority, writeContext } from '../support/throw-away-authority.js';

const bin = fileURLToPath(new URL('../../controlplane/cli/bin.js', import.meta.url));
const drover = `'${process.execPath}' '${bin}'`;
const run = promisify(execFile);

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** A line of bash, with `env` and little else in its environment. */
async function bash(line: string, env: Record<string, string> = {}): Promise<Ended> {
  const options = {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env },
    cwd: '/',
    maxBuffer: 2 ** 24,
  };
  return run('bash', ['-c', line], options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => error as Ended,
  );
}

t.test('as a process', async (t) => {
  const authority = await makeAuthority('process test authority');
  const server = await startCannedControlPlane(authority.certificate, await authority.issue('control-plane'));
  t.teardown(() => server.close());
  const env = {
    DROVER_CONTEXT: writeContext(
      t.testdir({}),
      server.address,
      authority.certificate,
      await authority.issue('operator'),
    ),
  };

  await t.test('a reader that leaves early is not an error', async (t) => {
    const { stdout, stderr } = await bash(
      `${drover} host list --zone many -o json | head -1; echo "\${PIPESTATUS[0]}"`,
      env,
    );
    t.equal(stdout, '{\n0\n', 'the first line, and exit code 0');
    t.equal(stderr, '');
    const closed = await bash(`${drover} --help >&-; echo $?`);
    t.match(closed.stdout, /^\d+\n$/, 'a closed stdout does not hang');
  });

  await t.test('long output arrives whole', async (t) => {
    const { stdout } = await bash(`${drover} host list --zone many -o json | cat`, env);
    t.equal((JSON.parse(stdout) as { hosts: object[] }).hosts.length, 2000);
  });

  await t.test('exit codes and streams', async (t) => {
    t.match(await bash(`${drover} host show missing`, env), {
      code: 3,
      stdout: '',
      stderr: /^error: host missing is not known \(not-found\)\n {2}try: see drover host list\n$/,
    });
    t.match(await bash(`${drover} host list`, { DROVER_CONTEXT: '/nonexistent/context.json' }), {
      code: 64,
      stderr: /DROVER_CONTEXT: got "\/nonexistent\/context\.json"/,
    });
    t.match(await bash(`${drover} host lst`, env), { code: 64, stdout: '', stderr: /Did you mean list/ });
    t.match(await bash(`${drover} --version`), { code: 0, stdout: /^\d+\.\d+\.\d+\n$/ });
  });

  await t.test('bash completes commands, options and formats', async (t) => {
    const table: [typed: string[], offered: RegExp, not: RegExp][] = [
      [['ho'], /^host$/, /health/],
      [['host', ''], /list show update drain maintenance resume delete/, /completion/],
      [['host', 'list', '--z'], /^--zone$/, /--cpu/],
      [['--output', 'json', 'host', 'update', '--cpu'], /^--cpu-allocation-ratio$/, /zone/],
      [['host', 'list', '-o', 'y'], /^yaml$/, /json/],
      [['operation', 'start', ''], /^plan verify/, /list/],
      [['host', 'list', '--zone', ''], /^$/, /./],
    ];
    const { stdout: script } = await bash(`${drover} completion bash`);
    for (const [typed, offered, not] of table) {
      const words = ['drover', ...typed].map((word) => `'${word}'`).join(' ');
      const { stdout } = await bash(
        `source /dev/stdin <<<"$SCRIPT"; COMP_WORDS=(${words}); COMP_CWORD=${typed.length}; _drover; echo "\${COMPREPLY[*]}"`,
        { SCRIPT: script },
      );
      t.match(stdout.trim(), offered, typed.join(' '));
      t.notMatch(stdout.trim(), not, `${typed.join(' ')}: no more than that`);
    }
  });

  await t.test('help loads neither gRPC nor schemas nor YAML', async (t) => {
    const probe = `process.argv.splice(1, 1, 'drover', 'host', 'list', '--help'); await import(process.env.BIN); const { createRequire } = await import('node:module'); console.error(JSON.stringify(Object.keys(createRequire(process.env.BIN).cache)));`;
    const stderr = execFileSync(
      'bash',
      ['-c', `'${process.execPath}' --input-type=module -e "$PROBE" x 2>&1 >/dev/null`],
      { env: { ...process.env, PROBE: probe, BIN: bin }, encoding: 'utf8' },
    );
    const loaded = JSON.parse(stderr) as string[];
    t.ok(
      loaded.some((file) => file.includes('/commander/')),
      'the probe sees what is loaded',
    );
    t.same(
      loaded.filter((file) => /@grpc|protobufjs|\/zod\/|\/yaml\//.test(file)),
      [],
    );
  });
});
