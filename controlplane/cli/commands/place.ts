/** `drover place`: where a virtual machine fits. */
import type { PlacementRequestInput } from '../../../proto/gen/drover/v1/PlacementRequest.js';
import { flag, leaf, list, text, type Call, type Result } from '../command.js';

const options = {
  vcpus: text({ flags: '--vcpus <number>', summary: 'vCPUs (needed)' }),
  memory: text({ flags: '--memory <size>', summary: 'memory with its unit, such as 8GiB (needed)' }),
  disk: text({
    flags: '--disk <size>',
    summary: 'root disk with its unit, such as 20GiB',
    conflicts: ['rootGb'],
  }),
  rootGb: text({ flags: '--root-gb <GiB>', summary: 'root disk, as a flavor says it' }),
  ephemeralGb: text({ flags: '--ephemeral-gb <GiB>', summary: 'ephemeral disk' }),
  swapMb: text({ flags: '--swap-mb <MiB>', summary: 'swap disk' }),
  zone: text({ flags: '--zone <zone>', summary: 'only hosts of this availability zone' }),
  extraSpec: list({
    flags: '--extra-spec <key=value>',
    summary: 'extra spec of a flavor, such as hw:cpu_policy=dedicated; may be repeated',
  }),
  alternates: text({
    flags: '--alternates <number>',
    summary: 'hosts to name after the best, 0 to 100 (default: 2)',
    conflicts: ['claim', 'explain'],
  }),
  claim: flag({ flags: '--claim', summary: 'take the resources on the best host' }),
  key: text({
    flags: '--key <text>',
    summary: 'with --claim: the same key again answers the same allocation',
  }),
  instance: text({ flags: '--instance <uuid>', summary: 'UUID of the virtual machine' }),
  explain: flag({
    flags: '--explain',
    summary: 'say for each host why it passes or not; nothing is taken',
    conflicts: ['claim'],
  }),
} as const;

type PlaceCall = Call<typeof options>;

async function run(call: PlaceCall): Promise<Result> {
  const request = await requestOf(call.options);
  if (call.options.claim) return claim(call, request);
  if (call.options.key !== undefined) await refuseKey(call.options.key);
  return call.options.explain ? explain(call, request) : select(call, request);
}

async function requestOf(options: PlaceCall['options']): Promise<PlacementRequestInput> {
  const { keyValues, sizeIn, wholeNumber } = await import('../options.js');
  const { invalid } = await import('../../../proto/wire/errors.js');
  if (options.vcpus === undefined)
    throw invalid('--vcpus', 'nothing', 'a whole number of vCPUs, such as --vcpus 4');
  if (options.memory === undefined)
    throw invalid('--memory', 'nothing', 'a size with its unit, such as --memory 8GiB');
  const gib = 2 ** 30;
  return {
    vcpus: wholeNumber('--vcpus', options.vcpus, 1, 65_536) ?? 0,
    memoryMb: sizeIn(2 ** 20, '--memory', options.memory, '8GiB or 512MiB') ?? 0,
    rootGb:
      sizeIn(gib, '--disk', options.disk, '20GiB') ??
      wholeNumber('--root-gb', options.rootGb, 0, 2 ** 30) ??
      0,
    ephemeralGb: wholeNumber('--ephemeral-gb', options.ephemeralGb, 0, 2 ** 30) ?? 0,
    swapMb: wholeNumber('--swap-mb', options.swapMb, 0, 2 ** 40) ?? 0,
    availabilityZone: options.zone ?? '',
    instanceUuid: options.instance ?? '',
    extraSpecs: keyValues('--extra-spec', options.extraSpec),
  };
}

async function select({ options, api }: PlaceCall, request: PlacementRequestInput): Promise<Result> {
  const { wholeNumber } = await import('../options.js');
  const { destinationsView } = await import('../views/placement.js');
  const alternates = wholeNumber('--alternates', options.alternates, 0, 100) ?? 2;
  const message = await (await api()).call('Placement', 'SelectDestinations', { request, alternates });
  const found = message.destinations.length > 0;
  return {
    message,
    view: destinationsView(message),
    ...(found ? {} : await failed('Add --explain to see why.')),
  };
}

async function explain({ api }: PlaceCall, request: PlacementRequestInput): Promise<Result> {
  const { explanationView } = await import('../views/placement.js');
  const message = await (await api()).call('Placement', 'Explain', { request });
  return { message, view: explanationView(message), ...(message.hostsPassed > 0 ? {} : await failed()) };
}

async function claim({ options, io, api }: PlaceCall, request: PlacementRequestInput): Promise<Result> {
  const { allocationView } = await import('../views/allocations.js');
  const key = options.key ?? io.newKey();
  const message = await (
    await api()
  )
    .call('Placement', 'Claim', { request, idempotencyKey: key })
    .catch((thrown: unknown) => unsure(thrown, key));
  const { allocation, existed } = message;
  const remark = existed
    ? 'The key was known: this is the allocation that it made.'
    : `Taken on ${allocation?.hostName}.`;
  return { message, view: allocation ? allocationView(remark, allocation) : [] };
}

/** Without an answer nobody knows whether the claim was made: only its key can tell, or make it. Throws. */
async function unsure(thrown: unknown, key: string): Promise<never> {
  const { DroverError } = await import('../../../proto/wire/errors.js');
  const isLost =
    thrown instanceof DroverError && (thrown.code === 'deadline-exceeded' || thrown.code === 'unavailable');
  if (!isLost) throw thrown;
  const { code, message, field, value } = thrown;
  const cure = `repeat the command with --key ${key}: it answers the allocation if it was made, and makes it otherwise`;
  throw new DroverError(code, message, {
    ...(field && { field }),
    ...(value && { value }),
    cure,
    cause: thrown,
  });
}

/** No host fits: a failure with an answer. */
async function failed(note?: string): Promise<Pick<Result, 'exit' | 'note'>> {
  const { exitCodes } = await import('../../../proto/wire/errors.js');
  return { exit: exitCodes.failed, ...(note === undefined ? {} : { note }) };
}

async function refuseKey(key: string): Promise<never> {
  const { invalid } = await import('../../../proto/wire/errors.js');
  throw invalid('--key', key, '--claim beside it: only a claim has a key');
}

export const place = leaf({
  name: 'place',
  summary: 'Say where a virtual machine fits, best host first; with --claim, take the place.',
  examples: [
    'drover place --vcpus 4 --memory 8GiB',
    'drover place --vcpus 4 --memory 8GiB --disk 20GiB --zone rack-a --explain',
    'drover place --vcpus 4 --memory 8GiB --extra-spec hw:cpu_policy=dedicated --claim --key vm-17',
  ],
  options,
  run,
});
