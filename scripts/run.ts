/**
 * `make run`: a whole Drover on this machine. Starts the hypervisor's daemons where they do not run, a control plane, a
 * real agent for this host and 50 simulated ones beside it, tunes a real KVM domain, shows what it did, and stays.
 * Ctrl-C ends everything that it started and puts every setting back from the ledger.
 *
 * DROVER_STATE: where it keeps its state (default: .drover in the project). DROVER_SIMULATED_HOSTS: how many (50).
 */
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runner } from './hypervisor/command.js';
import { openChildren, type Children } from './run/children.js';
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
  let planOnly = false;
  let children: Children | undefined;
  const steps: (() => Promise<void>)[] = [
    async () => void ({ planOnly } = await startDaemons(stage)),
    async () => void (children = await openChildren(join(state, 'run'))),
    async () => startControlPlane(stage, children as Children),
    async () => startAgents(stage, children as Children, planOnly),
    async () => (planOnly ? undefined : placeDomain(stage)),
    async () => demonstrate(stage, planOnly),
  ];
  for (const step of steps) {
    if (stopping) return; // told to end while it was starting: nothing more is begun
    await step();
  }
  if (stopping) return;
  heading('ready');
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  line(`${stage.simulated + 1} hosts after ${seconds} s. Ctrl-C ends it. Now try: npx drover host list`);
  line(`drover ready: api ${addresses(stage).address}`);
}

let stopping: Promise<void> | undefined;

/** Ends what was started, once the step under way is over: nothing may be begun behind the back of the end. */
function end(code: number): void {
  stopping ??= Promise.race([starting, sleep(30_000, undefined, { ref: false })])
    .then(() => stopAll(stage))
    .then((isWell) => process.exit(isWell ? code : 1));
}

process.on('SIGINT', () => end(0));
process.on('SIGTERM', () => end(0));
const starting = main().catch((error: Error) => {
  if (stopping) return;
  process.stderr.write(`make run failed: ${error.message}\n`);
  process.exitCode = 1;
});
await starting;
if (process.exitCode === 1) end(1);
