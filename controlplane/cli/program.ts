/** The command line as commander sees it, made from the list of commands. */
import { Argument, Command, CommanderError, Option } from 'commander';
import type { LeafCommand, NounCommand, OptionSpec } from './command.js';
import { commands } from './commands/index.js';

/** What a command line asks for. */
export interface Invocation {
  readonly command: LeafCommand;
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly globals: Globals;
}

export interface Globals {
  readonly output: 'table' | 'json' | 'yaml';
  readonly context?: string;
  readonly timeout?: string;
}

/** Either a command to run, or text for the two streams with the way it ended. */
export type Parsed =
  | { readonly kind: 'run'; readonly invocation: Invocation }
  | { readonly kind: 'text'; readonly out: string; readonly error: string; readonly failed: boolean };

export interface ProgramConditions {
  readonly version: string;
  /** Columns for help; undefined: 100. */
  readonly width?: number | undefined;
}

/** Reads a command line. Help, the version and usage errors come back as text. */
export function parseCommandLine(argv: readonly string[], conditions: ProgramConditions): Parsed {
  let invocation: Invocation | undefined;
  const written = { out: '', error: '' };
  const program = buildProgram(conditions, (found) => (invocation = found));
  configure(program, written, conditions.width);
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return { kind: 'text', ...written, failed: error.exitCode !== 0 };
  }
  return invocation ? { kind: 'run', invocation } : { kind: 'text', ...written, failed: true };
}

/** The tree of commands. `found` is called with the leaf that a parsed line names. */
export function buildProgram(
  conditions: ProgramConditions,
  found: (invocation: Invocation) => void,
): Command {
  const program = new Command('drover')
    .description('Drives a fleet of KVM hosts: placement, host tuning and hypervisor health.')
    .version(conditions.version, '-V, --version', 'print the version')
    .addOption(
      new Option('-o, --output <format>', 'form of the answer')
        .choices(['table', 'json', 'yaml'])
        .default('table'),
    )
    .option('--context <file>', 'context file of the control plane to speak to')
    .option('--timeout <seconds>', 'longest wait for one answer (default: 10)')
    .helpOption('-h, --help', 'show help')
    .addHelpText('before', examples(['drover host list', 'drover place --vcpus 4 --memory 8GiB --explain']));
  for (const command of commands)
    program.addCommand('commands' in command ? nounOf(command, found) : leafOf(command, found));
  return program;
}

/** Every command below is told too: commander copies such settings only to commands that it makes itself. */
function configure(command: Command, written: { out: string; error: string }, width = 100): void {
  command.exitOverride().configureHelp({ showGlobalOptions: true, helpWidth: width });
  command.configureOutput({
    writeOut: (text) => (written.out += text),
    writeErr: (text) => (written.error += text),
    getOutHelpWidth: () => width,
    getErrHelpWidth: () => width,
  });
  for (const below of command.commands) configure(below, written, width);
}

function nounOf(noun: NounCommand, found: (invocation: Invocation) => void): Command {
  const command = new Command(noun.name).description(noun.summary);
  command.addHelpText('before', examples(noun.commands.flatMap((each) => each.examples.slice(0, 1))));
  for (const each of noun.commands) command.addCommand(leafOf(each, found));
  return command;
}

function leafOf(spec: LeafCommand, found: (invocation: Invocation) => void): Command {
  const command = new Command(spec.name)
    .description(spec.summary)
    .addHelpText('before', examples(spec.examples));
  if (spec.alias !== undefined) command.alias(spec.alias);
  for (const [name, summary, choices] of spec.args ?? []) {
    const argument = new Argument(name, summary);
    if (choices) argument.choices([...choices]);
    if (choices && spec.takesAnyArgs) argument.argParser((value: string) => value);
    command.addArgument(argument);
  }
  for (const [key, option] of Object.entries(spec.options)) command.addOption(optionOf(key, option));
  return command.action(() => {
    const globals = command.optsWithGlobals<Globals>();
    found({ command: spec, args: command.args, options: command.opts(), globals });
  });
}

function optionOf(key: string, spec: OptionSpec): Option {
  const option = new Option(spec.flags, spec.summary).conflicts([...(spec.conflicts ?? [])]);
  if (option.attributeName() !== key) throw new Error(`option ${spec.flags} stands under the key ${key}`);
  if (spec.kind === 'flag') option.default(false);
  if (spec.kind === 'list')
    option.default([], 'none').argParser((value, before: string[]) => [...before, value]);
  return option;
}

function examples(lines: readonly string[]): string {
  return `Examples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;
}
