/** Shows what a person would ask first: what is this host, what would change, what changed, where does a domain fit. */
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { waitFor } from './children.js';
import { readBack } from './readback.js';
import { drover, heading, rows } from './show.js';
import { listHosts, type Stage } from './stage.js';

export async function demonstrate(stage: Stage, planOnly: boolean): Promise<void> {
  const { name } = stage;
  const sample = availableParallelism() >= 6 ? 'nova-classic' : 'small-host';
  const own = profileFile(stage, sample, 'this-host', 'real');
  heading(`facts of ${name}`);
  await drover(['host', 'show', name], stage);
  heading('the plan (noop): nothing is written');
  await drover(['operation', 'start', 'plan', name, '--profile', own], stage);
  heading('the fleet gets its profiles');
  await drover(['profile', 'apply', own], stage);
  await drover(
    ['profile', 'apply', profileFile(stage, 'nova-classic', 'simulated-hosts', 'simulated')],
    stage,
  );
  if (!planOnly) await showApplied(stage);
  heading('where would a virtual machine fit?');
  await drover(['place', '--vcpus', '8', '--memory', '96GiB', '--root-gb', '100', '--explain'], stage);
}

/** A sample profile under a name of its own, for the hosts of one kind; answers its file. */
function profileFile({ project, state }: Stage, sample: string, name: string, kind: string): string {
  const profile = parse(readFileSync(join(project, 'scripts/samples', `${sample}.yaml`), 'utf8')) as object;
  const file = join(state, `${name}.yaml`);
  writeFileSync(file, stringify({ ...profile, name, selector: { labels: { kind } } }));
  return file;
}

async function showApplied(stage: Stage): Promise<void> {
  const settled = async (): Promise<true | undefined> => {
    const own = (await listHosts(stage)).find((host) => host.name === stage.name);
    const isSettled =
      own?.profile_name === 'this-host' && ['in-sync', 'failed', 'drifted'].includes(own.tuning_state);
    return isSettled ? true : undefined;
  };
  await waitFor('tuning', 20_000, settled);
  heading('applied, and read back from the kernel');
  rows(readBack(stage.started.domain?.pid).map(({ what, value, file }) => [what, value, file]));
}
