/** The wait for guests that a stop has asked, and that will end although nobody wants it any more. */
import type { DomainView, Hypervisor } from '../../libvirt/hypervisor.js';
import type { GuestState, Stage } from '../guest.js';
import type { Clock } from './clock.js';

export interface AskedGoneOptions {
  readonly hypervisor: Pick<Hypervisor, 'domains'>;
  readonly clock: Clock;
  /** True when nobody waits for it any longer. */
  isOver(): boolean;
}

/** How long guests that were asked have to end. */
const askedMs = 60_000;
const lookAgainMs = 1_000;

const underWay: ReadonlySet<GuestState> = new Set(['asked', 'saving', 'powering-off']);

/** Done when none of them runs, after a minute at the latest. A look without an answer says nothing. Never rejects. */
export async function askedAreGone(
  { guests }: Pick<Stage, 'guests'>,
  { hypervisor, clock, isOver }: AskedGoneOptions,
): Promise<void> {
  const asked = guests.filter(({ state }) => underWay.has(state));
  const isAsked = (one: DomainView): boolean =>
    asked.some(({ uuid, id }) => uuid === one.uuid && id === one.id);
  const endMs = clock.now() + askedMs;
  while (asked.length > 0 && !isOver() && clock.now() < endMs) {
    const domains = await hypervisor.domains().catch(() => undefined);
    if (domains && !domains.some(isAsked)) return;
    await clock.sleep(lookAgainMs);
  }
}
