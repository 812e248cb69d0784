/**
 * The hosts that a request names, before any filter: Nova's `get_filtered_hosts` in `host_manager.py`. A requested
 * destination leaves its host, ignored hosts go, forced hosts and nodes leave those and skip the filters.
 */
import { type Bits, hasBit, rowsOf, writeBit } from '../fleet/registry-columns.js';
import type { Columns } from '../fleet/registry-resources.js';
import type { CheckedRequest, RequestedDestination } from '../model/request.js';
import { keepWithin } from './narrow.js';

/** What a request's names leave. */
export interface Preselection {
  /** A set of the caller's own. */
  readonly rows: Bits;
  /** Every filter is skipped: a host was forced, or none is left to filter. */
  readonly skipsFilters: boolean;
}

/** True when a request names hosts at all. The others need no preselection. */
export function namesHosts(request: CheckedRequest): boolean {
  const { ignoreHosts, destination } = request;
  return isForced(request) || ignoreHosts.length > 0 || (destination?.host ?? null) !== null;
}

/** True when a request leaves only hosts or nodes that it names. */
function isForced({ forceHosts, forceNodes }: CheckedRequest): boolean {
  return forceHosts.length + forceNodes.length > 0;
}

/** True when a request forces its hosts past every filter. */
export function isUnfiltered(request: CheckedRequest): boolean {
  return isForced(request) && (request.hints['_nova_check_type'] ?? []).length === 0;
}

/**
 * Which of `among` (every host where not given) a request's names leave. Host names compare in any case, node names and
 * destinations exactly. Nova's `_nova_check_type` hint runs the filters on forced hosts too.
 */
export function preselect(columns: Columns, request: CheckedRequest, among = columns.present): Preselection {
  const rows = among.slice();
  const { ignoreHosts, destination } = request;
  if (destination !== null && destination.host !== null)
    keepWithin(rows, destinationRows(columns, destination));
  if (ignoreHosts.length > 0) {
    const ignored = lowered(ignoreHosts);
    keep(rows, (row) => !ignored.has(nameOf(columns, row).toLowerCase()));
    if (rows.every((word) => word === 0)) return { rows, skipsFilters: true };
  }
  keepForced(columns, rows, request);
  return { rows, skipsFilters: isUnfiltered(request) };
}

function keepForced(columns: Columns, rows: Bits, { forceHosts, forceNodes }: CheckedRequest): void {
  const hosts = lowered(forceHosts);
  const nodes = new Set(forceNodes);
  if (hosts.size > 0) keep(rows, (row) => hosts.has(nameOf(columns, row).toLowerCase()));
  if (nodes.size > 0) keep(rows, (row) => nodes.has(nodeOf(columns, row)));
}

function destinationRows(columns: Columns, { host, node }: RequestedDestination): Bits {
  const bits = new Int32Array(columns.present.length);
  for (const row of columns.rowsByHost.get(host ?? '') ?? [])
    if (!node || nodeOf(columns, row) === node) writeBit(bits, row, true);
  return bits;
}

function keep(rows: Bits, stays: (row: number) => boolean): void {
  for (const row of rowsOf(rows)) if (hasBit(rows, row) && !stays(row)) writeBit(rows, row, false);
}

function lowered(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()));
}

function nameOf(columns: Columns, row: number): string {
  return columns.records[row]?.name ?? '';
}

/** A host that tells no name of its node is its only node. */
function nodeOf(columns: Columns, row: number): string {
  return columns.detailsOf(row).nodeName || nameOf(columns, row);
}
