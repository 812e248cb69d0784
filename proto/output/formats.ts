/** The three forms of every answer. */
import type { Page } from './table.js';
import { renderView, type View } from './view.js';
import { wireNames } from './wire-names.js';

export const outputFormats = ['table', 'json', 'yaml'] as const;
export type OutputFormat = (typeof outputFormats)[number];

/** An answer twice: as the message that a program reads, and as the view that a person reads. */
export interface Answer {
  readonly message: unknown;
  readonly view: View;
}

/**
 * The answer as text. `table` is its view; `json` and `yaml` are its message with the field names of the `.proto` files
 * (`availability_zone`), every field present, an absent message as null.
 */
export async function render(answer: Answer, format: OutputFormat, page: Page): Promise<string> {
  if (format === 'table') return renderView(answer.view, page);
  if (format === 'json') return `${JSON.stringify(wireNames(answer.message), null, 2)}\n`;
  // Loaded when needed: it costs more than everything else that a table needs.
  const { stringify } = await import('yaml');
  return stringify(wireNames(answer.message), { lineWidth: 0, aliasDuplicateObjects: false });
}
