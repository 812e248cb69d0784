import { isEven, rawColumn } from './raw-values.js';
import type { Weigher } from './weigher.js';

/** For a move that may leave its cell: 1 in the cell it comes from, -1 in any other. Nova `weights/cross_cell.py`. */
export const crossCellWeigher: Weigher = {
  name: 'CrossCellWeigher',
  multiplierKey: 'cross_cell_move_weight_multiplier',
  multiplier: 1_000_000,
  prepare: ({ destination }, columns) => {
    const cellUuid = destination?.cellUuid;
    if (!cellUuid || !destination.allowCrossCellMove) return undefined;
    const column = rawColumn(columns, (row) => (columns.detailsOf(row).cellUuid === cellUuid ? 1 : -1));
    return isEven(column, undefined) ? undefined : { column, floor: undefined };
  },
};
