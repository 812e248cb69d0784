/** What `make run` shows: plain sections, as a person reads them. */
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { run as runDrover } from '../../controlplane/cli/main.js';

export function heading(text: string): void {
  process.stdout.write(`\n── ${text} ${'─'.repeat(Math.max(0, 96 - text.length))}\n`);
}

export function line(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Whose `drover` commands run. */
export interface Asking {
  readonly project: string;
  /** Context file of the control plane. */
  readonly context: string;
}

/** Runs a `drover` command in this process, shows it as it would be typed, and answers its exit code. */
export async function drover(argv: readonly string[], asking: Asking): Promise<number> {
  const shown = argv.map((part) => part.replace(`${asking.project}/`, ''));
  line(`$ npx drover ${shown.map((part) => (/[^\w./:=-]/.test(part) ? `'${part}'` : part)).join(' ')}`);
  const { code, text, error } = await capture(argv, asking);
  process.stdout.write(text + error);
  return code;
}

/** Runs a `drover` command with JSON output and answers the message. Errors: with the command's words. */
export async function ask<Message>(argv: readonly string[], asking: Asking): Promise<Message> {
  const { code, text, error } = await capture([...argv, '--output', 'json'], asking);
  if (code !== 0) throw new Error(`drover ${argv.join(' ')}: ${error || text}`);
  return JSON.parse(text) as Message;
}

async function capture(
  argv: readonly string[],
  asking: Asking,
): Promise<{ code: number; text: string; error: string }> {
  const out = collector();
  const error = collector();
  const env = { DROVER_CONTEXT: asking.context, NO_COLOR: '1' };
  const io = {
    argv,
    env,
    stdout: out.stream,
    stderr: error.stream,
    cwd: asking.project,
    systemDirectory: '/etc/drover',
    version: '',
    now: Date.now,
    sleep: (ms: number) => sleep(ms),
    newKey: randomUUID,
  };
  const code = await runDrover(io);
  return { code, text: out.text(), error: error.text() };
}

function collector(): { stream: Writable; text(): string } {
  let text = '';
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      text += chunk.toString();
      done();
    },
  });
  return { stream, text: () => text };
}

/** Rows under each other, columns as wide as their widest cell. */
export function rows(cells: readonly (readonly string[])[]): void {
  const widths = (cells[0] ?? []).map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  );
  for (const row of cells)
    line(
      row
        .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
        .join('  '),
    );
}
