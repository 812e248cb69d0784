/** Starts an operation and waits for its end. */
import type { Operation } from '../../proto/gen/drover/v1/Operation.js';
import { DroverError, exitCodes } from '../../proto/wire/errors.js';
import { encodeTuners } from '../../proto/wire/profile.js';
import type { Api } from './client.js';
import type { StartCall } from './operation-options.js';
import { profileFile, wholeNumber } from './options.js';

/** First and longest wait between two looks; the wait doubles. */
const looks = { firstMs: 100, longestMs: 1000 } as const;
/** The control plane ends an operation at its deadline; what is still running this much later will never end. */
const graceMs = 5000;

/**
 * The operation at its end, or as it began with --detach. Errors: those of the calls; `deadline-exceeded` when it has not
 * ended well after its deadline.
 */
export async function runOperation({
  args: [kind = '', host = ''],
  options,
  io,
  api,
}: StartCall): Promise<Operation> {
  const deadlineSeconds = wholeNumber('--deadline', options.deadline, 1, 300) ?? 30;
  const tuners =
    options.profile === undefined ? {} : encodeTuners((await profileFile(io, options.profile)).tuners);
  const control = await api();
  const started = await control.call('Operations', 'StartOperation', { host, kind, tuners, deadlineSeconds });
  return options.detach ? started : waitForEnd(control, started, io, deadlineSeconds * 1000 + graceMs);
}

async function waitForEnd(
  api: Api,
  started: Operation,
  io: StartCall['io'],
  longestMs: number,
): Promise<Operation> {
  const giveUpAt = io.now() + longestMs;
  let operation = started;
  for (
    let waitMs: number = looks.firstMs;
    operation.state === 'running';
    waitMs = Math.min(looks.longestMs, waitMs * 2)
  ) {
    if (io.now() >= giveUpAt) throw endless(started);
    await io.sleep(waitMs);
    operation = await api.call('Operations', 'GetOperation', { id: started.id });
  }
  return operation;
}

function endless({ id, kind, hostName }: Operation): DroverError {
  const cure = 'look at it later with drover operation list';
  return new DroverError('deadline-exceeded', `${kind} of ${hostName} has not ended: operation ${id}`, {
    field: 'operation',
    value: id,
    cure,
  });
}

/** 0: nothing differs (or not waited for); 2: settings are pending; 1: the operation, or one of its settings, failed. */
export function exitOf({ state, settings }: Operation): number {
  if (state === 'failed' || settings.some(({ outcome }) => outcome === 'failed')) return exitCodes.failed;
  return settings.some(({ outcome }) => outcome === 'pending') ? exitCodes.pending : exitCodes.ok;
}
