/** `drover place`: where a virtual machine fits. */
import type { PlacementRequestInput } from '../../../proto/gen/drover/v1/PlacementRequest.js';
import { leaf, type Result } from '../command.js';
import { type PlaceCall, placeOptions } from '../place-options.js';

async function run(call: PlaceCall): Promise<Result> {
  const { requestOf } = await import('../place-request.js');
  const request = requestOf(call.options);
  if (call.options.claim) return claim(call, request);
  if (call.options.key !== undefined) await refuseKey(call.options.key);
  return call.options.explain ? explain(call, request) : select(call, request);
}

async function seedOf({ options }: PlaceCall): Promise<number> {
  const { wholeNumber } = await import('../options.js');
  return wholeNumber('--seed', options.seed, 1, Number.MAX_SAFE_INTEGER) ?? 0;
}

async function select(call: PlaceCall, request: PlacementRequestInput): Promise<Result> {
  const { wholeNumber } = await import('../options.js');
  const { destinationsView } = await import('../views/placement.js');
  const alternates = wholeNumber('--alternates', call.options.alternates, 0, 100) ?? 2;
  const asked = { request, alternates, seed: await seedOf(call) };
  const message = await (await call.api()).call('Placement', 'SelectDestinations', asked);
  const found = message.destinations.length > 0;
  return {
    message,
    view: destinationsView(message),
    ...(found ? {} : await failed('Add --explain to see why.')),
  };
}

async function explain({ api }: PlaceCall, request: PlacementRequestInput): Promise<Result> {
  const { explanationView } = await import('../views/explanation.js');
  const message = await (await api()).call('Placement', 'Explain', { request });
  return { message, view: explanationView(message), ...(message.hostsPassed > 0 ? {} : await failed()) };
}

async function claim(call: PlaceCall, request: PlacementRequestInput): Promise<Result> {
  const { allocationView } = await import('../views/allocations.js');
  const { unsure } = await import('../unsure.js');
  const idempotencyKey = call.options.key ?? call.io.newKey();
  const asked = { request, idempotencyKey, seed: await seedOf(call) };
  const message = await (
    await call.api()
  )
    .call('Placement', 'Claim', asked)
    .catch((thrown: unknown) =>
      unsure(thrown, idempotencyKey, 'the allocation if it was made, and makes it'),
    );
  const { allocation, existed } = message;
  const remark = existed
    ? 'The key was known: this is the allocation that it made.'
    : `Taken on ${allocation?.hostName}.`;
  return { message, view: allocation ? allocationView(remark, allocation) : [] };
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
    'drover place --flavor m1.small',
    'drover place --vcpus 4 --memory 8GiB --disk 20GiB --zone rack-a --explain',
    'drover place --flavor m1.large --group web --image-property hw_architecture=x86_64',
    'drover place --vcpus 4 --memory 8GiB --extra-spec hw:cpu_policy=dedicated --claim --key vm-17',
  ],
  options: placeOptions,
  run,
});
