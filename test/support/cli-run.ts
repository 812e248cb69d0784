/** Runs `drover` in this process, with streams that are kept as text. */
import { Writable } from 'node:stream';
import type { Io } from '../../controlplane/cli/command.js';
import { run } from '../../controlplane/cli/main.js';
import { cannedNowMs } from './canned-messages.js';

export interface Ran {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunConditions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  /** Columns of the terminal that stdout is; undefined: it is none. */
  readonly columns?: number;
  readonly now?: () => number;
}

/** One command line; the environment is empty unless given. Sleeping takes no time. */
export async function runDrover(argv: readonly string[], conditions: RunConditions = {}): Promise<Ran> {
  const stdout = new Collector(conditions.columns);
  const stderr = new Collector(undefined);
  const io: Io = {
    argv,
    env: conditions.env ?? {},
    stdout,
    stderr,
    cwd: conditions.cwd ?? '/',
    systemDirectory: '/nonexistent/drover',
    version: '0.0.0-test',
    now: conditions.now ?? (() => cannedNowMs),
    sleep: async () => undefined,
    newKey: () => 'fresh-key',
  };
  const exit = await run(io);
  return { exit, stdout: stdout.text, stderr: stderr.text };
}

class Collector extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;

  constructor(columns: number | undefined) {
    super({ decodeStrings: false });
    this.isTTY = columns !== undefined;
    this.columns = columns ?? 0;
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}
