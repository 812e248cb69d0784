/**
 * `make run`: a whole Drover on this machine. Starts the hypervisor's daemons where they do not run, a control plane, a
 * real agent for this host and 50 simulated ones beside it, tunes a real KVM domain, shows what it did, and stays.
 * Ctrl-C ends everything that it started and puts every setting back from the ledger.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { endLeftover, openChildren, waitFor, type Child, type Children } from './run/children.js';
import { removeDemoDomain, startDemoDomain, type DemoDomain } from './run/demo-domain.js';
import { readBack } from './run/readback.js';
import { ask, drover, heading, line, rows } from './run/show.js';
import { runner } from './hypervisor/command.js';
import { startHypervisor, type RunningHypervisor } from './hypervisor/hypervisor.js';

process.noDeprecation = true; // grpc-js names the address in TLS also where it is an IP

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const state = join(project, '.drover');
const programs = {
  controlplane: join(project, 'build/controlplane/bin.js'),
  agent: join(project, 'build/agent/bin.cjs'),
};
const simulated = Number(process.env['DROVER_SIMULATED_HOSTS'] ?? 50);
const run = runner();

interface Listing {
  hosts: { name: string; liveness: string; simulated: boolean; tuning_state: string; profile_name: string }[];
}

/** What was started, for `stop`. */
interface Started {
  hypervisor?: RunningHypervisor;
  domain?: DemoDomain;
  allocationId?: string;
  controlplane?: Child;
  agent?: Child;
  sim?: Child;
}

const started: Started = {};
let stopping: Promise<void> | undefined;

async function main(): Promise<void> {
  const began = performance.now();
  const mode = await hypervisor();
  const children = await openChildren(join(state, 'run'));
  await controlPlane(children);
  const name = localName();
  await agents(children, name, mode.planOnly);
  const allocation = mode.planOnly ? undefined : await placeDomain(name);
  await demonstrate(name, mode.planOnly, allocation);
  const { address } = JSON.parse(readFileSync(join(state, 'context.json'), 'utf8')) as { address: string };
  heading('ready');
  line(
    `${simulated + 1} hosts after ${Math.round((performance.now() - began) / 100) / 10} s. Logs: .drover/run/*.log. Try: npx drover host list`,
  );
  line(`drover ready: api ${address}`);
}

/** Without root or a hypervisor the agent only plans, and one line says why. */
async function hypervisor(): Promise<{ planOnly: boolean }> {
  if (process.getuid?.() !== 0) return planOnly('not root');
  try {
    started.hypervisor = await startHypervisor();
    if (started.hypervisor.started.length > 0) line(`started ${started.hypervisor.started.join(', ')}`);
    return { planOnly: false };
  } catch (error) {
    return planOnly((error as Error).message);
  }
}

function planOnly(reason: string): { planOnly: boolean } {
  line(`plan-only: ${reason}; the agent will show what it would change and change nothing`);
  return { planOnly: true };
}

async function controlPlane(children: Children): Promise<void> {
  mkdirSync(join(state, 'controlplane'), { recursive: true, mode: 0o700 });
  if (await endLeftover(join(state, 'run'), 'controlplane', programs.controlplane))
    line('ended a control plane that an earlier run left');
  const config = join(state, 'controlplane.yaml');
  writeFileSync(
    config,
    stringify({
      state_directory: join(state, 'controlplane'),
      listen: '127.0.0.1:7643',
      enrol_listen: '127.0.0.1:7644',
      advertise: ['127.0.0.1', 'localhost'],
      service_down_time: 120,
      cpu_allocation_ratio: 4,
      ram_allocation_ratio: 1,
      reserved_host_memory_mb: 512,
    }),
  );
  started.controlplane = children.start('controlplane', programs.controlplane, [
    'run',
    '--config',
    config,
    '--context',
    join(state, 'context.json'),
    '--any-port',
  ]);
  await waitFor(
    'control plane',
    20_000,
    () => ask<Listing>(['host', 'list'], project),
    [started.controlplane],
    children,
  );
}

/** The real agent joins with a one-use token; the simulated hosts share one process and have a token each. */
async function agents(children: Children, name: string, planning: boolean): Promise<void> {
  for (const child of ['agent', 'sim']) await endLeftover(join(state, 'run'), child, programs.agent);
  const { enrol_address: enrol } = JSON.parse(readFileSync(join(state, 'context.json'), 'utf8')) as {
    enrol_address: string;
  };
  const config = join(state, 'agent.yaml');
  writeFileSync(
    config,
    stringify({
      host_name: name,
      state_directory: join(state, 'agent'),
      availability_zone: 'local',
      labels: { kind: 'real' },
      plan_only: planning,
      reconcile_interval_seconds: 10,
    }),
  );
  const join_ = ['--join-address', enrol, '--join-token-file'];
  const real = await tokenFile('agent', 1);
  started.agent = children.start('agent', programs.agent, ['run', '--config', config, ...join_, real]);
  const many = await tokenFile('sim', simulated);
  started.sim = children.start('sim', programs.agent, [
    'sim',
    '--hosts',
    `${simulated}`,
    '--state',
    join(state, 'sim'),
    ...join_,
    many,
  ]);
  const all = async (): Promise<true | undefined> => {
    const { hosts } = await ask<Listing>(['host', 'list'], project);
    return hosts.filter((host) => host.liveness === 'up' && host.tuning_state !== 'unknown').length >=
      simulated + 1
      ? true
      : undefined;
  };
  await waitFor('agents', 60_000, all, [started.agent, started.sim], children);
}

/** Join tokens in a file that only root reads, one a line. They are used only by hosts that have not joined yet. */
async function tokenFile(who: string, count: number): Promise<string> {
  const file = join(state, `${who}.tokens`);
  const tokens: string[] = [];
  for (let index = 0; index < count; index++)
    tokens.push((await ask<{ token: string }>(['token', 'create', '--ttl', '600'], project)).token);
  writeFileSync(file, `${tokens.join('\n')}\n`, { mode: 0o600 });
  return file;
}

/** Claims room for the demonstration's domain on this host, and starts it there. */
async function placeDomain(name: string): Promise<string> {
  await removeDemoDomain(run);
  const claim = await ask<{ allocation: { id: string } }>(
    [
      'place',
      '--vcpus',
      '1',
      '--memory',
      '64MiB',
      '--zone',
      'local',
      '--claim',
      '--key',
      `demo-${Date.now()}`,
    ],
    project,
  );
  started.allocationId = claim.allocation.id;
  started.domain = await startDemoDomain(run, claim.allocation.id);
  line(`claimed room on ${name} and started domain drover-demo on Open vSwitch bridge drover-br0`);
  return claim.allocation.id;
}

async function demonstrate(name: string, planning: boolean, allocation: string | undefined): Promise<void> {
  const sample = profileFor(availableParallelism() >= 6 ? 'nova-classic' : 'small-host', 'this-host', 'real');
  heading(`facts of ${name}`);
  await drover(['host', 'show', name], project);
  heading('the plan (noop): nothing is written');
  await drover(['operation', 'start', 'plan', name, '--profile', sample], project);
  heading('the fleet gets its profiles');
  await drover(['profile', 'apply', sample], project);
  await drover(['profile', 'apply', profileFor('nova-classic', 'simulated-hosts', 'simulated')], project);
  if (!planning) await showApplied(name, allocation);
  heading('where would a virtual machine fit?');
  await drover(['place', '--vcpus', '8', '--memory', '96GiB', '--root-gb', '100', '--explain'], project);
}

/** A sample profile under a name of its own, for the hosts of one kind; answers its file, relative to the project. */
function profileFor(sample: string, name: string, kind: string): string {
  const profile = parse(readFileSync(join(project, 'scripts/samples', `${sample}.yaml`), 'utf8')) as object;
  const file = `.drover/${name}.yaml`;
  writeFileSync(join(project, file), stringify({ ...profile, name, selector: { labels: { kind } } }));
  return file;
}

async function showApplied(name: string, allocation: string | undefined): Promise<void> {
  const settled = async (): Promise<true | undefined> => {
    const { hosts } = await ask<Listing>(['host', 'list'], project);
    const own = hosts.find((host) => host.name === name);
    return own && own.profile_name !== '' && ['in-sync', 'failed', 'drifted'].includes(own.tuning_state)
      ? true
      : undefined;
  };
  await waitFor('tuning', 20_000, settled);
  heading(`applied, and read back from the kernel (domain drover-demo, allocation ${allocation ?? ''})`);
  rows(readBack(started.domain?.pid).map(({ what, value, file }) => [what, value, file]));
}

/** Ends everything in the order in which it is needed; what fails is said, and the rest goes on. */
async function stop(): Promise<void> {
  heading('stopping');
  await step('settings go back', withdrawProfiles);
  await step('agents end', async () => {
    await Promise.all([started.agent?.stop(), started.sim?.stop()]);
    if (started.agent) await showRevert();
  });
  await step('the domain ends', async () => {
    await started.domain?.remove();
    if (started.allocationId !== undefined)
      await ask(['allocation', 'delete', started.allocationId], project);
  });
  await step('the control plane ends', async () => started.controlplane?.stop());
  await step('the hypervisor daemons that were started end', async () => started.hypervisor?.stop());
}

async function step(what: string, work: () => Promise<void> | undefined): Promise<void> {
  try {
    await work();
    line(`${what}: done`);
  } catch (error) {
    line(`${what}: ${(error as Error).message}`);
  }
}

/** Profiles are withdrawn, so that no agent holds a desired state that it would enforce again. */
async function withdrawProfiles(): Promise<void> {
  const { profiles } = await ask<{ profiles: { name: string; withdrawn: boolean }[] }>(
    ['profile', 'list'],
    project,
  );
  for (const { name, withdrawn } of profiles)
    if (!withdrawn) await ask(['profile', 'withdraw', name], project);
  const back = async (): Promise<true | undefined> => {
    const { hosts } = await ask<Listing>(['host', 'list'], project);
    return hosts.every(
      (host) => host.liveness !== 'up' || ['unmanaged', 'plan-only', 'unknown'].includes(host.tuning_state),
    )
      ? true
      : undefined;
  };
  await waitFor('settings to go back', 15_000, back);
}

/** The second line: whatever the ledger still holds is written back without the control plane. */
async function showRevert(): Promise<void> {
  const out = await run([process.execPath, programs.agent, 'revert', '--config', join(state, 'agent.yaml')], {
    timeoutMs: 30_000,
  });
  line(out.trim());
}

function localName(): string {
  const name = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
    .replaceAll(/^[-.]+|[-.]+$/g, '');
  return name === '' || name === 'localhost' ? 'this-host' : name;
}

function end(code: number): void {
  stopping ??= stop().finally(() => process.exit(code));
}

process.on('SIGINT', () => end(0));
process.on('SIGTERM', () => end(0));
main().catch((error: Error) => {
  process.stderr.write(`make run failed: ${error.message}\n`);
  end(1);
});
