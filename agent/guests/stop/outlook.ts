/** A plan of a stop as the control plane shows it before anybody asks for one. Pure. */
import type { GuestProgress } from '../../../proto/gen/drover/v1/GuestProgress.js';
import { durationText } from './describe.js';
import type { StopPlan } from './plan.js';
import type { StopGuest } from './stop-guest.js';

/** Each guest with its wave and how it would be stopped, in the order of the waves. */
export function outlookOf({ waves }: StopPlan): GuestProgress[] {
  return waves.flatMap(({ number, guests }) =>
    guests.map(({ guest }) => ({
      ...{ uuid: guest.uuid, name: guest.name, wave: number, state: 'waiting' },
      ...{ message: howOf(guest), sinceUnixMs: 0 },
    })),
  );
}

function howOf({ policy: { ask, graceMs, then } }: StopGuest): string {
  return `asked by ${ask.join(', then ')}; after ${durationText(graceMs)} ${then}`;
}
