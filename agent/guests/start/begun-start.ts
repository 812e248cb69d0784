/** A start that is asked for again goes on where an earlier attempt at it ended. Pure. */
import type { GuestStanding, Stage } from '../guest.js';

/** What of an earlier attempt stays as it is. */
export interface BegunStart {
  readonly waves: number;
  readonly guests: readonly GuestStanding[];
}

/**
 * The guests of an earlier attempt, in this boot, that are not to be started: those that run, and those that ran and were turned
 * off by their owner since. `isWanted`: whether a guest that is off should run. Domains that are gone are out.
 */
export function begunStart(
  { waves, guests }: Stage,
  domains: readonly { readonly uuid: string; readonly id: number }[],
  isWanted: (uuid: string) => boolean,
): BegunStart {
  const ids = new Map(domains.map(({ uuid, id }) => [uuid, id]));
  const stays = guests.flatMap((guest): GuestStanding[] => {
    const id = ids.get(guest.uuid);
    const ran = guest.state === 'running' || guest.state === 'stopped';
    if (id === undefined) return [];
    if (id >= 0) return [guest.state === 'running' ? guest : { ...guest, ...ranAlready }];
    return ran && !isWanted(guest.uuid) ? [{ ...guest, ...turnedOff }] : [];
  });
  return { waves, guests: stays };
}

const ranAlready = { state: 'running', message: 'it ran already' } as const;
const turnedOff = { state: 'stopped', message: 'was started, and turned off since' } as const;
