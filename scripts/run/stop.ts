/** Ends everything in the order in which it is needed, and puts every setting back from the ledger. */
import { join } from 'node:path';
import { waitFor } from './children.js';
import { ask, heading, line } from './show.js';
import { listHosts, program, type Stage } from './stage.js';

/** What fails is said, and the rest goes on. Answers whether all went well. */
export async function stopAll(stage: Stage): Promise<boolean> {
  const { started } = stage;
  heading('stopping');
  const steps: [string, () => Promise<void> | undefined][] = [
    [
      'profiles are withdrawn, and agents put their settings back',
      () => (started.controlplane ? withdrawProfiles(stage) : undefined),
    ],
    ['agents end', () => endAgents(stage)],
    ['the domain ends', () => endDomain(stage)],
    ['the control plane ends', () => started.controlplane?.stop()],
    ['hypervisor daemons that were started end', () => started.hypervisor?.stop()],
  ];
  let isWell = true;
  for (const [what, work] of steps) isWell = (await step(what, work)) && isWell;
  return isWell;
}

async function step(what: string, work: () => Promise<void> | undefined): Promise<boolean> {
  try {
    await work();
    line(`${what}: done`);
    return true;
  } catch (error) {
    line(`${what}: ${(error as Error).message}`);
    return false;
  }
}

/** Withdrawn, so that no agent holds a desired state that it would enforce again at its next start. */
async function withdrawProfiles(stage: Stage): Promise<void> {
  const { profiles } = await ask<{ profiles: { name: string; withdrawn: boolean }[] }>(
    ['profile', 'list'],
    stage,
  );
  for (const { name, withdrawn } of profiles) if (!withdrawn) await ask(['profile', 'withdraw', name], stage);
  const isRunning = (child: Stage['started']['agent']): boolean =>
    child?.process.exitCode === null && child.process.signalCode === null;
  if (!isRunning(stage.started.agent)) return; // its settings go back by `drover-agent revert` below
  const back = async (): Promise<true | undefined> => {
    const own = (await listHosts(stage)).find((host) => host.name === stage.name);
    return own === undefined || ['unmanaged', 'plan-only'].includes(own.tuning_state) ? true : undefined;
  };
  await waitFor('settings to go back', 15_000, back);
}

/** After the agent, whatever the ledger still holds is written back without it and without the control plane. */
async function endAgents(stage: Stage): Promise<void> {
  const { started, run, state } = stage;
  await Promise.all([started.agent?.stop(), started.sim?.stop()]);
  if (!started.agent) return;
  const argv = [process.execPath, program(stage, 'agent'), 'revert', '--config', join(state, 'agent.yaml')];
  line((await run(argv, { timeoutMs: 30_000 })).trim());
}

async function endDomain(stage: Stage): Promise<void> {
  const { started } = stage;
  await started.domain?.remove();
  if (started.allocationId !== undefined) await ask(['allocation', 'delete', started.allocationId], stage);
}
