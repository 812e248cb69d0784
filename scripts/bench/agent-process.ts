/** A `drover-agent run` as on a real host: joined to a control plane that runs beside it, with a profile from there. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import { stringify } from 'yaml';
import { checkConfig } from '../../controlplane/config.js';
import { startControlPlane, type ControlPlane } from '../../controlplane/main.js';
import { issueWithKey } from '../../controlplane/security/certificates.js';
import { certificatePem } from '../../proto/wire/csr.js';
import { channelOptions } from '../../proto/wire/limits.js';
import { loadContract } from '../../proto/wire/load.js';
import { encodeGuests, encodeTuners, type parseProfile } from '../../proto/wire/profile.js';

export interface AgentProcess {
  readonly pid: number;
  /** Milliseconds from libvirt's start event to every setting written and read back, of each domain so far. */
  enforcedMs(): number[];
  /** Done when that many domains were enforced. Errors: a plain `Error` after `deadlineMs`, or when the agent ended. */
  untilEnforced(count: number, deadlineMs: number): Promise<void>;
  stop(): Promise<void>;
}

const quiet = { info: () => undefined, warn: () => undefined };
const host = 'bench-host';
/** For starting, joining and the first pass over every domain. */
const readyMs = 120_000;

/** Starts both in `folder`; the answer comes when the host is in sync with its profile. The agent runs by the first line of `program`, thus with the flags that it has everywhere. */
export async function startAgentProcess(
  program: string,
  folder: string,
  profile: ReturnType<typeof parseProfile>,
): Promise<AgentProcess> {
  const plane = await startControlPlane(
    checkConfig(
      { state_directory: join(folder, 'plane'), listen: '127.0.0.1:0', enrol_listen: '127.0.0.1:0' },
      'bench',
    ),
    quiet,
  );
  const state = join(folder, 'agent');
  const [config, token, log] = ['agent.yaml', 'token', 'agent.log'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(config, stringify({ state_directory: state, host_name: host }));
  writeFileSync(token, await prepare(plane, profile));
  const argv = ['run', '--config', config, '--join-address', plane.enrolAddress, '--join-token-file', token];
  const out = openSync(log, 'w');
  // Nothing of this shell: NODE_OPTIONS and more certificates would count as the agent's.
  const child = spawn(program, argv, {
    stdio: ['ignore', out, out],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  closeSync(out);
  const until = async (check: () => boolean, deadlineMs: number, what: string): Promise<void> => {
    const end = performance.now() + deadlineMs;
    while (!check()) {
      if (performance.now() > end || child.exitCode !== null) throw new Error(`${what} ${tail(log)}`);
      await sleep(50);
    }
  };
  const enforcedMs = () => enforcedOf(readFileSync(log, 'utf8'));
  const stop = async (): Promise<void> => {
    await endOf(child);
    await plane.close();
  };
  const isInSync = () => [...plane.fleet.sessions.all()].some(({ tuning }) => tuning?.state === 'in-sync');
  await until(isInSync, readyMs, 'the host is not in sync;').catch(async (fault: Error) => {
    await stop();
    throw fault;
  });
  return {
    pid: child.pid as number,
    enforcedMs,
    untilEnforced: (count, deadlineMs) =>
      until(() => enforcedMs().length >= count, deadlineMs, `fewer than ${count} starts were enforced;`),
    stop,
  };
}

/** Stores the profile for every host; answers a join token. */
async function prepare(plane: ControlPlane, profile: ReturnType<typeof parseProfile>): Promise<string> {
  const issued = await issueWithKey(
    plane.authority,
    { name: 'bench', role: 'operator' },
    { nowMs: Date.now(), lifetimeMs: 3_600_000 },
  );
  const credentials = grpc.credentials.createSsl(
    Buffer.from(plane.authority.certificatePem),
    Buffer.from(issued.keyPem),
    Buffer.from(certificatePem(issued.certificateDer)),
  );
  const contract = loadContract();
  const tuning = new contract.Tuning(plane.apiAddress, credentials, channelOptions);
  const fleet = new contract.Fleet(plane.apiAddress, credentials, channelOptions);
  const { name, tuners, guests } = profile;
  const stored = { name, tuners: encodeTuners(tuners), guests: encodeGuests(guests) };
  try {
    await new Promise<void>((resolve, reject) =>
      tuning.applyProfile({ profile: stored }, (error) => (error ? reject(error) : resolve())),
    );
    return await new Promise((resolve, reject) =>
      fleet.createJoinToken({}, (error, answer) =>
        error || !answer ? reject(error ?? new Error('no token')) : resolve(answer.token),
      ),
    );
  } finally {
    tuning.close();
    fleet.close();
  }
}

function enforcedOf(log: string): number[] {
  const lines = log.split('\n').filter((line) => line.includes('"domain enforced and verified"'));
  return lines.map((line) => (JSON.parse(line) as { ms: number }).ms);
}

function tail(log: string): string {
  return `the agent's last words: ${readFileSync(log, 'utf8').split('\n').slice(-4).join('\n')}`;
}

async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await Promise.race([once(child, 'exit'), sleep(10_000, undefined, { ref: false })]);
  child.kill('SIGKILL');
}
