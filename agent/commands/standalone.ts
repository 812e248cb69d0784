/** `drover-agent plan | apply | verify | revert | status`: the host alone, with no control plane. */
import { readFileSync } from 'node:fs';
import { DroverError, exitCodes } from '../../proto/wire/errors.js';
import { parseProfile } from '../../proto/wire/profile.js';
import { openLocalHost, type LocalHost } from '../compose.js';
import type { AgentConfig } from '../config.js';
import { HostRoot } from '../kernel/root.js';
import type { Log } from '../log.js';
import { toSettingStatus, type PlanEntry } from '../reconcile/plan.js';
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
      { agentVersion: options.version, isRoot: options.isRoot, readOnly: !writes },
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
  const settings = parseProfile(readProfile(options.profileFile), options.profileFile).tuners;
  if (command === 'apply') return applied(await host.reconciler.apply(settings), host);
  const entries =
    command === 'plan' ? await host.reconciler.plan(settings) : await host.reconciler.verify(settings);
  return planned(command, entries);
}

/** How the entries came out, in words: `3 to change, 1 held, 2 unsupported`. */
function summary(entries: readonly PlanEntry[], changeWord: string): string {
  const counts: [string, number][] = [
    [changeWord, count(entries, 'change')],
    ['failed', count(entries, 'failed')],
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
  const failed = count(entries, 'failed');
  return {
    entries: entries.map(toSettingStatus),
    remark: `${found === '' ? nothing : found}${isPlan ? '; nothing was written' : ''}`,
    exit: failed > 0 ? exitCodes.failed : count(entries, 'change') > 0 ? exitCodes.pending : exitCodes.ok,
  };
}

function applied(entries: readonly PlanEntry[], host: LocalHost): StandaloneAnswer {
  if (host.planOnly) return onlyPlanned(entries);
  const found = summary(entries, 'still to change');
  return {
    entries: entries.map(toSettingStatus),
    remark: `applied and read back${found === '' ? '' : `, ${found}`}; ${host.ledger.size} original values in ${host.ledger.file}`,
    exit: count(entries, 'failed') > 0 ? exitCodes.failed : exitCodes.ok,
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
  await host.desired.clear();
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

function status({ config }: StandaloneOptions, host: LocalHost): StandaloneAnswer {
  const holder = lockHolder(config.state_directory, new HostRoot());
  const held = host.desired.current;
  const profile =
    held && held.profileName !== '' ? `${held.profileName} revision ${held.profileRevision}` : 'no profile';
  const entries = host.ledger.entries().map(({ knob, original }) => ({
    tuner: knob.tuner,
    setting: knob.setting,
    domainUuid: knob.domain?.uuid ?? '',
    domainName: knob.domain?.name ?? '',
    now: '',
    wanted: '',
    outcome: 'recorded',
    reason: '',
    original,
    effect: '',
    source: knob.source,
  }));
  const remark = `${holder === undefined ? 'no agent runs' : `the agent is process ${holder}`}; ${profile}; libvirt ${host.hypervisor?.reachable ? 'answers' : 'does not answer'}; ${entries.length} original values in the ledger`;
  return { entries, remark, exit: exitCodes.ok };
}

function count(entries: readonly PlanEntry[], outcome: PlanEntry['outcome']): number {
  return entries.filter((entry) => entry.outcome === outcome).length;
}

function readProfile(file: string | undefined): string {
  if (file === undefined)
    throw new DroverError('invalid-argument', '--profile: got nothing; want a profile file', {
      field: '--profile',
    });
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new DroverError('not-found', `${file} cannot be read`, { field: '--profile', value: file, cause });
  }
}
