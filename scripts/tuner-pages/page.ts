/** A tuner's manual as its reference page. Pure. */
import { effectWords } from '../../proto/output/manual-view.js';
import type { TunerManual } from '../../proto/tuners/manual/manual.js';

/** The whole page, in the form that prettier leaves as it is, but for the widths of tables. */
export function tunerPage(manual: TunerManual): string {
  const { name, summary, settings, extraSpecs = [], limits, sources, owners } = manual;
  return [
    `# ${name}`,
    `${plain(sentence(summary))} \`drover explain tuner ${name}\` prints the same.`,
    table(
      ['setting', 'what it does', 'values', 'default', 'writes', 'since', 'felt'],
      settings.map((one) => [
        `\`${one.name}\``,
        one.what,
        one.values,
        one.default,
        one.writes,
        one.since,
        effectWords[one.effect],
      ]),
    ),
    ...(extraSpecs.length > 0
      ? [
          'Extra specs of a flavor go before the profile:',
          table(
            ['extra spec', 'becomes'],
            extraSpecs.map((one) => [`\`${one.name}\``, one.becomes]),
          ),
        ]
      : []),
    bullets([
      `Knobs in plans: ${manual.knobs.map((knob) => `\`${knob}\``).join(', ') || 'none'}.`,
      `Verified: ${manual.verify}`,
      `Undo: ${manual.undo}`,
      `Other owners: ${owners.length > 0 ? owners.join(', ') : 'none known'}.`,
    ]),
    ...(limits.length > 0 ? ['## Limits', bullets(limits)] : []),
    '## Example',
    ['```yaml', 'tuners:', ...lines(manual.example).map((line) => `  ${line}`.trimEnd()), '```'].join('\n'),
    '## Sources',
    bullets(sources),
    '',
  ].join('\n\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => plain(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function bullets(items: readonly string[]): string {
  return items.map((item) => `- ${plain(item)}`).join('\n');
}

/** What Markdown would take for a tag or for emphasis stands as it is; text between backticks does so by itself. */
function plain(text: string): string {
  const parts = text.split('`');
  return parts.map((part, index) => (index % 2 === 0 ? part.replaceAll(/[<*]/g, '\\$&') : part)).join('`');
}

function lines(text: string): string[] {
  return text.trimEnd().split('\n');
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
