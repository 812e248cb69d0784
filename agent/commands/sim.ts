/** `drover-agent sim`: many simulated hosts in one process, each with its own identity and session. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { invalid } from '../../proto/wire/errors.js';
import type { Log } from '../log.js';
import { enrol } from '../session/enrol.js';
import { hasExpired, identityFile, loadIdentity, saveIdentity, type Identity } from '../session/identity.js';
import { keepRenewed } from '../session/renew.js';
import { Session } from '../session/session.js';
import { domainsOf, openSimHost, shapeOf, type SimHost } from '../sim/sim-host.js';
import { sessionOptions } from './run.js';

/** Most simulated hosts of one process: each has a TLS session, some 90 KB of tree and its share of one event loop. */
export const maximumSimHosts = 1_000;

/** Hosts that join at the same time: a TLS handshake is the cost, and two cores do some hundred a second. */
const joiningAtOnce = 8;

export interface SimOptions {
  readonly hosts: number;
  /** Their names are PREFIX-001 and so on. */
  readonly prefix: string;
  readonly state: string;
  readonly join: { readonly address: string; readonly tokens: readonly string[] };
  readonly version: string;
  readonly log: Log;
}

interface Running {
  readonly host: SimHost;
  readonly stopRenewing: () => void;
}

/** Starts the hosts; each joins with a token of its own unless it has joined before. */
export async function startSim(options: SimOptions): Promise<{ hosts: SimHost[]; stop(): Promise<void> }> {
  if (!Number.isInteger(options.hosts) || options.hosts < 1 || options.hosts > maximumSimHosts)
    throw invalid('--hosts', options.hosts, `1 to ${maximumSimHosts}`);
  const running: Running[] = [];
  const waiting = Array.from({ length: options.hosts }, (_, index) => index + 1);
  const lane = async (): Promise<void> => {
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift())
      running.push(await startOne(options, index));
  };
  await Promise.all(Array.from({ length: joiningAtOnce }, lane));
  return {
    hosts: running.map(({ host }) => host),
    stop: async () => {
      await Promise.all(
        running.map(async ({ host, stopRenewing }) => {
          stopRenewing();
          await host.agent.stop();
          await host.ledger.close();
        }),
      );
    },
  };
}

async function startOne(options: SimOptions, index: number): Promise<Running> {
  const { log, version } = options;
  const shape = shapeOf(index, randomUUID(), options.prefix);
  const directory = join(options.state, shape.name);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  let identity = await identityOf(options, index, directory);
  const host = await openSimHost(shape, domainsOf(index), directory, version, log);
  const session = new Session({
    ...sessionOptions(host.agent, log, host.guests),
    identity: () => identity,
    agentVersion: version,
    bootId: shape.bootId,
    desiredDigest: () => host.desired.current?.digest ?? '',
  });
  const save = async (renewed: Identity): Promise<void> => {
    await saveIdentity(identityFile(directory), renewed);
    identity = renewed;
  };
  const stopRenewing = keepRenewed({ session, identity: () => identity, save, now: Date.now, log });
  await host.agent.start(session);
  return { host, stopRenewing };
}

async function identityOf(
  { join: where, log, prefix }: SimOptions,
  index: number,
  directory: string,
): Promise<Identity> {
  const held = loadIdentity(identityFile(directory));
  if (held && !hasExpired(held.certificatePem, Date.now())) return held;
  const token = where.tokens[index - 1];
  if (token === undefined)
    throw invalid(
      '--join-token-file',
      `${where.tokens.length} tokens`,
      `a token for each host that has not joined, at least ${index}`,
    );
  const shape = shapeOf(index, '', prefix);
  const identity = await enrol({
    address: where.address,
    token,
    hostName: shape.name,
    labels: { kind: 'simulated' },
    availabilityZone: `az-${1 + ((index - 1) % 3)}`,
    machineId: `sim:${shape.name}`,
    simulated: true,
  });
  await saveIdentity(identityFile(directory), identity);
  log.debug({ host: shape.name }, 'joined');
  return identity;
}
