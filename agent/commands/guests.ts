/** `drover-agent stop-guests | start-guests | sweep-ports`: the guests of this host, without a control plane. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { DroverError, exitCodes } from '../../proto/wire/errors.js';
import type { GuestSettings } from '../../proto/wire/guest-settings.js';
import { parseGuests } from '../../proto/wire/profile.js';
import { basicsOf, preflightOf, stopPlan } from '../compose-guests.js';
import { openLocalHost, type LocalHost } from '../compose.js';
import type { AgentConfig } from '../config.js';
import type { Stage } from '../guests/guest.js';
import { sweepStalePorts } from '../guests/ports/sweep.js';
import { stagesOf, type GuestBasics } from '../host/guest-basics.js';
import { isRefused } from '../guests/preflight/preflight.js';
import { GuestStages } from '../guests/stages.js';
import { describePlan } from '../guests/stop/describe.js';
import { HostRoot } from '../kernel/root.js';
import type { Log } from '../log.js';
import { ovsDatabase } from '../openvswitch/database.js';
import { isGoingDown } from '../systemd/going-down.js';
import { readProfile } from './standalone.js';

export interface GuestCommand {
  readonly config: AgentConfig;
  readonly version: string;
  readonly isRoot: boolean;
  /** Instead of the profile that the agent holds. */
  readonly profileFile?: string | undefined;
  readonly log: Log;
  /** Hears each line as it comes. */
  print(line: string): void;
}

/** The second line of a shutdown: how much of the unit's own time limit is kept for the ports. */
const portsMs = 15_000;

/** Longest that it is looked for another owner of the guests. */
const ownerMs = 10_000;

/** `stop-guests --plan`: what a stop would do and whether it fits; 2 where it does not, or something must be mended first. */
export async function planStopGuests(command: GuestCommand): Promise<number> {
  return withGuests(command, true, async (host, basics, settings) => {
    const plan = await stopPlan(basics, settings);
    for (const line of describePlan(plan)) command.print(line);
    const findings = await preflightOf(host, basics, settings);
    for (const { check, status, message, cure } of findings)
      command.print(`${status.padEnd(8)}${check}: ${message}${cure === '' ? '' : `\n        ${cure}`}`);
    return plan.verdict === 'refuse' || isRefused(findings) ? exitCodes.pending : exitCodes.ok;
  });
}

/** `stop-guests`: stops all guests of this host in order. Errors: those of `GuestStages.stop`. */
export async function stopGuests(command: GuestCommand): Promise<number> {
  return withGuests(command, false, async (_host, basics, settings) => {
    const stages = stagesFor(command, basics, settings);
    stopWhenTold(stages);
    return exitOf(await stages.stop({ id: randomUUID(), cause: 'command' }));
  });
}

/**
 * `stop-guests --host-shutdown`: what the guest unit runs when systemd stops it. Where the host does not go down nothing is
 * done. An agent that stops guests is waited for; then what is left is stopped, with the graces that have begun.
 */
export async function stopForShutdown(
  command: GuestCommand,
  limitSeconds: number | undefined,
): Promise<number> {
  const { goesDown, evidence } = await isGoingDown();
  if (!goesDown) {
    command.print(`guests are left alone: the host does not go down (${evidence})`);
    return exitCodes.ok;
  }
  return withGuests(command, false, async (host, basics, settings) => {
    const owner = await otherOwner(host, basics, settings);
    if (owner !== undefined) {
      command.print(`guests are left to others: ${owner}`);
      return exitCodes.ok;
    }
    const limitMs = (limitSeconds ?? settings.stop.budget_seconds + portsMs / 1000) * 1000;
    const endMs = basics.clock.now() + limitMs - portsMs;
    const stages = stagesFor(command, basics, settings);
    stopWhenTold(stages);
    return exitOf(await stages.stop({ id: randomUUID(), cause: 'host-shutdown', endMs }));
  });
}

/** Who else stops this host's guests, in words. Whoever cannot say so in time is nobody: the host goes down. */
async function otherOwner(
  host: LocalHost,
  basics: GuestBasics,
  settings: GuestSettings,
): Promise<string | undefined> {
  const late = sleep(ownerMs, [], { ref: false });
  const findings = await Promise.race([preflightOf(host, basics, settings).catch(() => []), late]);
  return findings.find(({ check, status }) => check === 'owners' && status === 'refused')?.message;
}

/** `start-guests`: starts those that the last stop of this host turned off, in order. */
export async function startGuests(command: GuestCommand): Promise<number> {
  return withGuests(command, false, async (_host, basics, settings) => {
    const uuids = await lastStopped(basics.files);
    if (uuids.length === 0) {
      command.print('no stop of this host is known that turned guests off');
      return exitCodes.ok;
    }
    const stages = stagesFor(command, basics, settings);
    stopWhenTold(stages);
    return exitOf(await stages.start({ id: randomUUID(), cause: 'command', uuids: async () => uuids }));
  });
}

/** Of the last stop; where that found nobody running any more, as after a maintenance and a reboot, of the last one that was asked for. */
async function lastStopped({ stop, asked }: GuestBasics['files']): Promise<readonly string[]> {
  for (const file of [stop, asked]) {
    const guests = (await file.load())?.stage.guests ?? [];
    const uuids = guests.filter(({ state }) => state === 'stopped').map(({ uuid }) => uuid);
    if (uuids.length > 0) return uuids;
  }
  return [];
}

/** `sweep-ports`: removes ports of guests that are gone; for boot, before libvirt. Needs neither libvirt nor a profile. */
export async function sweepPorts({ config, print, isRoot }: GuestCommand): Promise<number> {
  if (!isRoot || config.plan_only)
    throw new DroverError(
      'permission-denied',
      'sweep-ports changes Open vSwitch: it needs root and no plan_only',
    );
  const { removed, kept } = await sweepStalePorts({
    openvswitch: ovsDatabase(),
    kernel: new HostRoot(config.kernel_root),
    monotonicMs: () => performance.now(),
    sleep: (ms) => sleep(ms),
  });
  for (const { port, bridge, reason } of removed) print(`removed ${port} of ${bridge}: ${reason}`);
  for (const { port, bridge, reason } of kept) print(`left ${port} of ${bridge}: ${reason}`);
  print(`${removed.length} stale ports removed, ${kept.length} ports of guests left`);
  return exitCodes.ok;
}

type Work = (host: LocalHost, basics: GuestBasics, settings: GuestSettings) => Promise<number>;

/** Opens the host beside an agent that may run: the ledger and the desired state are only looked at. */
async function withGuests(command: GuestCommand, isPlan: boolean, work: Work): Promise<number> {
  const { config, isRoot, version, log } = command;
  if (!isPlan && (!isRoot || config.plan_only))
    throw new DroverError('permission-denied', 'stopping and starting guests needs root and no plan_only');
  const host = await openLocalHost(config, { agentVersion: version, isRoot, readOnly: true }, log);
  try {
    const settings = settingsOf(command, host);
    if (!settings) {
      command.print('the profile of this host has no section guests: guests are left alone');
      return exitCodes.ok;
    }
    return await work(host, basicsOf(host, config, log), settings);
  } finally {
    await host.close();
  }
}

function settingsOf({ profileFile }: GuestCommand, host: LocalHost): GuestSettings | undefined {
  if (profileFile !== undefined) return readProfile(profileFile).guests;
  return parseGuests(host.desired.current?.guests ?? '');
}

function stagesFor({ print, log }: GuestCommand, basics: GuestBasics, settings: GuestSettings): GuestStages {
  basics.limit(settings);
  const said = new Map<string, string>();
  const stages: GuestStages = new GuestStages({
    ...stagesOf(basics, log),
    settings: () => settings,
    startParts: () => ({ queue: basics.queue }),
    hold: async () => undefined, // the agent notes who ran, and did not hear of a stop by this host yet
    changed: () => tell(stages.current, said, print),
  });
  return stages;
}

/** A line for each change of a guest. */
function tell(stage: Stage | undefined, said: Map<string, string>, print: (line: string) => void): void {
  for (const { uuid, name, wave, state, message } of stage?.guests ?? []) {
    const text = `${state} ${message}`;
    if (state === 'waiting' || said.get(uuid) === text) continue;
    said.set(uuid, text);
    print(`wave ${wave}/${stage?.waves}  ${name}: ${state}${message === '' ? '' : ` (${message})`}`);
  }
  if (stage && stage.endedMs > 0 && said.get('end') === undefined) {
    said.set('end', stage.state);
    print(`${stage.kind} ${stage.state}: ${stage.message}`);
  }
}

/** SIGTERM and SIGINT end a stage: those asked are left as they are. */
function stopWhenTold(stages: GuestStages): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => stages.cancel(`got ${signal}`));
}

function exitOf({ state }: Stage): number {
  return state === 'done' ? exitCodes.ok : exitCodes.failed;
}
