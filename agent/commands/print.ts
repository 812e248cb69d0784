/** Prints the answer of a standalone command: a table for people, the messages for programs. */
import { render, type OutputFormat } from '../../proto/output/formats.js';
import { settingColumns } from '../../proto/output/setting-columns.js';
import { writeText, type TextStream } from '../../proto/output/stdout.js';
import { createStyle } from '../../proto/output/style.js';
import { tableOf } from '../../proto/output/table.js';
import type { View } from '../../proto/output/view.js';
import type { StandaloneAnswer } from './standalone.js';

export async function printSettings(
  answer: StandaloneAnswer,
  format: OutputFormat,
  stdout: TextStream,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const isTerminal = stdout.isTTY === true;
  const page = { width: isTerminal ? stdout.columns : undefined, style: createStyle({ isTerminal, env }) };
  const view: View = [
    ...(answer.entries.length > 0
      ? [{ kind: 'table' as const, table: tableOf(settingColumns, answer.entries) }]
      : []),
    { kind: 'text', text: `${answer.remark}.` },
  ];
  await writeText(
    stdout,
    await render({ message: { settings: answer.entries, remark: answer.remark }, view }, format, page),
  );
}
