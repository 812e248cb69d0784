import { writeBit } from '../../fleet/registry-columns.js';
import type { Columns } from '../../fleet/registry-resources.js';
import type { Retry } from '../../model/request.js';
import { asksNothing, type Filter } from './filter.js';

/**
 * The host was not tried before for this request: its name and node name together are not among those tried. Names compare
 * exactly. Nova 18 `retry_filter.py`. Beyond Nova, which always knows the node: a host tried without one is all its nodes.
 */
export const retryFilter: Filter = {
  name: 'RetryFilter',
  reasons: ['host-tried-before'],
  prepare: ({ retry }, columns) => {
    const tried = retry ? rowsTried(retry, columns) : [];
    if (tried.length === 0) return asksNothing;
    const bits = columns.nobody.slice();
    for (const row of tried) writeBit(bits, row, true);
    return {
      without: [bits],
      reasonOf: () => 0,
      wordsOf: (row) => ({
        observed: `${columns.records[row]?.name} was tried before (${retry?.attempts} attempts so far)`,
        wanted: 'a host that was not tried',
      }),
    };
  },
};

function rowsTried({ hosts }: Retry, columns: Columns): number[] {
  return hosts.flatMap(([host, node]) =>
    (columns.rowsByHost.get(host ?? '') ?? []).filter((row) => isNode(columns, row, node ?? null)),
  );
}

/** A host that has not told a node name is its only node, under its own name. */
function isNode(columns: Columns, row: number, node: string | null): boolean {
  return node === null || node === (columns.detailsOf(row).nodeName || columns.records[row]?.name);
}
