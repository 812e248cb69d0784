/** Allocations: what is taken where, and for what. */
import type { Allocation } from '../../../proto/gen/drover/v1/Allocation.js';
import { tableOf, type Column } from '../../../proto/output/table.js';
import type { View } from '../../../proto/output/view.js';
import { formatBytes } from '../../../proto/wire/units.js';
import { orNothing } from '../../../proto/output/words.js';
import { age, mapText, timestamp } from './cells.js';

function columns(nowMs: number): readonly Column<Allocation>[] {
  return [
    { heading: 'ID', cell: (one) => one.id, minimumWidth: 12 },
    { heading: 'HOST', cell: (one) => one.hostName },
    { heading: 'VCPUS', align: 'right', cell: (one) => String(one.vcpus) },
    { heading: 'MEMORY', align: 'right', cell: (one) => formatBytes(one.memoryMb * 2 ** 20) },
    { heading: 'DISK', align: 'right', cell: (one) => formatBytes(one.diskMb * 2 ** 20) },
    { heading: 'AGE', align: 'right', cell: (one) => age(one.createdUnixMs, nowMs) },
    { heading: 'INSTANCE', cell: (one) => orNothing(one.instanceUuid) },
    { heading: 'KEY', cell: (one) => orNothing(one.idempotencyKey) },
  ];
}

/** The list of allocations. `nowMs`: Unix time. */
export function allocationsView(allocations: readonly Allocation[], nowMs: number): View {
  return [{ kind: 'table', table: tableOf(columns(nowMs), allocations) }];
}

/** One allocation under a line that says what became of it. */
export function allocationView(remark: string, one: Allocation): View {
  return [
    { kind: 'text', text: remark },
    {
      kind: 'pairs',
      pairs: [
        ['Allocation', one.id],
        ['Host', one.hostName],
        [
          'Takes',
          `${one.vcpus} vCPUs, ${formatBytes(one.memoryMb * 2 ** 20)} memory, ${formatBytes(one.diskMb * 2 ** 20)} disk`,
        ],
        ['Instance', orNothing(one.instanceUuid)],
        ['Extra specs', mapText(one.extraSpecs)],
        ['Key', orNothing(one.idempotencyKey)],
        ['Created', `${timestamp(one.createdUnixMs)}${one.createdBy === '' ? '' : ` by ${one.createdBy}`}`],
      ],
    },
  ];
}
