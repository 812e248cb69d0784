/** How a failed command tells a person, or a program, what was wrong. */
import { createStyle } from '../../proto/output/style.js';
import { render, type OutputFormat } from '../../proto/output/formats.js';
import { writeText } from '../../proto/output/stdout.js';
import { plainStyle } from '../../proto/output/style.js';
import { asDroverError, type DroverError } from '../../proto/wire/errors.js';
import type { Io } from './command.js';

/**
 * Writes a thrown thing to stderr and answers the exit code of its kind. Beside `json` and `yaml` it is an object
 * `{error: {code, message, field, value, cure, retryable}}`, so that a program reads errors as it reads answers.
 */
export async function reportError(thrown: unknown, io: Io, format: OutputFormat): Promise<number> {
  const error = asDroverError(thrown);
  await writeText(io.stderr, format === 'table' ? errorText(error, io) : await errorMessage(error, format));
  return error.kind.exit;
}

function errorText(error: DroverError, io: Io): string {
  const style = createStyle({ isTerminal: io.stderr.isTTY === true, env: io.env });
  const cure =
    error.cure !== undefined && !error.message.includes(error.cure)
      ? `\n  ${style.paint('strong', 'try:')} ${error.cure}`
      : '';
  return `${style.paint('bad', 'error:')} ${error.message} ${style.paint('faint', `(${error.code})`)}${cure}\n`;
}

async function errorMessage(
  { code, message, field, value, cure, kind }: DroverError,
  format: OutputFormat,
): Promise<string> {
  const body = { code, message, field, value, cure, retryable: kind.retryable };
  const given = Object.fromEntries(Object.entries(body).filter(([, each]) => each !== undefined));
  return render({ message: { error: given }, view: [] }, format, { style: plainStyle });
}
