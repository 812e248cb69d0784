/** The program: reads the command line, runs one command, prints its answer, says how it ended. */
import { createStyle } from '../../proto/output/style.js';
import { writeText } from '../../proto/output/stdout.js';
import type { Page } from '../../proto/output/table.js';
import type { Api } from './client.js';
import type { Call, Io, Result } from './command.js';
import { buildProgram, parseCommandLine, type Invocation } from './program.js';

/**
 * Runs one command line and answers the exit code (`exitCodes` in proto/wire/errors.ts). Never throws for an operating
 * error: that is text on `io.stderr`. A reader of stdout that leaves early is not an error.
 */
export async function run(io: Io): Promise<number> {
  const parsed = parseCommandLine(io.argv, {
    version: io.version,
    width: io.stdout.isTTY ? io.stdout.columns : undefined,
  });
  if (parsed.kind === 'run') return runCommand(io, parsed.invocation);
  await writeText(io.stdout, parsed.out);
  await writeText(io.stderr, parsed.error);
  return parsed.failed ? (await import('../../proto/wire/errors.js')).exitCodes.usage : 0;
}

async function runCommand(io: Io, invocation: Invocation): Promise<number> {
  const session = openSession(io, invocation);
  try {
    const result = await invocation.command.run(session.call);
    await print(io, invocation, result);
    return result.exit ?? 0;
  } catch (error) {
    const { reportError } = await import('./report-error.js');
    return await reportError(error, io, invocation.globals.output);
  } finally {
    session.close();
  }
}

async function print(io: Io, invocation: Invocation, result: Result): Promise<void> {
  const { render } = await import('../../proto/output/formats.js');
  const format = invocation.globals.output;
  await writeText(io.stdout, await render(result, format, pageOf(io)));
  if (result.note !== undefined && format === 'table') await writeText(io.stderr, `${result.note}\n`);
}

function pageOf(io: Io): Page {
  const isTerminal = io.stdout.isTTY === true;
  return {
    width: isTerminal ? io.stdout.columns : undefined,
    style: createStyle({ isTerminal, env: io.env }),
  };
}

/** The parts of a call that cost something, made when they are first asked for. */
function openSession(io: Io, { args, options, globals }: Invocation): { call: Call; close: () => void } {
  let api: Api | undefined;
  const context = async () => {
    const { findContext } = await import('./context.js');
    return findContext({
      given: globals.context,
      env: io.env,
      cwd: io.cwd,
      systemDirectory: io.systemDirectory,
    });
  };
  const open = async () => {
    const { openApi, readTimeoutMs } = await import('./client.js');
    const timeoutMs = readTimeoutMs(globals.timeout);
    return (api ??= openApi(await context(), { timeoutMs }));
  };
  return {
    call: {
      args,
      options: options as Call['options'],
      io,
      context,
      api: open,
      tree: () => buildProgram({ version: '' }, () => undefined),
    },
    close: () => api?.close(),
  };
}
