/** `drover-agent run`: joins where it must, keeps the host at its desired state, talks to the control plane. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { GuestOrder } from '../../proto/gen/drover/v1/GuestOrder.js';
import type { StartGrant } from '../../proto/gen/drover/v1/StartGrant.js';
import { DroverError } from '../../proto/wire/errors.js';
import { checkHostName } from '../../proto/wire/names.js';
import { openLocalHost } from '../compose.js';
import type { AgentConfig } from '../config.js';
import { memoryGiver } from '../host/give-back.js';
import { GuestRoom } from '../host/guest-room.js';
import { HostAgent } from '../host/host-agent.js';
import { HostRoot } from '../kernel/root.js';
import type { Log } from '../log.js';
import { hasExpired, identityFile, loadIdentity, saveIdentity, type Identity } from '../session/identity.js';
import { keepRenewed } from '../session/renew.js';
import { Session } from '../session/session.js';
import { notifier } from '../systemd/notify.js';
import { lockForWriting } from '../host/host-lock.js';
import { hasQuarantine } from '../host/quarantine-file.js';
import { diskBytesReader, loadAverage, memoryAvailableBytes } from '../host/vitals.js';

export interface RunOptions {
  readonly config: AgentConfig;
  readonly version: string;
  readonly isRoot: boolean;
  /** The file that this process runs: process.execPath. */
  readonly program: string;
  /** Where to join, and with which token, when the state directory holds no usable identity. */
  readonly join?: { readonly address: string; readonly tokenFile: string } | undefined;
  readonly log: Log;
}

/** Runs until `stop` of the answer is called. Errors: those of joining; a state directory that is in use. */
export async function startAgent(options: RunOptions): Promise<{ stop(): Promise<void> }> {
  const { config, log, version } = options;
  const unlock = await lockForWriting(
    config.state_directory,
    new HostRoot(),
    config.plan_only || !options.isRoot,
  );
  const file = identityFile(config.state_directory);
  let identity = await identityOf(options, file).catch((error: Error) => unjoined(error, log));
  const host = await openLocalHost(config, { agentVersion: version, isRoot: options.isRoot }, log);
  if (host.planOnly) log.info({}, 'plan-only: this agent shows what it would change and changes nothing');
  const rest = memoryGiver(options.program);
  const guests = new GuestRoom({
    log,
    now: Date.now,
    // Guests that the audit suspended go on also where the profile lost its section while no agent ran.
    isWanted: () =>
      (agent.guestLink.settings() !== undefined || hasQuarantine(config.state_directory)) && !host.planOnly,
    report: (report) => agent.guestLink.report(report),
    open: async () => {
      if (host.planOnly)
        throw new DroverError(
          'permission-denied',
          'this agent changes nothing (plan_only, or it is not root)',
        );
      const { openGuests } = await import('../compose-guests.js');
      return openGuests({ host, config, link: agent.guestLink, log });
    },
  });
  const agent: HostAgent = new HostAgent({
    ...host,
    guests,
    loadAverage: () => loadAverage(host.kernel),
    memoryAvailableBytes: () => memoryAvailableBytes(host.kernel),
    diskBytes: diskBytesReader(host.kernel),
    reconcileIntervalMs: config.reconcile_interval_seconds * 1000,
    now: Date.now,
    log,
    rest,
  });
  const session: Session | undefined =
    identity &&
    new Session({
      ...sessionOptions(agent, log, guests),
      identity: () => identity as Identity,
      agentVersion: version,
      bootId: host.bootId,
      desiredDigest: () => host.desired.current?.digest ?? '',
    });
  const save = async (renewed: Identity): Promise<void> => {
    await saveIdentity(file, renewed);
    identity = renewed;
  };
  const stopRenewing =
    session && keepRenewed({ session, identity: () => identity as Identity, save, now: Date.now, log });
  await agent.start(session);
  const systemd = notifier();
  systemd.ready('enforcing');
  return {
    stop: async () => {
      systemd.stopping();
      stopRenewing?.();
      await agent.stop();
      await host.close();
      await unlock();
    },
  };
}

/** The handlers that tie a session to its agent; the simulated hosts use the same. */
export function sessionOptions(agent: HostAgent, log: Log, guests?: GuestRoom) {
  return {
    heartbeat: () => agent.heartbeat(),
    onConnected: (welcome: { resumed: boolean }) => {
      log.info({ resumed: welcome.resumed }, 'connected to the control plane');
      if (!welcome.resumed)
        void agent.reportAll().catch((error: Error) => log.warn({ error: error.message }, 'report failed'));
    },
    onDisconnected: (reason: string) =>
      log.warn({ reason }, 'not connected; the last desired state stays in force'),
    onDesiredState: (state: Parameters<HostAgent['take']>[0]) => void agent.take(state),
    onAllocations: (...told: Parameters<HostAgent['takeAllocations']>) => void agent.takeAllocations(...told),
    onOperation: (request: Parameters<HostAgent['operate']>[0]) => void agent.operate(request),
    onGuestOrder: (order: GuestOrder) => guests?.order(order),
    onStartGrant: (grant: StartGrant) => guests?.granted(grant),
    now: Date.now,
    random: Math.random,
  };
}

async function identityOf(options: RunOptions, file: string): Promise<Identity | undefined> {
  const { join, log } = options;
  const held = loadIdentity(file);
  if (held && !hasExpired(held.certificatePem, Date.now())) return held;
  if (join) return joinFleet({ ...options, join }, file);
  const words = held
    ? `the certificate in ${file} has expired; join again with drover-agent join`
    : 'this host has not joined a control plane';
  log.warn({ file }, `${words}; what is on disk is enforced`);
  return undefined;
}

/** Joining failed: a host that was told what it should be is kept so, whoever cannot be reached. */
function unjoined(error: Error, log: Log): undefined {
  log.warn(
    { error: error.message },
    'no session; what is on disk is enforced. Mend it and start the agent again',
  );
  return undefined;
}

/** Joins with a token and keeps the identity. Errors: those of `enrol`; `not-found` for the token file. */
export async function joinFleet(
  { config, join, log }: Pick<RunOptions, 'config' | 'log'> & { join: NonNullable<RunOptions['join']> },
  file: string,
): Promise<Identity> {
  const hostName = checkHostName(config.host_name ?? hostname().toLowerCase(), 'host_name');
  const { labels, availability_zone: availabilityZone } = config;
  const [token = ''] = readTokens(join.tokenFile);
  const { enrol } = await import('../session/enrol.js'); // certificates cost memory that a running agent does not need
  const identity = await enrol({
    address: join.address,
    token,
    hostName,
    labels,
    availabilityZone,
    machineId: machineId(),
    simulated: false,
  });
  await saveIdentity(file, identity);
  log.info({ host: hostName, id: identity.hostId }, 'joined');
  return identity;
}

/** Join tokens, one a line. Errors: `not-found` naming the file. */
export function readTokens(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  } catch (cause) {
    throw new DroverError('not-found', `--join-token-file: ${file} cannot be read`, {
      field: '--join-token-file',
      value: file,
      cause,
    });
  }
}

/** machine-id(5): tells a reinstalled host from another one of the same name. */
function machineId(): string {
  for (const file of ['/etc/machine-id', '/var/lib/dbus/machine-id']) {
    try {
      const text = readFileSync(file, 'utf8').trim();
      if (text !== '') return text;
    } catch {
      // the next place
    }
  }
  return `name:${hostname()}`;
}
