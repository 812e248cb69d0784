/** `drover simulate`: what would fit where, if. */
import type { SimulateRequestInput } from '../../../proto/gen/drover/v1/SimulateRequest.js';
import { leaf, type Result } from '../command.js';
import { type SimulateCall, simulateOptions } from '../simulate-options.js';

async function run(call: SimulateCall): Promise<Result> {
  const { simulationView } = await import('../views/simulation.js');
  const { exitCodes } = await import('../../../proto/wire/errors.js');
  const request = await requestOf(call);
  const message = await (await call.api()).call('Placement', 'Simulate', request);
  const isWhole = message.refused === 0 && message.stranded === 0;
  return {
    message,
    view: simulationView(message, request),
    exit: isWhole ? exitCodes.ok : exitCodes.failed,
  };
}

/** From a file, from options, or both: what options say comes after what the file says. */
async function requestOf({ args: [file], options, io }: SimulateCall): Promise<SimulateRequestInput> {
  const { simulationOf } = await import('../simulate-request.js');
  const { invalid } = await import('../../../proto/wire/errors.js');
  const said = simulationOf(options);
  const written = file === undefined ? {} : await readFile(io, file);
  const changes = [...(written.changes ?? []), ...(said.changes ?? [])];
  const placements = [...(written.placements ?? []), ...(said.placements ?? [])];
  if (changes.length + placements.length === 0)
    throw invalid('options', 'nothing', 'a file, a change such as --ratio cpu=6, or --flavor to place');
  return { changes, placements, seed: Number(said.seed) || Number(written.seed ?? 0) };
}

async function readFile(io: SimulateCall['io'], file: string): Promise<SimulateRequestInput> {
  const { fileText } = await import('../options.js');
  const { maximumSimulationBytes, parseSimulation } = await import('../simulate-file.js');
  return parseSimulation(await fileText(io, file, 'simulation', maximumSimulationBytes), file);
}

export const simulate = leaf({
  name: 'simulate',
  summary:
    'Place virtual machines on a copy of the fleet as it would be after some changes. Nothing is taken. Exit 1 when something finds no host.',
  args: [['[file]', 'YAML file with changes and placements']],
  examples: [
    'drover simulate --ratio cpu=6 --flavor m1.small --count 100',
    'drover simulate --drain-zone rack-a',
    'drover simulate --add-hosts 4 --like kvm-01 --flavor m1.large --count 50',
    'drover simulate growth.yaml',
  ],
  options: simulateOptions,
  run,
});
