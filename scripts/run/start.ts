/** Brings the stage up: the hypervisor's daemons, a control plane, this host's agent, the simulated hosts, one domain. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { startHypervisor } from '../hypervisor/hypervisor.js';
import { simName } from '../../agent/sim/sim-host.js';
import { endLeftover, waitFor, type Children } from './children.js';
import { demo, removeDemoDomain, startDemoDomain } from './demo-domain.js';
import { ask, line } from './show.js';
import { addresses, listHosts, program, type Stage } from './stage.js';

/** Starts the daemons that do not run. Without root or a hypervisor the agent only plans; one line says why. */
export async function startDaemons(stage: Stage): Promise<{ planOnly: boolean }> {
  const reason = process.getuid?.() === 0 ? await tryDaemons(stage) : 'not root';
  if (reason === undefined) return { planOnly: false };
  line(`plan-only: ${reason}; the agent shows what it would change and changes nothing`);
  return { planOnly: true };
}

async function tryDaemons({ started }: Stage): Promise<string | undefined> {
  try {
    started.hypervisor = await startHypervisor();
  } catch (error) {
    return (error as Error).message.split('\n')[0];
  }
  if (started.hypervisor.started.length > 0) line(`started ${started.hypervisor.started.join(', ')}`);
  return undefined;
}

/** The operator's ratios: CPUs at 4 to 1, memory as it is, 4 GiB kept for a host that has them. */
function planeConfig(stage: Stage): object {
  return {
    state_directory: join(stage.state, 'controlplane'),
    listen: '127.0.0.1:7643',
    enrol_listen: '127.0.0.1:7644',
    advertise: ['127.0.0.1', 'localhost'],
    service_down_time: 120,
    cpu_allocation_ratio: 4,
    ram_allocation_ratio: 1,
    reserved_host_memory_mb: totalmem() >= 8 * 2 ** 30 ? 4096 : 512,
  };
}

export async function startControlPlane(stage: Stage, children: Children): Promise<void> {
  const { state, context, started } = stage;
  const file = program(stage, 'controlplane');
  mkdirSync(join(state, 'controlplane'), { recursive: true, mode: 0o700 });
  if (await endLeftover(join(state, 'run'), 'controlplane', file))
    line('ended a control plane that an earlier run left');
  const config = join(state, 'controlplane.yaml');
  writeFileSync(config, stringify(planeConfig(stage)));
  started.controlplane = children.start('controlplane', file, [
    'run',
    '--config',
    config,
    '--context',
    context,
    '--any-port',
  ]);
  await waitFor('control plane', 20_000, () => listHosts(stage), [started.controlplane], children);
}

/** The real agent joins with a one-use token; the simulated hosts share one process and have a token each. */
export async function startAgents(stage: Stage, children: Children, planOnly: boolean): Promise<void> {
  const { state, started, name } = stage;
  const file = program(stage, 'agent');
  for (const child of ['agent', 'sim']) await endLeftover(join(state, 'run'), child, file);
  const config = join(state, 'agent.yaml');
  const settings = {
    host_name: name,
    state_directory: join(state, 'agent'),
    availability_zone: 'local',
    labels: { kind: 'real' },
    plan_only: planOnly,
    reconcile_interval_seconds: 10,
  };
  writeFileSync(config, stringify(settings));
  const joining = ['--join-address', addresses(stage).enrol_address, '--join-token-file'];
  started.agent = children.start('agent', file, [
    'run',
    '--config',
    config,
    ...joining,
    await tokenFile(stage, 'agent', [name]),
  ]);
  if (stage.simulated > 0) {
    const argv = [
      'sim',
      '--hosts',
      `${stage.simulated}`,
      '--state',
      join(state, 'sim'),
      ...joining,
      await tokenFile(stage, 'sim', simulatedNames(stage.simulated)),
    ];
    started.sim = children.start('sim', file, argv);
  }
  await waitFor(
    'agents',
    60_000,
    () => allReport(stage),
    [started.agent, ...(started.sim ? [started.sim] : [])],
    children,
  );
}

async function allReport(stage: Stage): Promise<true | undefined> {
  const reporting = (await listHosts(stage)).filter(
    (host) => host.liveness === 'up' && host.tuning_state !== 'unknown',
  );
  return reporting.length > stage.simulated ? true : undefined;
}

/**
 * Join tokens in a file that only its owner reads, one a line, each bound to its host: so a host whose identity was lost
 * may join again under its name. Hosts that have joined before leave theirs unused.
 */
async function tokenFile(stage: Stage, who: string, hosts: readonly string[]): Promise<string> {
  const file = join(stage.state, `${who}.tokens`);
  const tokens: string[] = [];
  for (const host of hosts) {
    const { token } = await ask<{ token: string }>(
      ['token', 'create', '--ttl', '600', '--host', host],
      stage,
    );
    tokens.push(token);
  }
  writeFileSync(file, `${tokens.join('\n')}\n`, { mode: 0o600 });
  return file;
}

/** Claims room for the demonstration's domain on this host, and starts it there. */
export async function placeDomain(stage: Stage): Promise<void> {
  const { run, started, name } = stage;
  await removeDemoDomain(run);
  const request = [
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
  ];
  // A host takes domains once its agent has reported those that it has.
  const claim = () => ask<{ allocation: { id: string } }>(request, stage);
  const { allocation } = await waitFor('room on this host', 20_000, claim);
  started.allocationId = allocation.id;
  started.domain = await startDemoDomain(run, allocation.id);
  await waitFor('the domain to run', 20_000, () => domainRuns(stage));
  line(`claimed room on ${name} and started domain drover-demo on Open vSwitch bridge drover-br0`);
}

function simulatedNames(count: number): string[] {
  return Array.from({ length: count }, (_, index) => simName(index + 1));
}

async function domainRuns(stage: Stage): Promise<true | undefined> {
  const { domains } = await ask<{ domains: { name: string; state: string }[] }>(
    ['domain', 'list', '--host', stage.name],
    stage,
  );
  return domains.some(({ name, state }) => name === demo.name && state === 'running') ? true : undefined;
}
