/** Runs programs with a deadline. Everything else in this folder reaches the machine through a `Run`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RunOptions {
  /** Text for the program's standard input; absent: it is empty. */
  readonly input?: string;
  /** The program is killed after this time. Default 10 s. */
  readonly timeoutMs?: number;
}

/** Runs a program and answers its standard output. Errors: `CommandError` on a bad exit or a missed deadline. */
export type Run = (argv: readonly string[], options?: RunOptions) => Promise<string>;

/** Output that is kept of one program; what follows is dropped. */
export const maximumOutputBytes = 4 * 2 ** 20;

export class CommandError extends Error {
  /** Exit code; undefined when a signal ended the program or it could not be started. */
  readonly exitCode: number | undefined;
  readonly output: string;

  constructor(argv: readonly string[], exitCode: number | undefined, reason: string, output: string) {
    super(`${argv.join(' ')}: ${reason}${output.trim() === '' ? '' : `: ${output.trim().slice(0, 2000)}`}`);
    this.name = 'CommandError';
    this.exitCode = exitCode;
    this.output = output;
  }
}

/** A `Run` whose programs are started behind `prefix`, such as an nsenter call that puts them into namespaces. */
export function runner(prefix: readonly string[] = []): Run {
  return (argv, options = {}) => runOnce([...prefix, ...argv], options);
}

/** True when the program ends with exit code 0 in time. */
export async function succeeds(run: Run, argv: readonly string[], timeoutMs?: number): Promise<boolean> {
  return run(argv, timeoutMs === undefined ? {} : { timeoutMs }).then(
    () => true,
    () => false,
  );
}

function runOnce(argv: readonly string[], options: RunOptions): Promise<string> {
  const { timeoutMs = 10_000, input = '' } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(argv[0] as string, argv.slice(1), { stdio: 'pipe' });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    const read = Promise.all([once(child.stdout, 'end'), once(child.stderr, 'end')]).catch(() => undefined);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    const fail = (code: number | undefined, reason: string) =>
      reject(new CommandError(argv, code, reason, `${stderr()}${stdout()}`));
    child.on('error', (cause) => {
      clearTimeout(timer);
      fail(undefined, cause.message);
    });
    // 'exit', and then the end of its output, or a moment: a daemon that the program leaves behind keeps the pipes open.
    const ended = (code: number | null, signal: string | null): void => {
      if (code === 0) resolve(stdout());
      else
        fail(
          code ?? undefined,
          late ? `no answer within ${timeoutMs} ms` : signal ? `ended by ${signal}` : `exit code ${code}`,
        );
      child.stdout.destroy();
      child.stderr.destroy();
    };
    child.on('exit', (code, signal) => {
      clearTimeout(timer);
      void Promise.race([read, sleep(daemonPipeMs)]).then(() => ended(code, signal));
    });
    child.stdin.on('error', () => undefined); // the program may not read its input
    child.stdin.end(input);
  });
}

/** How long output is waited for after a program ended whose daemon still holds its pipes. What was written is read at once. */
const daemonPipeMs = 500;

function collect(stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('data', (chunk: Buffer) => {
    if (size < maximumOutputBytes) chunks.push(chunk);
    size += chunk.length;
  });
  return () => Buffer.concat(chunks).toString('utf8').slice(0, maximumOutputBytes);
}
