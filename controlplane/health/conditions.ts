/** What is known of each host's health, on separate axes. Pure: from what agents said, and when. */
import type { Condition } from '../../proto/gen/drover/v1/Condition.js';
import type { HostTuning } from '../../proto/gen/drover/v1/HostTuning.js';
import type { HostSession } from '../fleet/sessions.js';
import type { Liveness } from '../fleet/liveness.js';

type Verdict = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

const verdict = (type: string, status: string, reason: string, message: string): Verdict => ({
  type,
  status,
  reason,
  message,
});

/** The conditions of a host, by type. Missing data is `unknown`, never `ok`. */
export function verdicts(session: HostSession | undefined, alive: Liveness): Verdict[] {
  return [controllable(session, alive), reachable(alive), tuned(session, alive)];
}

function reachable(alive: Liveness): Verdict {
  if (alive === 'up') return verdict('reachable', 'ok', 'heartbeats', 'the agent reports in time');
  if (alive === 'down')
    return verdict('reachable', 'failing', 'silent', 'no heartbeat within service_down_time');
  return verdict(
    'reachable',
    'unknown',
    'never-seen',
    'the agent has not reported since the control plane started',
  );
}

function controllable(session: HostSession | undefined, alive: Liveness): Verdict {
  if (alive !== 'up' || !session?.heartbeat)
    return verdict('controllable', 'unknown', 'no-report', 'no current heartbeat says it');
  if (!session.heartbeat.hypervisorReachable)
    return verdict('controllable', 'failing', 'libvirt-silent', 'libvirt does not answer the agent');
  if (!session.domains)
    return verdict('controllable', 'unknown', 'no-domains', 'the domains of the host are not known yet');
  return verdict('controllable', 'ok', 'libvirt-answers', 'libvirt answers the agent');
}

function tuned(session: HostSession | undefined, alive: Liveness): Verdict {
  const tuning = session?.tuning;
  if (alive !== 'up' || !tuning) return verdict('tuned', 'unknown', 'no-report', 'no current report says it');
  const bad = tuning.settings.filter((setting) => setting.outcome === 'failed');
  if (tuning.state === 'failed')
    return verdict(
      'tuned',
      'failing',
      'apply-failed',
      bad[0] ? `${bad[0].tuner} ${bad[0].setting}: ${bad[0].reason}` : 'the profile could not be applied',
    );
  if (session.allocationsUntold !== '')
    return verdict('tuned', 'degraded', 'allocations-untold', session.allocationsUntold);
  if (tuning.state === 'drifted')
    return verdict('tuned', 'degraded', 'drift', 'settings differ from the profile');
  return verdict('tuned', 'ok', tuning.state, inForce(tuning));
}

function inForce({ state, profileName, profileRevision }: HostTuning): string {
  const profile = `${profileName} revision ${profileRevision}`;
  if (state === 'plan-only') return `the agent only plans: ${profile} is not in force`;
  if (state === 'applying') return `${profile} is being applied`;
  return profileName === '' ? 'no profile selects this host' : `${profile} is in force`;
}

/** Keeps since when each condition has its status; changes only when the status or reason does. */
export class Conditions {
  readonly #since = new Map<string, { text: string; sinceMs: number }>();

  /** The host's conditions with their times. */
  of(host: { id: string; name: string }, found: readonly Verdict[], nowMs: number): Condition[] {
    return found.map((one) => {
      const key = `${host.id}/${one.type}`;
      const text = `${one.status}/${one.reason}`;
      const before = this.#since.get(key);
      const sinceUnixMs = before?.text === text ? before.sinceMs : nowMs;
      this.#since.set(key, { text, sinceMs: sinceUnixMs });
      return { ...one, sinceUnixMs, hostId: host.id, hostName: host.name };
    });
  }

  /** Forgets a host that was deleted. */
  remove(hostId: string): void {
    for (const key of this.#since.keys()) if (key.startsWith(`${hostId}/`)) this.#since.delete(key);
  }
}
