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

/** Runs a `drover` command in this process, shows it as it would be typed, and answers its exit code. */
export async function drover(argv: readonly string[], project: string): Promise<number> {
  line(`$ npx drover ${argv.map((part) => (/[^\w./:=-]/.test(part) ? `'${part}'` : part)).join(' ')}`);
  const { code, text, error } = await capture(argv, project);
  process.stdout.write(text + error);
  return code;
}

/** Runs a `drover` command with JSON output and answers the message. Errors: with the command's words. */
export async function ask<Message>(argv: readonly string[], project: string): Promise<Message> {
  const { code, text, error } = await capture([...argv, '--output', 'json'], project);
  if (code !== 0) throw new Error(`drover ${argv.join(' ')}: ${error || text}`);
  return JSON.parse(text) as Message;
}

async function capture(
  argv: readonly string[],
  project: string,
): Promise<{ code: number; text: string; error: string }> {
  const out = collector();
  const error = collector();
  const env = { DROVER_CONTEXT: `${project}/.drover/context.json`, NO_COLOR: '1' };
  const io = {
    argv,
    env,
    stdout: out.stream,
    stderr: error.stream,
    cwd: project,
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
