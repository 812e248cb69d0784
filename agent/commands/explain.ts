/** `drover-agent explain tuner NAME`: the manual of a tuner, on a host that has no control plane. */
import { render, type OutputFormat } from '../../proto/output/formats.js';
import { manualsView, manualView } from '../../proto/output/manual-view.js';
import { writeText, type TextStream } from '../../proto/output/stdout.js';
import { manualOf, manuals } from '../../proto/tuners/manual/index.js';
import { pageOf } from './print.js';

/** Prints one manual, or a line of each. Errors: `invalid-argument` for a name that there is not. */
export async function printManual(
  name: string | undefined,
  format: OutputFormat,
  stdout: TextStream,
  env: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const manual = name === undefined ? undefined : manualOf(name);
  const answer = manual
    ? { message: manual, view: manualView(manual) }
    : { message: { manuals }, view: manualsView(manuals) };
  await writeText(stdout, await render(answer, format, pageOf(stdout, env)));
}
