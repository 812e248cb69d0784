/** The commands for a host's guests on `drover-agent`'s command line; what they do is loaded when one is called. */
import type { Command } from 'commander';
import { invalid } from '../../proto/wire/errors.js';
import type { AgentConfig } from '../config.js';
import type { Log } from '../log.js';
import type * as commands from './guests.js';
import type { GuestCommand } from './guests.js';

/** What every command has. */
export interface CommandContext {
  readonly defaultConfig: string;
  configOf(file: string): AgentConfig;
  version(): string;
  isRoot(): boolean;
  log(): Log;
  /** Ends the process. */
  leave(code: number): Promise<void>;
}

interface Options {
  config: string;
  profile?: string;
  plan?: boolean;
  hostShutdown?: boolean;
  limitSeconds?: string;
}

type Commands = typeof commands;
type Work = (commands: Commands, command: GuestCommand) => Promise<number>;

/** `stop-guests`, `start-guests` and `sweep-ports`. */
export function addGuestCommands(program: Command, context: CommandContext): void {
  const config = ['--config <file>', 'configuration file', context.defaultConfig] as const;
  const profile = ['--profile <file>', 'profile file instead of the profile that the agent holds'] as const;
  const run = (options: Options, work: Work): Promise<void> => runCommand(context, options, work);
  program
    .command('stop-guests')
    .description('stop all guests of this host in order')
    .option(...config)
    .option(...profile)
    .option('--plan', 'only show what would happen, how long it takes at most, and what is in the way')
    .option(
      '--host-shutdown',
      'as a unit runs it when the host goes down; where it does not, nothing is done',
    )
    .option('--limit-seconds <number>', 'with --host-shutdown: when the host goes down whatever guests do')
    .action((options: Options) => run(options, (commands, command) => stop(options, commands, command)));
  program
    .command('start-guests')
    .description('start the guests that the last stop turned off, in order')
    .option(...config)
    .option(...profile)
    .action((options: Options) => run(options, (commands, command) => commands.startGuests(command)));
  program
    .command('sweep-ports')
    .description('remove ports of guests that are gone from Open vSwitch')
    .option(...config)
    .action((options: Options) => run(options, (commands, command) => commands.sweepPorts(command)));
}

async function stop(options: Options, commands: Commands, command: GuestCommand): Promise<number> {
  if (options.plan) return commands.planStopGuests(command);
  if (!options.hostShutdown) return commands.stopGuests(command);
  return commands.stopForShutdown(command, secondsOf(options.limitSeconds));
}

async function runCommand(context: CommandContext, options: Options, work: Work): Promise<void> {
  const config = context.configOf(options.config);
  const commands = await import('./guests.js');
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  const { version, isRoot, log, leave } = context;
  const command = {
    config,
    version: version(),
    isRoot: isRoot(),
    profileFile: options.profile,
    log: log(),
    print,
  };
  await leave(await work(commands, command));
}

function secondsOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 30 || seconds > 86_400)
    throw invalid('--limit-seconds', text, 'whole seconds from 30 to 86400');
  return seconds;
}
