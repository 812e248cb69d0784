/** `drover-agent plan | apply | verify | revert | status`: the host alone, with no control plane. */
import { readFileSync } from 'node:fs';
import { DroverError, exitCodes } from '../../proto/wire/errors.js';
import type { PendingReboot } from '../../proto/gen/drover/v1/PendingReboot.js';
import { parseProfile, parseTuners, type ProfileDocument } from '../../proto/wire/profile.js';
import { openLocalHost, type LocalHost } from '../compose.js';
import type { AgentConfig } from '../config.js';
import { HostRoot } from '../kernel/root.js';
import type { Log } from '../log.js';
import type { Owners } from '../reconcile/ownership.js';
import { toSettingStatus, type PlanEntry } from '../reconcile/plan.js';
import { unreadXml } from '../libvirt/domain-look.js';
import { lockForWriting } from '../host/host-lock.js';
import { lockHolder } from '../reconcile/state-lock.js';

export type StandaloneCommand = 'plan' | 'apply' | 'verify' | 'revert' | 'status';

export interface StandaloneOptions {
  readonly command: StandaloneCommand;
  readonly config: AgentConfig;
  readonly profileFile?: string | undefined;
  readonly version: string;
  readonly isRoot: boolean;
  readonly log: Log;
}

export interface StandaloneAnswer {
  readonly entries: ReturnType<typeof toSettingStatus>[];
  readonly remark: string;
  readonly exit: number;
  /** The entries are the ledger, not a plan. */
  readonly list?: true;
  /** Settings in order are shown one by one, with what shows their effect. */
  readonly all?: boolean;
  /** Who else writes settings on this host, and what waits for a reboot: with `status`. */
  readonly owners?: Owners;
  readonly pendingReboots?: readonly PendingReboot[];
}

/**
 * Runs one command. `plan` and `verify` exit with 2 when something differs. Errors: `invalid-argument` for the profile,
 * `failed-precondition` when an agent runs and the command would write.
 */
export async function standalone(options: StandaloneOptions): Promise<StandaloneAnswer> {
  const { config, isRoot } = options;
  // Who may only plan, because of the configuration or for want of root, touches no file either.
  const writes = (options.command === 'apply' || options.command === 'revert') && isRoot && !config.plan_only;
  const unlock = writes
    ? await lockForWriting(config.state_directory, new HostRoot(), false)
    : async () => undefined;
  try {
    const host = await openLocalHost(
      options.config,
      {
        agentVersion: options.version,
        isRoot: options.isRoot,
        readOnly: !writes,
        ledgerOnly: options.command === 'revert',
      },
      options.log,
    );
    try {
      return await execute(options, host);
    } finally {
      await host.close();
    }
  } finally {
    await unlock();
  }
}

async function execute(options: StandaloneOptions, host: LocalHost): Promise<StandaloneAnswer> {
  const { command } = options;
  if (command === 'revert') return revert(host);
  if (command === 'status') return status(options, host);
  const profile = readProfile(options.profileFile);
  const { tuners: settings } = profile;
  if (command === 'apply') return apply(profile, host);
  const entries =
    command === 'plan' ? await host.reconciler.plan(settings) : await host.reconciler.verify(settings);
  return planned(command, entries);
}

/** How the entries came out, in words: `3 to change, 1 held, 2 unsupported`. */
function summary(entries: readonly PlanEntry[], changeWord: string): string {
  const counts: [string, number][] = [
    ['domains not read', unread(entries)],
    [changeWord, count(entries, 'change')],
    ['failed', count(entries, 'failed')],
    ['wait for a restart', count(entries, 'deferred')],
    ['held', count(entries, 'held')],
    ['unsupported here', count(entries, 'unsupported')],
  ];
  return counts
    .filter(([, number]) => number > 0)
    .map(([word, number]) => `${number} ${word}`)
    .join(', ');
}

function planned(command: 'plan' | 'verify', entries: readonly PlanEntry[]): StandaloneAnswer {
  const isPlan = command === 'plan';
  const found = summary(entries, isPlan ? 'to change' : 'differ');
  const nothing = isPlan ? 'nothing to change' : 'everything is as it should be';
  const failed = count(entries, 'failed') + unread(entries);
  return {
    all: !isPlan,
    entries: entries.map(toSettingStatus),
    remark: `${found === '' ? nothing : found}${isPlan ? '; nothing was written' : ''}`,
    exit: failed > 0 ? exitCodes.failed : count(entries, 'change') > 0 ? exitCodes.pending : exitCodes.ok,
  };
}

/** Applies, and puts back what was changed where a setting failed, unless the profile says `keep`. */
async function apply({ tuners, onFailure }: ProfileDocument, host: LocalHost): Promise<StandaloneAnswer> {
  const entries = await host.reconciler.apply(tuners);
  const faulty = entries.filter(({ outcome, postponed }) => outcome === 'failed' && !postponed);
  if (host.planOnly || faulty.length === 0 || onFailure === 'keep') return applied(entries, host);
  const back = await host.reconciler.putBack(entries);
  const stuck = count(back, 'failed');
  const done = `${faulty.length} failed, so the ${back.length - stuck} that were changed are back as they were`;
  return {
    entries: [...faulty, ...back].map(toSettingStatus),
    remark: stuck > 0 ? `${done}; ${stuck} could not be put back` : done,
    exit: exitCodes.failed,
  };
}

function applied(entries: readonly PlanEntry[], host: LocalHost): StandaloneAnswer {
  if (host.planOnly) return onlyPlanned(entries);
  const found = summary(entries, 'still to change');
  return {
    entries: entries.map(toSettingStatus),
    remark: `applied and read back${found === '' ? '' : `, ${found}`}; ${host.ledger.size} original values in ${host.ledger.file}`,
    exit: count(entries, 'failed') + unread(entries) > 0 ? exitCodes.failed : exitCodes.ok,
  };
}

function onlyPlanned(entries: readonly PlanEntry[]): StandaloneAnswer {
  const remark = 'plan-only (not root, or told so): nothing was written';
  return {
    entries: entries.map(toSettingStatus),
    remark,
    exit: entries.length > 0 ? exitCodes.pending : exitCodes.ok,
  };
}

/** Also forgets the desired state, or the next start of the agent would enforce it again. */
async function revert(host: LocalHost): Promise<StandaloneAnswer> {
  const entries = await host.reconciler.revert();
  if (host.planOnly) return onlyPlanned(entries);
  await host.trials.end();
  await host.desired.clear();
  await host.pendingReboots.update([], Date.now());
  const remark =
    host.ledger.size === 0
      ? `${entries.length} settings put back, the ledger is empty`
      : `${host.ledger.size} settings could not be put back and stay in ${host.ledger.file}`;
  return {
    entries: entries.map(toSettingStatus),
    remark,
    exit: host.ledger.size === 0 ? exitCodes.ok : exitCodes.failed,
  };
}

async function status({ config }: StandaloneOptions, host: LocalHost): Promise<StandaloneAnswer> {
  const holder = lockHolder(config.state_directory, new HostRoot());
  const held = host.desired.current;
  const profile =
    held && held.profileName !== '' ? `${held.profileName} revision ${held.profileRevision}` : 'no profile';
  const entries = host.ledger.entries().map(({ knob, original }) => ({
    ...toSettingStatus({ ...recorded, knob, original }),
    ...{ outcome: 'recorded', effect: '' },
  }));
  const remark = `${holder === undefined ? 'no agent runs' : `the agent is process ${holder}`}; ${profile}; libvirt ${host.hypervisor?.reachable ? 'answers' : 'does not answer'}; ${entries.length} original values in the ledger`;
  const owners = await host.reconciler.owners(held ? parseTuners(held.tuners) : {});
  const pendingReboots = host.pendingReboots.current;
  return { entries, remark, exit: exitCodes.ok, list: true, owners, pendingReboots };
}

/** What a plan would say of a setting, and the ledger does not. */
const recorded: Omit<PlanEntry, 'knob'> = {
  ...{ now: '', wanted: '', outcome: 'in-sync', reason: '', effect: 'now', affects: [], original: undefined },
};

/** A command that could not read a domain must not say that all is well. */
function unread(entries: readonly PlanEntry[]): number {
  const names = entries.filter(
    ({ outcome, reason }) => outcome === 'unsupported' && reason.startsWith(unreadXml),
  );
  return new Set(names.map(({ knob }) => knob.domain?.uuid)).size;
}

function count(entries: readonly PlanEntry[], outcome: PlanEntry['outcome']): number {
  return entries.filter((entry) => entry.outcome === outcome).length;
}

/** Reads and checks a profile. Errors: `not-found`, `invalid-argument`. */
export function readProfile(file: string | undefined): ProfileDocument {
  if (file === undefined)
    throw new DroverError('invalid-argument', '--profile: got nothing; want a profile file', {
      field: '--profile',
    });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DroverError('not-found', `${file} cannot be read`, { field: '--profile', value: file, cause });
  }
  return parseProfile(text, file);
}
