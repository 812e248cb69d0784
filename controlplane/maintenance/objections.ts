/** What speaks against taking a host out, and what a person should know of it. Pure. */
import type { CapacityOutlook } from '../../proto/gen/drover/v1/CapacityOutlook.js';
import type { HostRecord } from '../../proto/gen/drover/v1/HostRecord.js';
import type { PreflightFinding } from '../../proto/gen/drover/v1/PreflightFinding.js';
import { DroverError } from '../../proto/wire/errors.js';
import { capacityWords, isShort } from './capacity.js';
import type { ResumeWish, Wish } from './transitions.js';

export interface Circumstances {
  readonly host: string;
  readonly capacity: readonly CapacityOutlook[];
  /** The agent's stream is up and it is heard of. */
  readonly isConnected: boolean;
  /** The host's profile says how guests are stopped. */
  readonly keepsGuests: boolean;
  readonly preflight: readonly PreflightFinding[];
  /** Domains that run. */
  readonly running: number;
  /** The agent told its own plan of a stop. */
  readonly isPlanned: boolean;
}

export interface Objection {
  readonly text: string;
  /** Force goes over it. */
  readonly canForce: boolean;
}

/** Why the wish is refused; none: it is not. */
export function objectionsTo(wish: Wish, circumstances: Circumstances): Objection[] {
  const { capacity, isConnected, keepsGuests, preflight } = circumstances;
  const short = capacity.filter(isShort).map((outlook) => ({ text: capacityWords(outlook), canForce: true }));
  if (wish.guests !== 'stop') return short;
  const offline = 'its agent is not connected, so guests are stopped only when it is back';
  const unkept = 'no profile with a section guests selects it, so its agent leaves guests alone';
  return [
    ...short,
    ...(isConnected ? [] : [{ text: offline, canForce: true }]),
    ...(keepsGuests ? [] : [{ text: unkept, canForce: true }]),
    ...preflight
      .filter(({ status }) => status === 'refused')
      .map(({ check, message, cure }) => ({
        text: `${check}: ${message}${cure ? ` (${cure})` : ''}`,
        canForce: false,
      })),
  ];
}

/** What does not stand in the way, and is worth knowing. */
export function warningsOf(wish: Wish, circumstances: Circumstances): string[] {
  const { preflight, running, isConnected, isPlanned } = circumstances;
  const forced = wish.force
    ? objectionsTo(wish, circumstances)
        .filter(({ canForce }) => canForce)
        .map(({ text }) => `forced: ${text}`)
    : [];
  if (wish.guests !== 'stop') {
    const stays = running === 1 ? '1 guest goes on running' : `${running} guests go on running`;
    return [...forced, ...(wish.state === 'maintenance' && running > 0 ? [`${stays} there`] : [])];
  }
  const findings = preflight
    .filter(({ status }) => status === 'warning')
    .map(({ check, message, cure }) => `${check}: ${message}${cure ? ` (${cure})` : ''}`);
  const guess =
    isConnected && running > 0 && !isPlanned
      ? [
          'the waves are those of the profile alone: the agent has told no plan, and what domains say of themselves goes over it',
        ]
      : [];
  return [...forced, ...findings, ...guess];
}

/** What a person should know of a host that is resumed. `before`: its record until then. */
export function resumeWarningsOf(before: HostRecord, { guests }: ResumeWish, isConnected: boolean): string[] {
  const { name, disabled, disabledReason, forcedDown, maintenance } = before;
  const isAway = maintenance?.stageId && !isConnected;
  const later =
    guests === 'start'
      ? 'guests are started when it is back'
      : 'a stop or start of guests that it is at goes on to its end';
  return [
    ...(maintenance ? [] : [`${name} is in neither drain nor maintenance`]),
    ...(isAway ? [`its agent is not connected: ${later}`] : []),
    ...(disabled
      ? [`it stays disabled (${disabledReason || 'no reason given'}): drover host update ${name} --enable`]
      : []),
    ...(forcedDown ? [`it stays forced down: drover host update ${name} --lift-forced-down`] : []),
  ];
}

/** The refusal as an error; undefined: force, or nothing to refuse. */
export function refusal(host: string, wish: Wish, objections: readonly Objection[]): DroverError | undefined {
  const standing = objections.filter(({ canForce }) => !canForce || !wish.force);
  if (standing.length === 0) return undefined;
  const what = wish.state === 'drain' ? 'drained' : 'put into maintenance';
  const cure = standing.every(({ canForce }) => canForce)
    ? 'make room or set it right first, or use force'
    : 'set it right first: force does not go over all of it';
  const texts = standing.map(({ text }) => text).join('; ');
  return new DroverError('failed-precondition', `host ${host} is not ${what}: ${texts}; ${cure}`, {
    field: 'host',
    value: host,
    cure,
  });
}
