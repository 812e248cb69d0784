/** Allocations: what is taken where, and for what. */
import type { Allocation } from '../../../proto/gen/drover/v1/Allocation.js';
import type { GuestCellPlacement } from '../../../proto/gen/drover/v1/GuestCellPlacement.js';
import { tableOf, type Column } from '../../../proto/output/table.js';
import type { Pair, View } from '../../../proto/output/view.js';
import { formatBytes } from '../../../proto/wire/units.js';
import { orNothing, word } from '../../../proto/output/words.js';
import { age, mapText, timestamp } from './cells.js';
import { deviceText } from './devices.js';

function columns(nowMs: number): readonly Column<Allocation>[] {
  return [
    { heading: 'ID', cell: (one) => one.id, minimumWidth: 12 },
    { heading: 'HOST', cell: (one) => one.hostName },
    { heading: 'STATE', cell: (one) => word(one.state) },
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
        ['State', stateText(one)],
        [
          'Takes',
          `${one.vcpus} vCPUs, ${formatBytes(one.memoryMb * 2 ** 20)} memory, ${formatBytes(one.diskMb * 2 ** 20)} disk`,
        ],
        ['Instance', orNothing(one.instanceUuid)],
        ...named('Flavor', one.flavor),
        ...named('Project', one.projectId),
        ...named('Group', one.serverGroupId),
        ['Extra specs', mapText(one.extraSpecs)],
        ...one.cells.map((cell): Pair => [`Cell ${cell.guestCell}`, cellText(cell)]),
        ...one.devices.map((device): Pair => ['Device', deviceText(device)]),
        ...named('Image', imageText(one)),
        ...named('Then', one.alternates.join(', ')),
        ...named('Moved from', one.movedFrom),
        ['Key', orNothing(one.idempotencyKey)],
        ['Created', `${timestamp(one.createdUnixMs)}${one.createdBy === '' ? '' : ` by ${one.createdBy}`}`],
      ],
    },
  ];
}

/** `claimed, given back 2026-11-22 00:32:00Z unless its agent confirms it`. */
function stateText({ state, lapsesUnixMs }: Allocation): string {
  if (state !== 'claimed' || lapsesUnixMs === 0) return orNothing(state);
  return `${state}, given back ${timestamp(lapsesUnixMs)} unless its agent confirms it`;
}

function imageText({ requestRest }: Allocation): string {
  return requestRest?.image ? requestRest.image.name || requestRest.image.id : '';
}

/** A pair, or none where there is nothing to say. */
function named(name: string, value: string): Pair[] {
  return value === '' ? [] : [[name, value]];
}

/** `host cell 1, 4 GiB, vCPU 0 on 4, 1 on 5`. */
function cellText(cell: GuestCellPlacement): string {
  const pins = Object.entries(cell.pinning).map(([vcpu, cpu]) => `${vcpu} on ${cpu}`);
  return [
    `host cell ${cell.hostCell}`,
    formatBytes(cell.memoryMb * 2 ** 20),
    ...(cell.pageSizeKb > 0 ? [`pages of ${formatBytes(cell.pageSizeKb * 1024)}`] : []),
    ...(cell.sharedVcpus > 0 ? [`${cell.sharedVcpus} shared vCPUs`] : []),
    ...(pins.length > 0 ? [`vCPU ${pins.join(', ')}`] : []),
    ...(cell.emulatorCpus.length > 0 ? [`emulator on ${cell.emulatorCpus.join(', ')}`] : []),
  ].join(', ');
}
