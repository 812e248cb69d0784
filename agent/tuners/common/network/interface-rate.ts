/** Bandwidth of one direction of an interface as canonical text, and the sizes that are chosen where none is given. Pure. */
import { highestBurstKilobytes, highestRateKilobytesSec } from '../../../../proto/tuners/interface-qos.js';
import type { DomainView, InterfaceRate } from '../../../libvirt/hypervisor.js';
import { specNumber } from '../specs.js';

export const directions = ['inbound', 'outbound'] as const;
export type Direction = (typeof directions)[number];

/** Nobody limits it. */
export const unlimited = 'unlimited';

/** What a profile or a flavor asks of one direction, in kilobytes (a second). An average of 0 lifts the limit. */
export interface AskedRate {
  readonly average: number;
  readonly peak?: number | undefined;
  readonly burst?: number | undefined;
}

/** `average 1000 peak 2000 burst 64 floor 500`; what libvirt has as 0 is left out. `floor 500`: not limited, with a floor. */
export function formatRate(rate: InterfaceRate | undefined): string {
  const floor = rate?.floorKilobytesSec ?? 0;
  const ending = floor > 0 ? [`floor ${floor}`] : [];
  if (!rate || !(rate.averageKilobytesSec > 0)) return ending[0] ?? unlimited;
  const { averageKilobytesSec: average, peakKilobytesSec: peak = 0, burstKilobytes: burst = 0 } = rate;
  const parts = [['average', average] as const, ['peak', peak] as const, ['burst', burst] as const];
  const words = parts.filter(([, value]) => value > 0).map(([name, value]) => `${name} ${value}`);
  return [...words, ...ending].join(' ');
}

/** A wanted rate with the floor that the interface has: floors are libvirt's own, and a limit must not take one away. */
export function keepFloor(wanted: string, now: string | undefined): string {
  const floor = parseRate(now ?? unlimited)?.floorKilobytesSec;
  if (floor === undefined) return wanted;
  return formatRate({ averageKilobytesSec: 0, ...parseRate(wanted), floorKilobytesSec: floor });
}

/** The rate of such a text; undefined: not limited, and without a floor. */
export function parseRate(text: string): InterfaceRate | undefined {
  const found = /^(?:average (\d+)(?: peak (\d+))?(?: burst (\d+))?)?(?:(?:^| )floor (\d+))?$/.exec(text);
  if (!found || text === '') return undefined;
  return {
    averageKilobytesSec: Number(found[1] ?? 0),
    ...(found[2] !== undefined && { peakKilobytesSec: Number(found[2]) }),
    ...(found[3] !== undefined && { burstKilobytes: Number(found[3]) }),
    ...(found[4] !== undefined && { floorKilobytesSec: Number(found[4]) }),
  };
}

/** What takes a direction's limits away: null, or its floor alone. */
export function withoutLimits(now: InterfaceRate | undefined): InterfaceRate | null {
  const floor = now?.floorKilobytesSec ?? 0;
  return floor > 0 ? { averageKilobytesSec: 0, floorKilobytesSec: floor } : null;
}

/** True where `next` leaves out a part that `now` has: libvirt's Open vSwitch code would leave the old one in force. */
export function dropsPart(now: InterfaceRate | undefined, next: InterfaceRate | undefined): boolean {
  if (!now || !next) return false;
  const has = (rate: InterfaceRate, key: 'peakKilobytesSec' | 'burstKilobytes'): boolean =>
    (rate[key] ?? 0) > 0;
  return (['peakKilobytesSec', 'burstKilobytes'] as const).some((key) => has(now, key) && !has(next, key));
}

/** A packet of a guest is up to 64 KiB long (segmentation offload); a policer with a smaller burst drops every such one. */
const smallestBurstKilobytes = 64;

/** vswitchd.conf.db(5): a policer's burst under 80 % of the rate makes TCP lose most of it. */
const burstShare = 0.8;

/**
 * The text that is wanted for a rate. Outbound without burst gets 80 % of the average, at least 64 KB. Inbound on Open
 * vSwitch without peak gets the average as peak: libvirt hands it the average as a guaranteed rate only, which limits
 * nothing.
 */
export function wantedRate(asked: AskedRate, direction: Direction, onOpenVswitch: boolean): string {
  const { average, peak, burst } = asked;
  if (average === 0) return unlimited;
  if (direction === 'inbound') {
    const highest = peak ?? (onOpenVswitch ? average : 0);
    return formatRate({
      averageKilobytesSec: average,
      peakKilobytesSec: highest,
      burstKilobytes: burst ?? 0,
    });
  }
  const sized = Math.min(
    highestBurstKilobytes,
    Math.max(smallestBurstKilobytes, Math.ceil(average * burstShare)),
  );
  return formatRate({ averageKilobytesSec: average, burstKilobytes: burst ?? sized });
}

/**
 * What the flavor of a domain asks of one direction (Nova's quota:vif_inbound_average and its likes). Undefined: nothing.
 * Its peak of outbound is left out, as nothing obeys it. `fault`: why its specs cannot be used.
 */
export function specRate(
  view: Pick<DomainView, 'specs'>,
  direction: Direction,
): AskedRate | { fault: string } | undefined {
  const spec = (part: string): string => `quota:vif_${direction}_${part}`;
  const average = specNumber(view, spec('average'), 0, highestRateKilobytesSec);
  const peak = specNumber(view, spec('peak'), 0, highestRateKilobytesSec);
  const burst = specNumber(view, spec('burst'), 0, highestBurstKilobytes);
  for (const each of [average, peak, burst]) if (each && 'fault' in each) return each;
  const value = (each: typeof average): number => (each && 'value' in each ? each.value : 0);
  if (average === undefined && peak === undefined && burst === undefined) return undefined;
  if (average === undefined)
    return { fault: `extra spec ${spec('average')} is absent; its peak and burst need it` };
  if (value(peak) > 0 && value(peak) < value(average))
    return {
      fault: `extra spec ${spec('peak')} is ${value(peak)}; want at least the average, ${value(average)}`,
    };
  return {
    average: value(average),
    peak: direction === 'inbound' && value(peak) > 0 ? value(peak) : undefined,
    burst: value(burst) > 0 ? value(burst) : undefined,
  };
}
