/** What is known of each host's health, on separate axes. Pure: from what agents said, and when. */
import type { Condition } from '../../proto/gen/drover/v1/Condition.js';
import type { GuestReport } from '../../proto/gen/drover/v1/GuestReport.js';
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

/**
 * The conditions of a host, by type. Missing data is `unknown`, never `ok`. `guests` is there once its profile has such a
 * section, or its agent tells of them.
 */
export function verdicts(session: HostSession | undefined, alive: Liveness): Verdict[] {
  const guests = session?.keepsGuests || session?.guests ? [guestsOf(session.guests, alive)] : [];
  return [controllable(session, alive), ...guests, reachable(alive), tuned(session, alive)];
}

function guestsOf(report: GuestReport | undefined, alive: Liveness): Verdict {
  if (alive !== 'up' || !report)
    return verdict('guests', 'unknown', 'no-report', 'no current report says it');
  const twice = report.audit.find(({ kind }) => kind === 'reported-twice');
  if (twice)
    return verdict('guests', 'failing', 'reported-twice', [twice.name, ...twice.evidence].join(': '));
  return guestTrouble(report) ?? verdict('guests', 'ok', 'in-order', 'no finding of the agent stands');
}

/** The worst first: a stage that failed, then what cannot work, then what was found. What was seen once may pass. */
function guestTrouble({ stage, preflight, ports, audit }: GuestReport): Verdict | undefined {
  const degraded = (reason: string, message: string) => verdict('guests', 'degraded', reason, message);
  if (stage?.state === 'failed')
    return degraded('stage-failed', `${stage.kind} for ${stage.cause}: ${stage.message || 'failed'}`);
  const refused = preflight.filter(({ status }) => status === 'refused');
  if (refused[0]) return degraded('preflight', `${refused[0].check}: ${refused[0].message}${more(refused)}`);
  const open = ports.filter(({ outcome }) => outcome !== 'mended' && outcome !== 'seen');
  if (open[0]) return degraded('ports', `${open[0].port} is ${open[0].kind}: ${open[0].reason}${more(open)}`);
  const strays = audit.filter(({ outcome }) => !['seen', 'reaped', 'shut-down'].includes(outcome));
  if (strays[0])
    return degraded('audit', `${strays[0].name || strays[0].uuid} is ${strays[0].kind}${more(strays)}`);
  return undefined;
}

function more(found: readonly unknown[]): string {
  return found.length > 1 ? `; and ${found.length - 1} more` : '';
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
