/**
 * `make run`: a whole Drover on this machine. Starts the hypervisor's daemons where they do not run, a control plane, a
 * real agent for this host and 50 simulated ones beside it, tunes a real KVM domain, shows what it did, and stays.
 * Ctrl-C ends everything that it started and puts every setting back from the ledger.
 *
 * DROVER_STATE: where it keeps its state (default: .drover in the project). DROVER_SIMULATED_HOSTS: how many (50).
 */
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runner } from './hypervisor/command.js';
import { openChildren } from './run/children.js';
import { demonstrate } from './run/demonstrate.js';
import { heading, line } from './run/show.js';
import { addresses, localName, type Stage } from './run/stage.js';
import { placeDomain, startAgents, startControlPlane, startDaemons } from './run/start.js';
import { stopAll } from './run/stop.js';

process.noDeprecation = true; // grpc-js names the address in TLS also where it is an IP

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const state = resolve(process.env['DROVER_STATE'] ?? join(project, '.drover'));
const stage: Stage = {
  project,
  state,
  context: join(state, 'context.json'),
  simulated: Number(process.env['DROVER_SIMULATED_HOSTS'] ?? 50),
  run: runner(),
  name: localName(),
  started: {},
};

async function main(): Promise<void> {
  const began = performance.now();
  const { planOnly } = await startDaemons(stage);
  const children = await openChildren(join(state, 'run'));
  await startControlPlane(stage, children);
  await startAgents(stage, children, planOnly);
  if (!planOnly) await placeDomain(stage);
  await demonstrate(stage, planOnly);
  heading('ready');
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  line(`${stage.simulated + 1} hosts after ${seconds} s. Ctrl-C ends it. Now try: npx drover host list`);
  line(`drover ready: api ${addresses(stage).address}`);
}

let stopping: Promise<void> | undefined;

function end(code: number): void {
  stopping ??= stopAll(stage).then((isWell) => process.exit(isWell ? code : 1));
}

process.on('SIGINT', () => end(0));
process.on('SIGTERM', () => end(0));
main().catch((error: Error) => {
  if (stopping) return; // it was told to end while it was starting
  process.stderr.write(`make run failed: ${error.message}\n`);
  end(1);
});
