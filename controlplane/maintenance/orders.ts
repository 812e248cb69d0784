/** What a host's record makes of its agent's orders. An agent takes one that it has had already, by its id, for the same. */
import type { GuestOrderInput } from '../../proto/gen/drover/v1/GuestOrder.js';
import type { GuestStage } from '../../proto/gen/drover/v1/GuestStage.js';
import type { HostMaintenance } from '../../proto/gen/drover/v1/HostMaintenance.js';
import type { HostSession } from '../fleet/sessions.js';
import { hasEnded, stopOf } from './transitions.js';

/**
 * Sends the order that a maintenance is at, unless the agent has shown the end of its stage. A stop that
 * may still go on is ended before a start; where it is known to go on, the start waits until it has been seen to end: only then
 * is it known whom it has stopped.
 */
export function sendOrder(session: HostSession, maintenance: HostMaintenance | null): void {
  if (!maintenance || maintenance.stageId === '' || hasEnded(maintenance.stageState)) return;
  const id = maintenance.stageId;
  if (maintenance.state !== 'resuming') return send(session, { id, kind: 'stop' });
  const forId = stopOf(maintenance);
  const stage = session.guests?.stage;
  const isStop = stage?.id === forId;
  if (!isStop || !hasEnded(stage.state)) sendCancel(session, forId);
  if (!isStop || stage.state !== 'running') send(session, { id, kind: 'start', forId });
}

/** True when an agent's stage is the stop that a start has waited for, and it has ended. */
export function isStartDue(
  maintenance: HostMaintenance | null,
  stage: Pick<GuestStage, 'id' | 'state'>,
): boolean {
  if (maintenance?.state !== 'resuming' || maintenance.stageState !== '') return false;
  return stage.id === stopOf(maintenance) && stage.state !== 'running';
}

/** Ends a stage before its time. */
export function sendCancel(session: HostSession, forId: string): void {
  send(session, { id: `${forId}-cancel`, kind: 'cancel', forId });
}

/** The same order again takes the place of one that still waits. */
function send({ link }: HostSession, order: GuestOrderInput): void {
  link.send(`guestOrder ${order.id}`, { guestOrder: { ...order, cause: 'maintenance' } }, true);
}
