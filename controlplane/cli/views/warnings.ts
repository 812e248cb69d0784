/** What an answer asks its reader to mind. */
import type { Block } from '../../../proto/output/view.js';

/** Nothing where there is nothing to mind. */
export function warningsBlocks(warnings: readonly string[]): Block[] {
  return warnings.length === 0 ? [] : [{ kind: 'list', title: 'Mind', items: warnings }];
}
