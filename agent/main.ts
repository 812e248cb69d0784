/** drover-agent: reads the command line and the environment, and nothing else does. */
import { existsSync, readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { pino } from 'pino';
import type { OutputFormat } from '../proto/output/formats.js';
import { asDroverError, exitCodes, invalid } from '../proto/wire/errors.js';
import { checkSimpleName } from '../proto/wire/names.js';
import { addGuestCommands } from './commands/add-guests.js';
import { loadConfig, parseConfig, type AgentConfig } from './config.js';
import type { RunOptions } from './commands/run.js';
import type { StandaloneCommand } from './commands/standalone.js';

type Env = Readonly<Record<string, string | undefined>>;

const defaultConfig = '/etc/drover/agent.yaml';

/** Runs one command line; ends the process when it is done, except for `run` and `sim`, which stay. */
export async function main(argv: readonly string[], env: Env): Promise<void> {
  const program = new Command('drover-agent')
    .version(version())
    .description('Keeps a KVM host at its desired state.')
    .exitOverride();
  addRun(program, env);
  addJoin(program);
  addSim(program);
  addStandalone(program);
  addFacts(program);
  addExplain(program);
  addGuestCommands(program, {
    defaultConfig,
    configOf,
    version,
    isRoot,
    leave,
    log: () => pino({ level: levelOf(env['DROVER_LOG_LEVEL']) ?? 'warn', base: null }, pino.destination(2)),
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (thrown) {
    await leave(complain(thrown));
  }
}

function addRun(program: Command, env: Env): void {
  program
    .command('run')
    .description('keep this host at its desired state until stopped')
    .option('--config <file>', 'configuration file', defaultConfig)
    .option('--join-address <host:port>', 'where to join when this host has not joined yet')
    .option(
      '--join-token-file <file>',
      'file with the join token (not on the command line, where others see it)',
    )
    .option('--check-config', 'check the configuration and end')
    .action(
      async (options: {
        config: string;
        joinAddress?: string;
        joinTokenFile?: string;
        checkConfig?: boolean;
      }) => {
        const config = configOf(options.config);
        if (options.checkConfig) return leave(exitCodes.ok);
        const { startAgent } = await import('./commands/run.js');
        const running = await startAgent({
          config,
          version: version(),
          isRoot: isRoot(),
          program: process.execPath,
          log: logger(env, config),
          join: joinOf(options),
        });
        stayUntilToldToEnd(running);
      },
    );
}

interface SimCommand {
  hosts: string;
  prefix: string;
  state: string;
  joinAddress: string;
  joinTokenFile: string;
}

function addJoin(program: Command): void {
  program
    .command('join')
    .description(
      'join a control plane, also again after the certificate expired or the host was deleted there',
    )
    .option('--config <file>', 'configuration file', defaultConfig)
    .requiredOption('--join-address <host:port>', 'enrolment address of the control plane')
    .requiredOption('--join-token-file <file>', 'file with the join token')
    .action(async (options: { config: string; joinAddress: string; joinTokenFile: string }) => {
      const { joinAnew } = await import('./commands/join.js');
      const join = { address: options.joinAddress, tokenFile: options.joinTokenFile };
      const id = await joinAnew({ config: configOf(options.config), join, log: pino({ level: 'silent' }) });
      process.stdout.write(`joined as host ${id}; start the agent with drover-agent run\n`);
      await leave(exitCodes.ok);
    });
}

function addSim(program: Command): void {
  program
    .command('sim')
    .description('run simulated hosts: the real agent over kernels and hypervisors in memory')
    .requiredOption('--hosts <number>', 'how many')
    .option('--prefix <name>', 'what their names begin with', 'sim')
    .requiredOption('--state <directory>', 'where their identities and ledgers are kept')
    .requiredOption('--join-address <host:port>', 'where to join')
    .requiredOption('--join-token-file <file>', 'file with a join token a line')
    .action(async (options: SimCommand) => {
      const { startSim } = await import('./commands/sim.js');
      const { readTokens } = await import('./commands/run.js');
      const join = { address: options.joinAddress, tokens: readTokens(options.joinTokenFile) };
      const running = await startSim({
        hosts: Number(options.hosts),
        prefix: checkSimpleName(options.prefix, '--prefix'),
        state: options.state,
        join,
        version: version(),
        log: pino({ level: 'warn' }),
      });
      stayUntilToldToEnd(running);
    });
}

const standaloneTexts: readonly (readonly [StandaloneCommand, string])[] = [
  ['plan', 'show what a profile would change on this host; writes nothing'],
  ['apply', 'put a profile in force on this host and read it back'],
  ['verify', 'look whether this host is as a profile says'],
  ['revert', 'put back every setting from the ledger'],
  ['status', 'show what runs, and the original values in the ledger'],
];

function addStandalone(program: Command): void {
  for (const [name, text] of standaloneTexts) {
    const command = program
      .command(name)
      .description(text)
      .option('--config <file>', 'configuration file', defaultConfig)
      .option('--output <format>', 'table, json or yaml', 'table');
    if (name !== 'revert' && name !== 'status') command.requiredOption('--profile <file>', 'profile file');
    command.action(async (options: { config: string; output: string; profile?: string }) => {
      const output = formatOf(options.output);
      const { standalone } = await import('./commands/standalone.js');
      const { printSettings } = await import('./commands/print.js');
      const answer = await standalone({
        command: name,
        config: configOf(options.config),
        profileFile: options.profile,
        version: version(),
        isRoot: isRoot(),
        log: pino({ level: 'silent' }),
      });
      await printSettings(answer, output, process.stdout, process.env);
      await leave(answer.exit);
    });
  }
}

function addFacts(program: Command): void {
  program
    .command('facts')
    .description('show what this host is, as JSON')
    .option('--config <file>', 'configuration file', defaultConfig)
    .action(async (options: { config: string }) => {
      const { openLocalHost } = await import('./compose.js');
      const host = await openLocalHost(
        configOf(options.config),
        { agentVersion: version(), isRoot: isRoot(), readOnly: true },
        pino({ level: 'silent' }),
      );
      const { wireNames } = await import('../proto/output/wire-names.js');
      process.stdout.write(`${JSON.stringify(wireNames(await host.facts()), null, 2)}\n`);
      await leave(exitCodes.ok);
    });
}

function addExplain(program: Command): void {
  program
    .command('explain')
    .description('manuals of tuners')
    .argument('<what>', 'tuner')
    .argument('[name]', 'name of the tuner; without it, all are listed')
    .option('--output <format>', 'table, json or yaml', 'table')
    .action(async (what: string, name: string | undefined, options: { output: string }) => {
      if (what !== 'tuner') throw invalid('explain', what, 'tuner');
      const format = formatOf(options.output);
      const { printManual } = await import('./commands/explain.js');
      await printManual(name, format, process.stdout, process.env);
      await leave(exitCodes.ok);
    });
}

/** The default file may be absent; one that was named may not. */
function configOf(file: string): AgentConfig {
  return file === defaultConfig && !existsSync(file) ? parseConfig('', file) : loadConfig(file);
}

function joinOf(options: { joinAddress?: string; joinTokenFile?: string }): RunOptions['join'] {
  const { joinAddress: address, joinTokenFile: tokenFile } = options;
  if (address === undefined && tokenFile === undefined) return undefined;
  if (address === undefined || tokenFile === undefined)
    throw invalid('--join-address', address ?? 'nothing', 'both --join-address and --join-token-file');
  return { address, tokenFile };
}

function formatOf(text: string): OutputFormat {
  if (text !== 'table' && text !== 'json' && text !== 'yaml')
    throw invalid('--output', text, 'table, json or yaml');
  return text;
}

/** SIGTERM and SIGINT end the program in order; the host stays as it is. */
function stayUntilToldToEnd(running: { stop(): Promise<void> }): void {
  let ending = false;
  const end = (): void => {
    if (ending) return;
    ending = true;
    const grace = setTimeout(() => void leave(exitCodes.failed), 8_000);
    void running.stop().then(
      () => leave(exitCodes.ok),
      (error: unknown) => leave(complain(error)),
    );
    grace.unref();
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
}

/** Ends at once: process.exit would wait for libvirt calls that hang in the thread pool. */
async function leave(code: number): Promise<void> {
  await new Promise((resolve) => process.stdout.write('', resolve));
  const { quickExit } = await import('./libvirt/quick-exit.js');
  quickExit(code);
}

function complain(thrown: unknown): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const error = asDroverError(thrown);
  process.stderr.write(`drover-agent: ${error.message}\n`);
  return error.kind.exit;
}

function logger(env: Env, config: AgentConfig): ReturnType<typeof pino> {
  return pino({ level: levelOf(env['DROVER_LOG_LEVEL']) ?? config.log_level, base: null });
}

/** Errors: `invalid-argument` for a level that there is not. */
function levelOf(text: string | undefined): string | undefined {
  const levels = ['debug', 'info', 'warn', 'error'];
  if (text !== undefined && !levels.includes(text))
    throw invalid('DROVER_LOG_LEVEL', text, levels.join(', '));
  return text;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function version(): string {
  return (
    JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  ).version;
}
