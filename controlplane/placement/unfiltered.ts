/** What a request asks for that no filter in force looks at. Its claim does, so a search alone promises too much. Pure. */
import type { CheckedRequest } from '../model/request.js';
import type { SchedulerSettings } from '../model/scheduler-settings.js';
import { isUnfiltered } from './preselect.js';

export interface Unfiltered {
  /** In words: devices. */
  readonly what: string;
  /** The filter that would look at it; undefined: it is in force, or the request forces its hosts past all filters. */
  readonly asleep: string | undefined;
}

/** What only NUMATopologyFilter and PciPassthroughFilter look at, as far as a request asks for it. */
export function exactNeeds(request: CheckedRequest, { enabledFilters }: SchedulerSettings): Unfiltered[] {
  const { numa, pciRequests } = request;
  const needs = [
    ...(numa ? [{ what: 'NUMA cells', filter: 'NUMATopologyFilter' }] : []),
    ...(pciRequests.length > 0 ? [{ what: 'devices', filter: 'PciPassthroughFilter' }] : []),
  ];
  return needs.map(({ what, filter }) => ({
    what,
    asleep: isUnfiltered(request) || enabledFilters.includes(filter) ? undefined : filter,
  }));
}

/** One line for each such need that hosts were not filtered by. */
export function warningsOf(request: CheckedRequest, settings: SchedulerSettings): string[] {
  return exactNeeds(request, settings).flatMap(({ what, asleep }) =>
    asleep === undefined
      ? []
      : `no filter looked at the ${what} that are asked for: enabled_filters lacks ${asleep}. A claim looks at them, and refuses hosts that lack them`,
  );
}
